"""Time that a server adds to one client's requests: small ones, one of 400 KB, and a stream's first byte.

Usage: python -m benchmarks.latency [--rounds 8] [--requests 60]

One connection, one request at a time; the servers take turns. Added is the median over all rounds beyond the
median of the same request sent straight to the upstream.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.rig.load import Sample, one_by_one, request_bytes, run
from benchmarks.rig.programs import (
    DESKTOP,
    FORWARDER,
    HEADLESS,
    RELAY,
    STRAIGHT,
    Program,
    all_servers,
    baseline,
    scripted_upstream,
    straight,
)
from benchmarks.rig.table import median, print_table, quantile, verdict

_LARGE_BYTES = 400_000
_LINE = "        return self.value_of(name, default=None) if name in self.known else None  # looked up\n"


@dataclass(frozen=True)
class Kind:
    """What is asked, and how much of the answer is waited for."""

    title: str
    model: str
    limits_ms: dict[str, float]
    time_of: Callable[[Sample], float]
    stream: bool = False
    text: str | None = None
    share: float = 1.0
    """Of the requests of a round."""


_KINDS = (
    Kind("Small request, whole answer", "whole", {HEADLESS: 1.5, DESKTOP: 2.0}, lambda each: each.total_s),
    Kind(
        "Request of 400 KB, whole answer",
        "whole",
        {HEADLESS: 6.0, DESKTOP: 6.0},
        lambda each: each.total_s,
        text=_LINE * (_LARGE_BYTES // len(_LINE)),
        share=0.34,
    ),
    Kind(
        "Small request, first byte of a stream",
        "burst-20",
        {HEADLESS: 2.0, DESKTOP: 2.0},
        lambda each: each.first_s,
        stream=True,
    ),
)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--requests", type=int, default=60)
    options = parser.parse_known_args()[0]
    with (
        scripted_upstream() as upstream,
        baseline("relay", upstream) as relay,
        all_servers(upstream) as servers,
    ):
        programs = {STRAIGHT: straight(upstream), RELAY: relay, **servers}
        for kind in _KINDS:
            _print(kind, _measure(kind, programs, options.rounds, options.requests))


def _measure(kind: Kind, programs: dict[str, Program], rounds: int, count: int) -> dict[str, list[float]]:
    """Milliseconds of every request, by server."""
    taken: dict[str, list[float]] = {}
    asked = {name: each for name, each in programs.items() if name in _servers_of(kind)}
    for number in range(rounds + 1):
        for name, program in asked.items():
            text = {} if kind.text is None else {"text": kind.text}
            request = request_bytes(program, kind.model, stream=kind.stream, **text)
            samples = run(one_by_one(program, request, max(4, int(count * kind.share))))
            if number:  # the first round warms up
                taken.setdefault(name, []).extend(kind.time_of(each) * 1000 for each in samples)
    return taken


def _servers_of(kind: Kind) -> tuple[str, ...]:
    return (STRAIGHT, RELAY if kind.stream else FORWARDER, HEADLESS, DESKTOP)


def _print(kind: Kind, taken: dict[str, list[float]]) -> None:
    base = median(taken[STRAIGHT])
    print_table(
        f"{kind.title}, 1 client",
        ("", "p50 ms", "p99 ms", "added p50 ms", "target"),
        [
            (
                name,
                f"{median(times):.2f}",
                f"{quantile(times, 0.99):.2f}",
                "" if name == STRAIGHT else f"{median(times) - base:.2f}",
                verdict(median(times) - base, kind.limits_ms[name], unit=" ms")
                if name in kind.limits_ms
                else "",
            )
            for name, times in taken.items()
        ],
    )


if __name__ == "__main__":
    main()
