"""Takes from a command what an allow rule looks past: harmless wrappers and variables known to be safe."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from proxy.permissions.shell_values import Assignment, Command, Word, as_line

SAFE_NAMES = frozenset(
    {"NODE_ENV", "LANG", "LANGUAGE", "CHARSET", "TZ", "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR"}
    | {"RUST_BACKTRACE", "RUST_LOG", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "LS_COLORS", "TIME_STYLE"}
    | {
        "GOOS",
        "GOARCH",
        "CGO_ENABLED",
        "GO111MODULE",
        "GREP_COLOR",
        "GREP_COLORS",
        "GCC_COLORS",
        "BLOCK_SIZE",
    }
)
"""Variables that change how a program prints or builds, never what it runs; `LC_…` too."""
_LOCALE = re.compile(r"LC_[A-Z]+")
_PLAIN_VALUE = re.compile(r"(?![./~])(?!.*\.\.)[\x20-\x7e]*")
"""No path: some programs load what such a variable names."""
_DEPTH = 8

_OWN_WORDS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "timeout": re.compile(
            r"(?:(?:-[ks] [\w.+-]+|--(?:kill-after|signal)=[\w.+-]+|-v|--verbose|--foreground|"
            r"--preserve-status) )*\d+(?:\.\d+)?[smhd]? "
        ),
        "time": re.compile(r"(?:-p )?"),
        "nice": re.compile(r"(?:-n -?\d+ |-\d+ |--adjustment=-?\d+ )?"),
        "nohup": re.compile(r""),
        "stdbuf": re.compile(r"(?:-[ioe](?:L|\d+[kKMG]?) |--(?:input|output|error)=(?:L|\d+[kKMG]?) )+"),
        "command": re.compile(r""),
        "builtin": re.compile(r""),
        "noglob": re.compile(r""),
        "xargs": re.compile(r""),
    }
)
"""Of each wrapper the words of its own that it may have, a blank behind each."""


@dataclass(frozen=True, slots=True)
class Stripped:
    """A command without its harmless wrappers."""

    words: tuple[Word, ...]
    through_xargs: bool = False
    """Further arguments come from its input: nobody knows them."""

    @property
    def line(self) -> str:
        """The words as rules see them."""
        return as_line(self.words)


def stripped(command: Command) -> Stripped:
    """Returns the command that is run in the end; a wrapper with other options than the plain ones stays."""
    words, through_xargs = command.words, False
    for _ in range(_DEPTH):
        inner = _inner(words)
        if inner is None:
            break
        through_xargs = through_xargs or words[0].text == "xargs"
        words = inner
    return Stripped(words, through_xargs)


def _inner(words: tuple[Word, ...]) -> tuple[Word, ...] | None:
    if not words or not all(word.is_literal for word in words[:1]):
        return None
    own = _OWN_WORDS.get(words[0].text or "")
    if own is None:
        return None
    texts = [word.text if word.is_literal else None for word in words[1:]]
    line = "".join(f"{text} " for text in _literal_start(texts))
    found = own.match(line)
    count = found[0].count(" ") if found else len(words)
    inner = words[1 + count :]
    return inner if inner and not inner[0].shown.startswith("-") else None


def _literal_start(texts: Sequence[str | None]) -> list[str]:
    start: list[str] = []
    for text in texts:
        if text is None or " " in text:
            break
        start.append(text)
    return start


def is_safe(assignment: Assignment) -> bool:
    """Tells whether a variable before a command may be looked past by an allow rule."""
    is_known = assignment.name in SAFE_NAMES or _LOCALE.fullmatch(assignment.name) is not None
    is_plain = _PLAIN_VALUE.fullmatch(assignment.value.text or "") is not None
    return is_known and is_plain and assignment.value.text is not None and not assignment.appends
