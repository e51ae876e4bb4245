"""Judges paths of another platform on this machine: its rules of names, this machine's files.

For testing rules only. A Windows path is looked up below the workspace that stands for its working directory;
short names (`SECRET~1`) are looked up among what is there. What cannot be told from here, because a folder on
the way is not there and might be a junction over there, is no file and no folder: nothing allows it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from proxy.permissions.path_names import absolute_text, clean
from proxy.permissions.path_rules import is_under
from proxy.permissions.protected import protected_name
from proxy.permissions.values import PathFacts, Place, Platform, Workspace

_SHORT = re.compile(r"([^.~/]{1,6})~[0-9]+(?:\.([^.~/]{0,3}))?", re.IGNORECASE)
_WINDOWS_HOME = "/c/Users/user"


def place_elsewhere(place: Place, platform: Platform, cwd: str | None = None) -> Place:
    """Returns a place on another platform that stands for a place here.

    Args:
        place: Where calls are judged here.
        platform: The other platform.
        cwd: The working directory there, as that platform writes it; on Windows it stands for the
            workspace's root, and so does drive C with the last two folders of the root here. None: the same
            as here.
    """
    if platform == "macos":
        return replace(place, platform="macos", folds_case=True, cwd=cwd or place.cwd)
    if platform != "windows" or place.workspace is None:
        return replace(place, platform=platform, cwd=cwd or place.cwd)
    root = clean(absolute_text(cwd or "C:\\work\\project", "/c", "windows"))
    here = place.workspace.root
    alias = "/c/" + "/".join(here.split("/")[-2:])
    look = _WindowsLook(root, alias, here, place.look)
    workspace = Workspace(place.workspace.name, root)
    return Place(workspace, root, _WINDOWS_HOME, look, (), "windows", folds_case=True)


@dataclass(frozen=True, slots=True)
class _WindowsLook:
    root: str
    """The root there, as `/c/work/project`."""
    alias: str
    """Another name of the root there."""
    folder: str
    """What stands for it here."""
    look: Callable[[str], PathFacts]

    def __call__(self, path: str) -> PathFacts:
        long = self._with_long_root(clean(path))
        if is_under(long, self.alias, folds_case=True):
            long = self.root + long[len(self.alias) :]
        if not is_under(long, self.root, folds_case=True):
            return PathFacts(path, clean(path), long, "missing")
        names = [name for name in long.split("/") if name][len(self.root.split("/")) - 1 :]
        here = self.folder
        for index, name in enumerate(names):
            found = self._named(here, name)
            if found is None:
                return self._missing(path, here, names[index:])
            here = f"{here}/{found}"
        facts = self.look(here)
        return replace(facts, given=path, lexical=clean(path), real=self._there(facts.real), via=())

    def _with_long_root(self, path: str) -> str:
        """Writes out short names among those of the root."""
        names = path.split("/")
        for index, long in enumerate(self.root.split("/")[: len(names)]):
            if _is_short_for(names[index], long):
                names[index] = long
        return "/".join(names)

    def _named(self, folder: str, name: str) -> str | None:
        """Returns what Windows would find in a folder under a name: any case, or a short name."""
        try:
            there = sorted(os.listdir(folder))  # noqa: PTH208 - names are all that is wanted
        except OSError:
            return None
        alike = [each for each in there if each.casefold() == name.casefold()]
        return next(iter(alike or [each for each in there if _is_short_for(name, each)]), None)

    def _missing(self, path: str, here: str, rest: list[str]) -> PathFacts:
        real = "/".join([self._there(here), *rest])
        is_known = len(rest) == 1 or protected_name([name.casefold() for name in rest[:-1]]) is not None
        is_file = self.look(here).kind != "folder"
        has_short = any(_SHORT.fullmatch(name) for name in rest)
        kind = "missing" if is_known and not has_short and not is_file else "other"
        return PathFacts(path, clean(path), real, kind)

    def _there(self, path: str) -> str:
        """Returns the path there of one that is here; what lies outside the workspace lies outside there."""
        return self.root + path[len(self.folder) :] if is_under(path, self.folder) else f"/c/outside{path}"


def _is_short_for(short: str, long: str) -> bool:
    """Says whether Windows may have made a short name from a long one."""
    found = _SHORT.fullmatch(short)
    if found is None:
        return False
    stem, *extensions = _pieces(long)
    extension = extensions[-1][:3] if extensions else ""
    return stem[:6] == found[1].casefold() and extension == (found[2] or "").casefold()


def _pieces(name: str) -> Iterator[str]:
    text = re.sub(r"[ +,;=\[\]]", "", name.casefold().lstrip("."))
    stem, dot, extension = text.rpartition(".")
    yield (stem if dot else text).replace(".", "")
    if dot:
        yield extension
