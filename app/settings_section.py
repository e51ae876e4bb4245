"""What every section of the settings is: frozen, silent on values, and lets keys of newer versions pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from app.paths import expanded


class Section(BaseModel):
    """A part of the settings; the strings under its fields are the help."""

    model_config = ConfigDict(
        frozen=True, extra="allow", hide_input_in_errors=True, use_attribute_docstrings=True, strict=False
    )

    @model_validator(mode="before")
    @classmethod
    def _nothing_means_defaults(cls, value: Any) -> Any:
        return {} if value is None else value


def named(value: Mapping[str, Any], problem_of: Callable[[str], str | None]) -> Mapping[str, Any]:
    """Returns the mapping, all of whose names can be used.

    Args:
        value: What is named.
        problem_of: Says why a name cannot be used, in a sentence, or None.

    Raises:
        ValueError: One cannot.
    """
    for problem in map(problem_of, value):
        if problem is not None:
            raise ValueError(problem)
    return value


def require_absolute(value: str) -> None:
    """Raises ValueError where a path is not absolute, or begins in the home of a user there is not."""
    if not expanded(value).is_absolute():
        raise ValueError(f"'{value}' is no absolute path")
