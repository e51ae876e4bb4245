"""The tools that hold the rules of the house, run side by side, each reported in one line."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from build_scripts.environment import Layout

Capture = Callable[[Sequence[str]], "tuple[int, str]"]
"""Runs a program and returns its exit code and everything it printed."""

PURE_PACKAGES = ("proxy/messages", "proxy/dialects", "proxy/permissions", "proxy/routing")
"""Where every line and branch must be reached by the package's own tests."""


@dataclass(frozen=True)
class Step:
    """One tool and what it watches over."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """How a step ended."""

    step: Step
    exit_code: int
    output: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the tool found nothing."""
        return self.exit_code == 0

    def report(self) -> str:
        """Returns the step's line, after what the tool printed if it failed."""
        line = f"{'PASS' if self.passed else 'FAIL'}  {self.step.name}  ({self.seconds:.1f} s)"
        return line if self.passed else f"{self.output.rstrip()}\n{line}"


def check_steps(layout: Layout) -> list[Step]:
    """Returns the steps, the slowest first."""
    pure_tests = [f"tests/{package}" for package in PURE_PACKAGES]
    measured = [f"--cov={package}" for package in PURE_PACKAGES]
    return [
        Step("types", (layout.program("basedpyright"),)),
        Step(
            "coverage of the pure packages",
            (
                *(layout.program("python"), "-m", "pytest", "-q", *pure_tests, *measured),
                *("--cov-branch", "--cov-report=term-missing:skip-covered", "--cov-fail-under=100"),
            ),
        ),
        Step("format", (layout.program("ruff"), "format", "--check", ".")),
        Step("lint", (layout.program("ruff"), "check", ".")),
        Step("imports", (layout.program("lint-imports"), "--no-cache")),
        Step("dependencies", (layout.program("deptry"), ".")),
    ]


def run_steps(steps: Iterable[Step], capture: Capture) -> Iterator[Outcome]:
    """Runs every step, whatever the others find, and yields the outcomes in the steps' order."""

    def run_step(step: Step) -> Outcome:
        start = time.monotonic()
        exit_code, output = capture(step.command)
        return Outcome(step, exit_code, output, time.monotonic() - start)

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        yield from pool.map(run_step, steps)
