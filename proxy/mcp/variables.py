"""Fills `$NAME`, `${NAME}`, `${NAME:-default}` and `${keyring:entry}`, at the start of a server only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from proxy.mcp.values import McpProblem

Resolve = Callable[[str], str | None]
_REFERENCE = re.compile(
    r"\$\$|\$\{keyring:(?P<entry>[^{}]+)\}|\$\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?\}"
    r"|\$(?P<bare>[A-Za-z_][A-Za-z0-9_]*)"
)


class MissingVariable(McpProblem):
    """A variable or an entry of the keyring that is not there."""


def filled(text: str, resolve: Resolve, *, place: str) -> str:
    """Returns a text with every reference replaced; `$$` is one dollar sign.

    Args:
        text: As it stands in the file.
        resolve: Looks up `NAME` and `keyring:entry`.
        place: The field, for the error.

    Raises:
        MissingVariable: There is none of that name, and no default.
    """

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        name = _name(found)
        looked_up = resolve(name)
        if looked_up:
            return looked_up
        default = found["default"]
        if default is not None:
            return default
        if looked_up is not None:
            return looked_up
        if name.startswith("keyring:"):
            raise MissingVariable(
                f"{place}: the keyring has no entry {name[8:]}; store it, or take ${{{name}}} out"
            )
        raise MissingVariable(
            f"{place}: the variable {name} is not set; set it, or write ${{{name}:-default}}"
        )

    return _REFERENCE.sub(value, text)


def names_in(text: str) -> Iterator[str]:
    """Yields what a text refers to: `NAME`, `keyring:entry`."""
    return (_name(found) for found in _REFERENCE.finditer(text) if found[0] != "$$")


def _name(found: re.Match[str]) -> str:
    return f"keyring:{found['entry']}" if found["entry"] else str(found["braced"] or found["bare"])
