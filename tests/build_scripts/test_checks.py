"""Every tool runs, whatever the others find, and each has its line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from build_scripts.checks import Outcome, Step, check_steps, run_steps
from build_scripts.environment import Layout

LINT, TYPES = Step("lint", ("ruff",)), Step("types", ("pyright",))


def test_a_failing_step_does_not_keep_the_next_from_running() -> None:
    def capture(command: Sequence[str]) -> tuple[int, str]:
        return (1, "bad line\n") if command == ("ruff",) else (0, "fine\n")

    outcomes = list(run_steps([LINT, TYPES], capture))
    assert [(outcome.step, outcome.passed, outcome.output) for outcome in outcomes] == [
        (LINT, False, "bad line\n"),
        (TYPES, True, "fine\n"),
    ]


def test_what_a_tool_printed_is_shown_only_when_it_failed() -> None:
    assert Outcome(LINT, 0, "fine\n", 1.25).report() == "PASS  lint  (1.2 s)"
    assert Outcome(LINT, 1, "bad line\n", 1.25).report() == "bad line\nFAIL  lint  (1.2 s)"


def test_every_rule_has_its_tool(tmp_path: Path) -> None:
    names = {step.name for step in check_steps(Layout(tmp_path))}
    assert names == {"format", "lint", "types", "imports", "dependencies", "coverage of the pure packages"}
