"""200 slow streams at once: every answer is judged, and memory and the window's timer are watched.

Usage: python -m benchmarks.slow_streams [--streams 200]

Each stream brings a chunk every 100 ms for 4 s. The window's timer of 60 Hz is the desktop program's own;
beside it runs that of a bare PySide6 tray, in the same seconds.
"""

from __future__ import annotations

import argparse
import threading
import time

import orjson

from benchmarks.rig.load import Sample, at_once, dechunked, request_bytes, run
from benchmarks.rig.programs import (
    DESKTOP,
    FORWARDER,
    HEADLESS,
    Program,
    baseline,
    desktop,
    headless,
    late_ms,
    scripted_upstream,
)
from benchmarks.rig.table import median, print_table, quantile, verdict
from proxy.messages.sse import SseSplitter
from proxy.messages.stream_state import StreamState

_CHUNKS = 40
_MODEL = f"paced-{_CHUNKS}-100"
_LIMIT_KB = 200.0
_LIMIT_MS = 16.0


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--streams", type=int, default=200)
    count = parser.parse_known_args()[0].streams
    with scripted_upstream() as upstream, baseline("tray") as tray:
        rows: list[tuple[str, ...]] = []
        with baseline("forwarder", upstream) as forwarder, headless(upstream) as ours:
            for name, program in ((FORWARDER, forwarder), (HEADLESS, ours)):
                _warm(program)
                rows.append(_row(name, *_measure(program, count), count))
        with desktop(upstream) as program:
            _warm(program)
            tray.order("reset")
            program.order("reset")
            rows.append(_row(DESKTOP, *_measure(program, count), count))
            late, bare_late = late_ms(program), late_ms(tray)
    columns = ("", "lawful", "KB/stream", "target")
    print_table(f"{count} slow streams at once, a chunk every 100 ms in each", columns, rows)
    print_table(
        "A window's timer of 60 Hz meanwhile",
        ("", "late p50 ms", "p99 ms", "max ms", "target"),
        [
            ("bare PySide6 tray", *_lateness(bare_late), ""),
            (DESKTOP, *_lateness(late), verdict(quantile(late, 0.99), _LIMIT_MS, unit=" ms p99")),
        ],
    )


def _warm(program: Program) -> None:
    run(at_once(program, request_bytes(program, "burst-20", stream=True), 16))
    time.sleep(2.5)  # what is loaded in the background is loaded


def _measure(program: Program, count: int) -> tuple[Program, list[Sample], float]:
    """The answers, and by how many MB the program grew while they ran."""
    before = program.memory_mb()
    peak = before
    is_over = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not is_over.wait(0.1):
            peak = max(peak, program.memory_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    samples = run(at_once(program, request_bytes(program, _MODEL, stream=True), count))
    is_over.set()
    watcher.join()
    return program, samples, peak - before


def _row(name: str, program: Program, samples: list[Sample], grown_mb: float, count: int) -> tuple[str, ...]:
    each_kb = grown_mb * 1000 / count
    if program.shape != "messages":
        return name, "", f"{each_kb:.0f}", ""
    lawful = sum(_is_lawful(dechunked(each.body)) for each in samples)
    return name, f"{lawful} of {count}", f"{each_kb:.0f}", verdict(each_kb, _LIMIT_KB, unit=" KB")


def _is_lawful(stream: bytes) -> bool:
    """Tells whether a stream keeps the protocol's table and brought every word in order."""
    judge = StreamState()
    text = ""
    for received in SseSplitter().feed(stream):
        event = orjson.loads(received.data)
        judge.advance(event)
        if event["type"] == "content_block_delta":
            text += event["delta"]["text"]
    judge.finish()
    return text == "".join(f"word{number} " for number in range(_CHUNKS))


def _lateness(samples: list[float]) -> tuple[str, str, str]:
    return f"{median(samples):.1f}", f"{quantile(samples, 0.99):.1f}", f"{max(samples):.1f}"


if __name__ == "__main__":
    main()
