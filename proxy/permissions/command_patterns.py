"""The patterns of `Bash(…)` rules: exact text, `*` anywhere, ` *` and `:*` at the end for any arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from proxy.permissions.wildcards import literal_parts, wildcard_match

PREFIX = ":*"
_ARGUMENTS = " *"


@dataclass(frozen=True, slots=True)
class CommandPattern:
    """A pattern, read."""

    text: str
    """What must be there, with its wildcards; blanks run together."""
    with_arguments: bool
    """`text` may be followed by a blank and anything."""

    @property
    def has_inner_wildcard(self) -> bool:
        """A wildcard stands before the end: what it stands for may be options too."""
        return len(literal_parts(self.text)) > 1

    def matches(self, command: str) -> bool:
        """Tells whether a simple command's text matches; blanks in it must have been run together."""
        if wildcard_match(self.text, command):
            return True
        return self.with_arguments and (not self.text or wildcard_match(f"{self.text} *", command))


@lru_cache(maxsize=2048)
def read_pattern(spec: str) -> CommandPattern:
    """Reads what stands in the brackets of a command rule.

    `mytool run *` and `mytool run:*` match `mytool run` and `mytool run x`, not `mytool runx`; `mytool run*`
    matches all three. `:*` in another place than the end is ordinary text.
    """
    text = re.sub(r"[ \t]+", " ", spec).strip()
    for ending in (PREFIX, _ARGUMENTS):
        if text.endswith(ending):
            return CommandPattern(text[: -len(ending)].rstrip(), with_arguments=True)
    return CommandPattern(text, with_arguments=False)


def command_matches(spec: str, command: str) -> bool:
    """Tells whether a simple command, unquoted and with single blanks, matches a rule's pattern."""
    return read_pattern(spec).matches(command)
