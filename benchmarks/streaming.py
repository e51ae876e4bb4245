"""CPU time of a streamed chunk: 8 clients read answers of 300 chunks, paced as models write and at once.

Usage: python -m benchmarks.streaming [--rounds 3]

The baseline is a relay on aiohttp (uvloop) that parses each chunk with orjson and writes it anew. CPU is the
server's own, all threads, and holds what a request costs around its chunks.
"""

from __future__ import annotations

import argparse

from benchmarks.rig.load import at_once, request_bytes, run
from benchmarks.rig.programs import (
    DESKTOP,
    HEADLESS,
    RELAY,
    Program,
    baseline,
    desktop,
    headless,
    scripted_upstream,
)
from benchmarks.rig.table import median, print_table, verdict

_CHUNKS = 300
_CLIENTS = 8
_WAYS = (("one every 5 ms", f"paced-{_CHUNKS}-5", 1), ("as fast as they are taken", f"burst-{_CHUNKS}", 10))
"""What it is called, the model's name, how often in a round."""
_LIMIT = 2.0


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_known_args()[0]
    with (
        scripted_upstream() as upstream,
        baseline("relay", upstream) as relay,
        headless(upstream) as without_window,
        desktop(upstream) as with_window,
    ):
        servers = {RELAY: relay, HEADLESS: without_window, DESKTOP: with_window}
        for title, model, repeats in _WAYS:
            for program in servers.values():
                _measure(program, f"burst-{_CHUNKS}", 2)
            taken: dict[str, list[float]] = {name: [] for name in servers}
            for _ in range(options.rounds):
                for name, program in servers.items():
                    taken[name].append(_measure(program, model, repeats))
            _print(title, {name: median(times) for name, times in taken.items()})


def _measure(program: Program, model: str, repeats: int) -> float:
    """CPU microseconds a chunk."""
    request = request_bytes(program, model, stream=True)
    cpu = program.cpu_s()
    for _ in range(repeats):
        run(at_once(program, request, _CLIENTS))
    return (program.cpu_s() - cpu) / (repeats * _CLIENTS * _CHUNKS) * 1e6


def _print(title: str, taken: dict[str, float]) -> None:
    base = taken[RELAY]
    print_table(
        f"Streams of {_CHUNKS} chunks, {title}, {_CLIENTS} clients",
        ("", "CPU µs/chunk", "x relay", "target"),
        [
            (
                name,
                f"{each:.1f}",
                f"{each / base:.2f}",
                "" if name == RELAY else verdict(each / base, _LIMIT, unit=" x relay"),
            )
            for name, each in taken.items()
        ],
    )


if __name__ == "__main__":
    main()
