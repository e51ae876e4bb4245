"""Measures the desktop's event loop against plain asyncio and plain qasync, side by side in one run.

    python benchmarks/qt_loop.py [--rounds 3] [--seconds 2] [--connections 16]

Each loop runs an aiohttp server that echoes JSON in a process of its own; this process sends requests
over keep-alive connections. Meanwhile a timer of 16 ms in the server's thread notes how late it is: one
of Qt's where there is a Qt (what a window feels), one of asyncio's everywhere. The rounds of the three
loops take turns, and medians are printed. Read the ratios: absolute figures are the machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from aiohttp import web

KINDS = ("asyncio", "qasync", "signalbox")
_TICK_S = 0.016
_BODY = json.dumps({"model": "echo", "messages": [{"role": "user", "content": "How are you?" * 8}]}).encode()


@dataclass
class Lateness:
    """How late a timer was, in milliseconds; negative is early."""

    samples: list[float] = field(default_factory=list[float])

    def note(self, due_at: float) -> None:
        """Adds a sample: it is now, and the timer was due at `due_at`."""
        self.samples.append((time.monotonic() - due_at) * 1000)

    def summary(self) -> dict[str, float]:
        """Median, 99th percentile and worst, and how many were early."""
        ordered = sorted(self.samples)
        return {
            "p50": ordered[len(ordered) // 2],
            "p99": ordered[int(len(ordered) * 0.99)],
            "max": ordered[-1],
            "early": sum(sample < 0 for sample in ordered) / len(ordered),
        }


@dataclass(frozen=True)
class Round:
    """What one loop did in one round."""

    requests_per_s: float
    asyncio_late: dict[str, float]
    qt_late: dict[str, float] | None


def main() -> None:
    """Runs the benchmark, or one of its servers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--serve", choices=KINDS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    rounds: dict[str, list[Round]] = {kind: [] for kind in KINDS}
    for _ in range(arguments.rounds):
        for kind in KINDS:
            rounds[kind].append(measure(kind, arguments.seconds, arguments.connections))
    print_table(rounds)


def measure(kind: str, seconds: float, connections: int) -> Round:
    """Starts a server on the loop, loads it and asks how late its timers were."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, str(Path(__file__).resolve()), "--serve", kind]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as server:
        listening = cast("IO[str]", server.stdout).readline()
        if not listening:
            raise SystemExit(f"the server on {kind} did not start")
        requests, elapsed_s = asyncio.run(load(json.loads(listening)["port"], seconds, connections))
        late_text, _ = server.communicate()  # closes its standard input, which ends it
        late = json.loads(late_text)
    return Round(requests / elapsed_s, late["asyncio"], late["qt"])


async def load(port: int, seconds: float, connections: int) -> tuple[int, float]:
    """Sends requests over keep-alive connections, one at a time on each."""
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(_BODY)}\r\n\r\n".encode() + _BODY
    started_at = time.monotonic()

    async def converse() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        count = 0
        while time.monotonic() < started_at + seconds:
            writer.write(request)
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(_BODY))
            count += 1
        writer.close()
        await writer.wait_closed()
        return count

    counts = await asyncio.gather(*(converse() for _ in range(connections)))
    return sum(counts), time.monotonic() - started_at


def serve(kind: str) -> None:
    """Serves on the named loop until standard input ends; then prints how late the timers were."""
    if kind == "asyncio":
        asyncio.run(_serve(None))
        return
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415 - the asyncio server has no Qt in it

    from app.qt_loop import drop_pyside_import_hook, new_qt_loop  # noqa: PLC0415 - likewise

    application = QApplication(["benchmark"])
    drop_pyside_import_hook()
    loop = new_qt_loop(application, plain=kind == "qasync")
    loop.run_until_complete(_serve(_tick_in_qt))
    loop.close()


async def _serve(tick_in_qt: Callable[[Lateness], object] | None) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.json_response(await request.json(), dumps=_as_sent)

    application = web.Application()
    application.router.add_post("/", echo)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    asyncio_late, qt_late = Lateness(), Lateness()
    qt_timer = tick_in_qt(qt_late) if tick_in_qt else None
    ticking = asyncio.get_running_loop().create_task(_tick_in_asyncio(asyncio_late))
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await _end_of_input()
    ticking.cancel()
    late = {"asyncio": asyncio_late.summary(), "qt": qt_late.summary() if qt_timer else None}
    await runner.cleanup()
    print(json.dumps(late), flush=True)


def _as_sent(_body: object) -> str:
    return _BODY.decode()


async def _tick_in_asyncio(late: Lateness) -> None:
    while True:
        due_at = time.monotonic() + _TICK_S
        await asyncio.sleep(_TICK_S)
        late.note(due_at)


def _tick_in_qt(late: Lateness) -> object:
    from PySide6.QtCore import Qt, QTimer  # noqa: PLC0415 - the asyncio server has no Qt in it

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setSingleShot(True)
    due_at = time.monotonic() + _TICK_S

    def tick() -> None:
        nonlocal due_at
        late.note(due_at)
        due_at = time.monotonic() + _TICK_S
        timer.start(16)

    timer.timeout.connect(tick)
    timer.start(16)
    return timer


def _end_of_input() -> Awaitable[bytes]:
    return asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


def print_table(rounds: dict[str, list[Round]]) -> None:
    """Prints the medians of each loop and the ratios to plain asyncio."""
    late_names = f"{'p50':>6} {'p99':>6} {'max':>6}"
    print(f"{'':<10} {'':>10} {'':>6}   {'asyncio timer late, ms':<27}   Qt timer late, ms")
    print(f"{'loop':<10} {'requests/s':>10} {'ratio':>6}   {late_names} {'early':>6}   {late_names}")
    base = statistics.median(one.requests_per_s for one in rounds["asyncio"])
    for kind, done in rounds.items():
        speed = statistics.median(one.requests_per_s for one in done)
        late = _medians([one.asyncio_late for one in done])
        qt_late = _medians([one.qt_late for one in done if one.qt_late])
        line = f"{kind:<10} {speed:>10.0f} {speed / base:>6.2f}   "
        line += f"{late['p50']:>6.1f} {late['p99']:>6.1f} {late['max']:>6.1f} {late['early']:>6.0%}   "
        line += " ".join(f"{qt_late[name]:>6.1f}" for name in ("p50", "p99", "max")) if qt_late else "     –"
        print(line)


def _medians(summaries: list[dict[str, float]]) -> dict[str, float]:
    names = summaries[0] if summaries else cast("dict[str, float]", {})
    return {name: statistics.median(summary[name] for summary in summaries) for name in names}


if __name__ == "__main__":
    main()
