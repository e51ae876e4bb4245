"""Arguments are checked by their tool's schema; what is wrong is told by field, and within bounds."""

from __future__ import annotations

from typing import Any

from proxy.tools.arguments import ArgumentChecks
from tests.proxy.tools.run_room import ScriptedTool


def tool_with(**properties: Any) -> ScriptedTool:
    return ScriptedTool("Read", {"type": "object", "properties": properties})


def test_valid_arguments_have_no_problem_and_unknown_fields_may_be_there() -> None:
    assert ArgumentChecks().problem(tool_with(path={"type": "string"}), {"path": "x", "more": 1}) is None


def test_a_problem_names_the_place_however_deep() -> None:
    todos = {"type": "array", "items": {"type": "object", "properties": {"content": {"type": "string"}}}}
    problem = ArgumentChecks().problem(tool_with(todos=todos), {"todos": [{}, {"content": 1}]})
    assert problem == (
        "InputValidationError: Read failed due to the following issue:\n"
        '`todos.1.content`: 1 is not of type "string"'
    )


def test_of_many_problems_and_long_ones_only_so_much_is_told() -> None:
    tool = ScriptedTool("Read", {"type": "object", "additionalProperties": {"type": "integer"}})
    problem = ArgumentChecks().problem(tool, {f"f{number}": "x" * 5000 for number in range(20)})
    assert problem is not None
    assert len(problem.splitlines()) == 6
    assert len(problem) < 2000


def test_another_tool_of_the_same_name_is_checked_by_its_own_schema() -> None:
    checks = ArgumentChecks()
    assert checks.problem(tool_with(path={"type": "string"}), {"path": 1}) is not None
    assert checks.problem(tool_with(path={"type": "integer"}), {"path": 1}) is None


def test_a_pattern_that_would_run_for_ever_is_given_up() -> None:
    tool = tool_with(path={"type": "string", "pattern": r"^(a+)+(?=b)$"})
    assert ArgumentChecks().problem(tool, {"path": "a" * 60 + "!"}) is not None
