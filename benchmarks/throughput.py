"""Requests a second with 16 clients: ours beside a bare forwarder and a bare hop through the openai SDK.

    python -m benchmarks.throughput [--rounds 5] [--seconds 1.5] [--clients 16]

The servers take turns; medians of the rounds. CPU is the server's own, all threads.
"""

from __future__ import annotations

import argparse

from benchmarks.rig.load import many, request_bytes, run
from benchmarks.rig.programs import DESKTOP, FORWARDER, HEADLESS, SDK, Program, all_servers, scripted_upstream
from benchmarks.rig.table import median, print_table, verdict


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_known_args()[0]
    with scripted_upstream() as upstream, all_servers(upstream) as servers:
        for program in servers.values():
            _measure(program, options.clients, 1.0)
        done: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
        for _ in range(options.rounds):
            for name, program in servers.items():
                done[name].append(_measure(program, options.clients, options.seconds))
    _print(done, options.clients)


def _measure(program: Program, clients: int, seconds: float) -> tuple[float, float]:
    """Requests a second, and CPU milliseconds a request."""
    request = request_bytes(program, "whole")
    cpu = program.cpu_s()
    count, took_s = run(many(program, request, clients, seconds))
    return count / took_s, (program.cpu_s() - cpu) / count * 1000


def _print(done: dict[str, list[tuple[float, float]]], clients: int) -> None:
    speeds = {name: median(each[0] for each in rounds) for name, rounds in done.items()}
    bare, hop = speeds[FORWARDER], speeds[SDK]
    targets = {
        HEADLESS: [
            verdict(speeds[HEADLESS] / bare, 0.30, at_least=True, unit=" x forwarder"),
            verdict(speeds[HEADLESS] / hop, 1.6, at_least=True, unit=" x SDK hop"),
        ],
        DESKTOP: [verdict(speeds[DESKTOP] / bare, 0.25, at_least=True, unit=" x forwarder")],
    }
    print_table(
        f"Requests not streamed, {clients} clients",
        ("", "requests/s", "x forwarder", "x SDK hop", "CPU ms/request", "target"),
        [
            (
                name,
                f"{speed:.0f}",
                f"{speed / bare:.2f}",
                f"{speed / hop:.2f}",
                f"{median(each[1] for each in done[name]):.3f}",
                ", ".join(targets.get(name, [])),
            )
            for name, speed in speeds.items()
        ],
    )


if __name__ == "__main__":
    main()
