"""What stands in the way of more throughput and less idle memory, measured piece by piece.

    python -m benchmarks.limits [--rounds 3] [--seconds 1.0] [--clients 16]

The first table builds one request up from bytes that are passed on to the whole program: CPU time of the
server in each step, the servers in turn, medians. The second is a profile of the whole program by package:
calls of Python functions in a request, and which share of the loop's thread they take (the profiler makes
small functions dearer than they are). The third is what libraries take before a line of ours runs,
and what is spared until it is needed.
"""

from __future__ import annotations

import argparse
import json
import pstats
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

from benchmarks.rig.load import many, request_bytes, run
from benchmarks.rig.programs import Program, baseline, headless, scripted_upstream, started
from benchmarks.rig.table import median, print_table

_STEPS = {
    "bytes passed on (aiohttp, uvloop)": ("bytes", "openai", False),
    "+ the upstream streams": ("streamed", "openai", True),
    "+ strict JSON in, each chunk read": ("json", "openai", True),
    "+ request read, checked, translated": ("request", "messages", False),
    "+ answer translated, judged, folded": ("answer", "messages", False),
}
"""By what each adds: the server, the kind of request it takes, and whether that asks for a stream."""
_WHOLE = "+ routing, breakers, ledger, log: headless"
_SDK = "for comparison: openai SDK hop"
_IMPORTS = {
    "an interpreter": (),
    "+ aiohttp, uvloop": ("uvloop", "aiohttp.web"),
    "+ pydantic, structlog, yaml, orjson": ("pydantic", "structlog", "yaml", "orjson"),
    "+ openai, as Signalbox loads it": ("proxy.upstreams.openai_sdk",),
    "+ SQLAlchemy": ("sqlalchemy", "sqlalchemy.dialects.sqlite"),
    "+ Signalbox's modules": (
        "app.headless",
        "proxy.tools.builtin",
        "proxy.store.ledger",
        "proxy.upstreams.openai_compatible",
    ),
}
_LATER = {
    "JSON Schemas": ("jsonschema_rs",),
    "token counting, without a vocabulary": ("splintr",),
    "the judge of commands": ("proxy.permissions.engine",),
    "the MCP SDK": ("proxy.mcp.connection",),
}
"""What is loaded by the first request that needs it, and not before."""
_SETTLED_S = 4.0
_LEAST_SHARE = 0.01
"""Packages that take less are left out of the profile."""


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_known_args()[0]
    with scripted_upstream() as upstream:
        _print_steps(upstream, options.rounds, options.clients, options.seconds)
        _print_profile(upstream, options.clients, options.seconds)
        _print_memory(upstream)


def _print_steps(upstream: str, rounds: int, clients: int, seconds: float) -> None:
    with ExitStack() as stack:
        servers: dict[str, tuple[Program, bool]] = {}
        for name, (kind, shape, is_streamed) in _STEPS.items():
            program = stack.enter_context(started("-m", "benchmarks.rig.steps", kind, upstream))
            program.url, program.shape = program.says()["url"], shape
            program.path = "/v1/messages" if shape == "messages" else program.path
            servers[name] = program, is_streamed
        servers[_WHOLE] = stack.enter_context(headless(upstream)), False
        servers[_SDK] = stack.enter_context(baseline("sdk", upstream)), False
        taken: dict[str, list[float]] = {name: [] for name in servers}
        for number in range(rounds + 1):
            for name, (program, is_streamed) in servers.items():
                cpu_ms = _cpu_ms(program, clients, seconds, is_streamed=is_streamed)
                if number:  # the first round warms
                    taken[name].append(cpu_ms)
    costs = {name: median(each) for name, each in taken.items()}
    bare, before = next(iter(costs.values())), 0.0
    rows: list[Sequence[str]] = []
    for name, cost in costs.items():
        added = "" if name == _SDK else f"{cost - before:+.3f}"
        rows.append((name, f"{cost:.3f}", added, f"{bare / cost:.2f}"))
        before = cost
    print_table(
        f"One request that is not streamed, {clients} clients: CPU ms, step by step",
        ("", "CPU ms/request", "added", "x bytes passed on"),
        rows,
    )


def _cpu_ms(program: Program, clients: int, seconds: float, *, is_streamed: bool) -> float:
    request = request_bytes(program, "whole", stream=is_streamed)
    cpu = program.cpu_s()
    count, _took_s = run(many(program, request, clients, seconds))
    return (program.cpu_s() - cpu) / count * 1000


def _print_profile(upstream: str, clients: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "profile")
        with headless(upstream, file) as program:
            _requests(program, clients, seconds)
            program.signal(signal.SIGUSR1)
            count = _requests(program, clients, 3 * seconds)
        stats: dict[tuple[str, int, str], Any] = cast("Any", pstats.Stats(file)).stats
    calls, times = Counter[str](), Counter[str]()
    for (path, _line, name), (_primitive, called, own_s, *_rest) in stats.items():
        package = _package_of(path, name)
        calls[package] += called
        times[package] += own_s
    whole = sum(times.values())
    rows = [
        (package, f"{calls[package] / count:.0f}", f"{own_s / whole:.0%}")
        for package, own_s in times.most_common()
        if own_s / whole >= _LEAST_SHARE
    ]
    print_table(
        "Headless, the loop's thread by package: one request that is not streamed",
        ("", "calls/request", "share"),
        [*rows, ("together", f"{sum(calls.values()) / count:.0f}", "")],
    )


def _requests(program: Program, clients: int, seconds: float) -> int:
    return run(many(program, request_bytes(program, "whole"), clients, seconds))[0]


def _package_of(path: str, name: str) -> str:
    if path == "~":
        return "built in" if "orjson" not in name else "orjson"
    parts = Path(path).with_suffix("").parts
    for root in ("site-packages", "proxy", "app"):
        if root in parts:
            inside = parts[parts.index(root) :]
            return inside[1] if root == "site-packages" else ".".join(inside[:2])
    return "standard library"


def _print_memory(upstream: str) -> None:
    steps = {**_IMPORTS, **_LATER}
    modules = [each for names in steps.values() for each in names]
    command = [sys.executable, "-m", "benchmarks.rig.imports", *modules]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    rows: list[Sequence[str]] = []
    at, before = 0, 0.0
    for name, names in steps.items():
        at += len(names)
        total = f"{told[at]:.0f}" if name in _IMPORTS else ""
        rows.append((name, total, f"{told[at] - before:+.0f}"))
        before = told[at]
        if name == list(_IMPORTS)[-1]:
            running = _idle_mb(upstream)
            rows.append(("headless, running and idle", f"{running:.0f}", f"{running - before:+.0f}"))
    title = "Memory, MB resident, import by import; and what only a request that needs it loads"
    print_table(title, ("", "MB", "added"), rows)


def _idle_mb(upstream: str) -> float:
    with headless(upstream) as program:
        time.sleep(_SETTLED_S)
        return program.memory_mb()


if __name__ == "__main__":
    main()
