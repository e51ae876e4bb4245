"""Expands a shell's globs by what folders hold, as bash does without any of its glob options."""

from __future__ import annotations

from collections.abc import Callable

from proxy.permissions.path_names import absolute_text
from proxy.permissions.path_patterns import glob_pattern
from proxy.permissions.values import Place

MAX_MATCHES = 300


class UnlistedFolder(Exception):
    """What a folder holds is not to be known."""

    def __init__(self, folder: str) -> None:
        """Names the folder."""
        super().__init__("what the wildcard matches is not known")
        self.folder = folder


class TooManyMatches(Exception):
    """The glob matches more names than are judged."""


def expand_glob(pattern: str, folder: str, place: Place, may_list: Callable[[str], bool]) -> list[str]:
    """Returns the paths a glob stands for, relative where it is; none where it matches nothing.

    Args:
        pattern: the glob, quoted characters behind a backslash.
        folder: where relative ones begin.
        place: knows what folders hold.
        may_list: whether a folder may be looked into.

    Raises:
        UnlistedFolder: a folder may not be looked into, or cannot be.
        TooManyMatches: there are more than `MAX_MATCHES`.
    """
    found = ["/"] if pattern.startswith("/") else [""]
    for segment in [name for name in pattern.split("/") if name]:
        following: list[str] = []
        for base in found:
            following += _matches(base, segment, folder, place, may_list)
            if len(following) > MAX_MATCHES:
                raise TooManyMatches
        found = following
    return found if pattern.endswith("/") else [name[:-1] for name in found]


def _matches(
    base: str, segment: str, folder: str, place: Place, may_list: Callable[[str], bool]
) -> list[str]:
    literal = _literal(segment)
    if literal is not None:
        path = base + literal
        exists = place.look(absolute_text(path, folder, place.platform)).kind != "missing"
        return [f"{path}/"] if exists else []
    path = absolute_text(base or ".", folder, place.platform)
    if not may_list(path) or place.list_folder is None:
        raise UnlistedFolder(path)
    matcher = glob_pattern("*" if segment == "**" else segment)
    names = [entry.name for entry in place.list_folder(path)]
    if segment.startswith("."):
        names.append("..")  # bash before 5.2 lets wildcards match it
    else:
        names = [name for name in names if not name.startswith(".") or segment.startswith("\\.")]
    return [f"{base}{name}/" for name in names if matcher.matches_exactly((name,))]


def _literal(segment: str) -> str | None:
    """Returns a segment without wildcards as the name it is; None: it has some."""
    text: list[str] = []
    index = 0
    while index < len(segment):
        character = segment[index]
        if character == "\\" and index + 1 < len(segment):
            index += 1
            character = segment[index]
        elif character in "*?[":
            return None
        text.append(character)
        index += 1
    return "".join(text)
