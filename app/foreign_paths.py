"""Shows a folder of this machine as if it lay on Windows, so that rules for Windows can be tried here.

What Windows would make of a path as text is known anywhere; what is there is taken from the folder that
stands for the workspace. Where that cannot say it (a folder that is not there), nothing is vouched for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from proxy.permissions.path_names import absolute_text, clean
from proxy.permissions.values import PathFacts

_SHORT_NAME = re.compile(r"([^.~]{1,6})~([1-9])(?:\.([^.]{1,3}))?", re.DOTALL)
_DRIVE = re.compile(r"/[a-z]/")


@dataclass(frozen=True, slots=True)
class ForeignFolder:
    """A folder under a Windows name."""

    folder: str
    """Where it really is."""
    root: str
    """What it is called: `/c/work/project`."""
    look: Callable[[str], PathFacts]
    """Looks at a path of this machine."""

    def facts(self, path: str) -> PathFacts:
        """Returns what a Windows path, as `/c/…`, would be; for `Place.look`."""
        lexical = clean(absolute_text(path, self.root, "windows"))
        below = self._below(lexical)
        if below is None:
            return PathFacts(path, lexical, lexical, "missing")
        real = self.look("/".join((self.folder, *below)))
        shown = self._shown(real.real)
        if shown is None or (real.kind == "missing" and not Path(real.real).parent.is_dir()):
            return PathFacts(path, lexical, lexical, "other")
        via = tuple(each for each in map(self._shown, real.via) if each is not None)
        return replace(real, given=path, lexical=lexical, real=shown, via=via)

    def _below(self, path: str) -> list[str] | None:
        """Returns the names below the workspace, short ones spelt out; None: it lies elsewhere."""
        names = path.split("/")
        for root in (self.root, self._root_by_tail(path)):
            above = root.split("/")
            if len(names) >= len(above) and all(map(_means, names, above)):
                return self._spelt_out(names[len(above) :])
        return None

    def _root_by_tail(self, path: str) -> str:
        """Returns the workspace on a drive's top, under its own folder's and its parent's names."""
        drive = path[:3] if _DRIVE.match(path) else "/c/"
        return drive + "/".join(self.folder.split("/")[-2:])

    def _spelt_out(self, names: list[str]) -> list[str]:
        folder = self.folder
        found: list[str] = []
        for name in names:
            found.append(_long_name(name, folder))
            folder = f"{folder}/{found[-1]}"
        return found

    def _shown(self, real: str) -> str | None:
        if real != self.folder and not real.startswith(f"{self.folder}/"):
            return None
        return self.root + real[len(self.folder) :]


def _long_name(name: str, folder: str) -> str:
    """Returns the first name in a folder that Windows would shorten to this one; or the name itself."""
    try:
        there = sorted(each.name for each in Path(folder).iterdir())
    except OSError:
        return name
    same = [each for each in there if each.casefold() == name.casefold()]
    if _SHORT_NAME.fullmatch(name):
        same += [each for each in there if _means(name, each)]
    return same[0] if same else name


def _means(name: str, full: str) -> bool:
    """Tells whether a name, perhaps a short one, may be that of `full`."""
    if name.casefold() == full.casefold():
        return True
    short = _SHORT_NAME.fullmatch(name)
    if short is None:
        return False
    stem, _, ending = full.lstrip(".").rpartition(".")
    if not stem:
        stem, ending = ending, ""
    kept = re.sub(r"[ .]", "", stem)
    return (
        kept[: len(short[1])].casefold() == short[1].casefold()
        and len(short[1]) == min(6, len(kept))
        and ending[:3].casefold() == (short[3] or "").casefold()
    )
