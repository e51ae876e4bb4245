"""Checks a call's arguments by its tool's schema, and says in the model's words what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy.tools.base import Tool

if TYPE_CHECKING:
    import jsonschema_rs

_MAX_PROBLEMS = 5
_MAX_CHARS = 300
_BACKTRACK_LIMIT = 100_000


class ArgumentChecks:
    """The schemas of tools, each compiled when it is first needed."""

    def __init__(self) -> None:
        self._compiled: dict[str, tuple[Tool, jsonschema_rs.Validator]] = {}

    def problem(self, tool: Tool, arguments: Mapping[str, Any]) -> str | None:
        """Returns what is wrong with a call's arguments, for the model; None: nothing.

        Raises:
            ValueError: The tool's schema is none.
        """
        validator = self._validator(tool)
        found = list(_first(validator, arguments))
        if not found:
            return None
        issues = "issue" if len(found) == 1 else "issues"
        return f"InputValidationError: {tool.name} failed due to the following {issues}:\n" + "\n".join(found)

    def _validator(self, tool: Tool) -> jsonschema_rs.Validator:
        known = self._compiled.get(tool.name)
        if known is not None and known[0] is tool:
            return known[1]
        import jsonschema_rs  # noqa: PLC0415 - 3 MB, which only who runs tools pays

        patterns = jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACK_LIMIT)
        validator = jsonschema_rs.validator_for(
            dict(tool.input_schema), offline=True, pattern_options=patterns
        )
        self._compiled[tool.name] = (tool, validator)
        return validator


def _first(validator: jsonschema_rs.Validator, arguments: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for error in validator.iter_errors(dict(arguments)):
        if len(found) == _MAX_PROBLEMS:
            break
        found.append(_said(error))
    return found


def _said(error: jsonschema_rs.ValidationError) -> str:
    where = ".".join(str(each) for each in error.instance_path)
    message = error.message if len(error.message) <= _MAX_CHARS else f"{error.message[:_MAX_CHARS]}…"
    return f"`{where}`: {message}" if where else message
