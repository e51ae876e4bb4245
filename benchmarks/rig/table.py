"""Prints what was measured: one line a program, beside its baseline and its target."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence


def median(values: Iterable[float]) -> float:
    """Returns the median."""
    return statistics.median(values)


def quantile(values: Sequence[float], share: float) -> float:
    """Returns the value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints rows under their columns; the first column is text, the others are figures."""
    lines = [list(columns), *(list(row) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    print(f"\n{title}")
    for line in lines:
        cells = [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        print("  ".join(cells).rstrip(), flush=True)


def verdict(value: float, limit: float, *, at_least: bool = False, unit: str = "") -> str:
    """Says what the target is and whether it was met."""
    is_met = value >= limit if at_least else value <= limit
    return f"{'≥' if at_least else '≤'} {limit:g}{unit} {'met' if is_met else 'MISSED'}"
