"""Expands a shell's globs by what folders hold, as bash does without any of its glob options."""

from __future__ import annotations

from collections.abc import Callable

from proxy.permissions.path_names import absolute_text
from proxy.permissions.path_patterns import glob_pattern
from proxy.permissions.values import FolderEntry, PathFacts, Place

MAX_MATCHES = 300


class UnlistedFolder(Exception):
    """What a folder holds is not to be known."""

    def __init__(self, folder: str) -> None:
        """Names the folder."""
        super().__init__("what the wildcard matches is not known")
        self.folder = folder


class TooManyMatches(Exception):
    """The glob matches more names than are judged."""


def expand_glob(
    pattern: str, folder: str, place: Place, may_list: Callable[[str], bool]
) -> dict[str, PathFacts | None]:
    """Returns the paths a glob stands for, relative where it is; none where it matches nothing.

    What the listing of a folder tells of a path is given with it; None: it must be looked at.

    Args:
        pattern: the glob, quoted characters behind a backslash.
        folder: where relative ones begin.
        place: knows what folders hold.
        may_list: whether a folder may be looked into.

    Raises:
        UnlistedFolder: a folder may not be looked into, or cannot be.
        TooManyMatches: there are more than `MAX_MATCHES`.
    """

    def look(path: str) -> PathFacts:
        return place.look(absolute_text(path, folder, place.platform))

    found: dict[str, PathFacts | None] = {"/" if pattern.startswith("/") else "": None}
    for segment in [name for name in pattern.split("/") if name]:
        following: dict[str, PathFacts | None] = {}
        for base in found:
            following |= _matches(base, segment, folder, place, may_list)
            if len(following) > MAX_MATCHES:
                raise TooManyMatches
        found = following
    if not pattern.endswith("/"):
        return {path[:-1]: facts for path, facts in found.items()}
    return {path: facts for path, facts in found.items() if (facts or look(path)).kind == "folder"}


def _matches(
    base: str, segment: str, folder: str, place: Place, may_list: Callable[[str], bool]
) -> dict[str, PathFacts | None]:
    literal = _literal(segment)
    if literal is not None:
        path = base + literal
        exists = place.look(absolute_text(path, folder, place.platform)).kind != "missing"
        return {f"{path}/": None} if exists else {}
    path = absolute_text(base or ".", folder, place.platform)
    if not may_list(path) or place.list_folder is None:
        raise UnlistedFolder(path)
    matcher = glob_pattern("*" if segment == "**" else segment)
    sees_hidden = segment.startswith((".", "\\."))
    looked = place.look(path)
    found = {
        f"{base}{entry.name}/": _facts(looked, entry)
        for entry in place.list_folder(path)
        if (sees_hidden or not entry.name.startswith(".")) and matcher.matches_exactly((entry.name,))
    }
    if sees_hidden and matcher.matches_exactly(("..",)):  # bash before 5.2 lets wildcards match it
        found[f"{base}../"] = None
    return found


def _facts(folder: PathFacts, entry: FolderEntry) -> PathFacts | None:
    """Returns what a folder's listing tells of a name in it; None where a link or a device is involved."""
    if folder.lexical != folder.real or entry.kind in {"link", "other"}:
        return None
    path = f"{folder.real.rstrip('/')}/{entry.name}"
    return PathFacts(path, path, path, "folder" if entry.kind == "folder" else "file")


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
