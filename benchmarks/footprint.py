"""How long a start takes and how much memory is used, idle and after 50,000 requests.

Usage: python -m benchmarks.footprint [--starts 3] [--requests 50000]

The baselines are an aiohttp server with nothing to do and a bare PySide6 tray. Starts are warm: the first of
each program is not counted. Memory is what is resident (10^6 bytes), files mapped by all programs included.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from benchmarks.rig.load import many_requests, request_bytes, run
from benchmarks.rig.programs import (
    DESKTOP,
    HEADLESS,
    Program,
    baseline,
    desktop,
    headless,
    painted_at,
    scripted_upstream,
)
from benchmarks.rig.table import median, print_table, verdict

_LISTENER, _TRAY = "bare aiohttp", "bare PySide6 tray"
_START_LIMITS_S = {HEADLESS: 0.7, DESKTOP: 1.2}
_MEMORY_LIMITS_MB = {HEADLESS: 100.0, DESKTOP: 180.0}
_GROWTH_LIMIT_MB = 20.0
_SETTLED_S = 4.0
_CLIENTS = 16

Start = Callable[[], AbstractContextManager[Program]]


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--requests", type=int, default=50_000)
    options = parser.parse_known_args()[0]
    with scripted_upstream() as upstream:
        programs: dict[str, Start] = {
            _LISTENER: lambda: baseline("listener"),
            _TRAY: lambda: baseline("tray"),
            HEADLESS: lambda: headless(upstream),
            DESKTOP: lambda: desktop(upstream),
        }
        _print_starts(programs, options.starts)
        _print_memory(programs, options.requests)


def _print_starts(programs: dict[str, Start], starts: int) -> None:
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(starts + 1):
        for name, start in programs.items():
            with start() as program:
                ready_at = time.monotonic()
                if name == DESKTOP:
                    ready_at = max(ready_at, painted_at(program))
                if number:
                    taken[name].append(ready_at - program.started_at)
    print_table(
        "Start until it listens (tray: until it is shown; desktop: until the window is painted too)",
        ("", "seconds", "target"),
        [
            (
                name,
                f"{median(times):.2f}",
                verdict(median(times), _START_LIMITS_S[name], unit=" s") if name in _START_LIMITS_S else "",
            )
            for name, times in taken.items()
        ],
    )


def _print_memory(programs: dict[str, Start], requests: int) -> None:
    rows: list[tuple[str, ...]] = []
    for name, start in programs.items():
        with start() as program:
            time.sleep(_SETTLED_S)
            idle = program.memory_mb()
            if name not in _MEMORY_LIMITS_MB:
                rows.append((name, f"{idle:.0f}", "", "", ""))
                continue
            request = request_bytes(program, "whole")
            run(many_requests(program, request, _CLIENTS, requests // 25))
            warm = program.memory_mb()
            run(many_requests(program, request, _CLIENTS, requests - requests // 25))
            grown = program.memory_mb() - warm
            rows.append(
                (
                    name,
                    f"{idle:.0f}",
                    f"{warm:.0f}",
                    f"{grown:+.1f}",
                    ", ".join(
                        (
                            verdict(idle, _MEMORY_LIMITS_MB[name], unit=" MB idle"),
                            verdict(grown, _GROWTH_LIMIT_MB, unit=" MB grown"),
                        )
                    ),
                )
            )
    print_table(
        f"Memory, MB: idle, after {requests // 25} requests, and grown from there to {requests}",
        ("", "idle", "warm", "grown", "target"),
        rows,
    )


if __name__ == "__main__":
    main()
