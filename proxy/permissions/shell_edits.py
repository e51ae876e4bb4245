"""File commands that the mode `acceptEdits` lets run inside the workspace: what they change and read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from proxy.permissions.values import PathAccess

_OPTIONS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "mkdir": re.compile(r"-[pv]+|--parents|--verbose"),
        "touch": re.compile(r"-[acm]+|--no-create"),
        "rm": re.compile(r"-[firRdvI]+|--force|--recursive|--dir|--verbose"),
        "rmdir": re.compile(r"-[pv]+|--parents|--verbose|--ignore-fail-on-non-empty"),
        "cp": re.compile(r"-[fnipuv]+|--force|--no-clobber|--preserve|--update|--verbose"),
        "mv": re.compile(r"-[fniuv]+|--force|--no-clobber|--update|--verbose"),
        "sed": re.compile(r"-[nErsu]*i|-[nErsu]+|--in-place"),
    }
)
_SUBSTITUTION = re.compile(r"s([/|,#:])(?:(?!\1)[^\\\n]|\\.)*\1(?:(?!\1)[^\\\n]|\\.)*\1[gIip0-9]*")


def edited_paths(name: str, words: Sequence[str]) -> tuple[PathAccess, ...] | None:
    """Returns what a file command would touch; None: it is none, or has an option that is not followed.

    Args:
        name: The command's name.
        words: Its arguments, all literal.
    """
    options = _OPTIONS.get(name)
    if options is None:
        return None
    rest: list[str] = []
    for index, word in enumerate(words):
        if word == "--":
            rest += words[index + 1 :]
            break
        if not word.startswith("-"):
            rest.append(word)
        elif not options.fullmatch(word):
            return None
    if name == "sed":
        return _in_place(words, rest)
    if name == "cp" and len(rest) > 1:
        return (*(PathAccess(each, "read") for each in rest[:-1]), *_into(rest[:-1], rest[-1]))
    if name == "mv" and len(rest) > 1:
        sources = (PathAccess(each, operation) for each in rest[:-1] for operation in ("search", "write"))
        return (*sources, *_into(rest[:-1], rest[-1]))
    return tuple(PathAccess(each, "write") for each in rest) if rest and name not in {"cp", "mv"} else None


def _into(sources: Sequence[str], target: str) -> tuple[PathAccess, ...]:
    """Returns the writes to a target that may be a folder: it, and each name it would hold."""
    names = (source.rstrip("/").rpartition("/")[2] for source in sources)
    return (PathAccess(target, "write"), *(PathAccess(f"{target}/{name}", "write") for name in names))


def _in_place(words: Sequence[str], rest: Sequence[str]) -> tuple[PathAccess, ...] | None:
    edits = any(word == "--in-place" or re.fullmatch(r"-[nErsu]*i", word) for word in words)
    if not edits or len(rest) < 2 or not _SUBSTITUTION.fullmatch(rest[0]):
        return None
    return tuple(PathAccess(each, "write") for each in rest[1:])
