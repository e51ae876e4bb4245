"""What Glob, Grep and LS share: globs as ripgrep reads them, what .gitignore leaves out, limits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from proxy.permissions.path_patterns import PathPattern, expand_braces, gitignore_pattern
from proxy.tools.guard import Entry, GuardError, WorkspaceGuard

MAX_RESULTS = 10_000
"""Files that one search looks at as results."""
MAX_SECONDS = 10.0
"""After that a search says what it has found so far."""
REPOSITORY_FOLDERS = frozenset({".git", ".svn", ".hg", ".bzr", ".jj", ".sl"})
"""Insides of version control: never searched unless named."""
_IGNORE_FILES = (".gitignore", ".ignore")
_MAX_IGNORE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a search ends, found or not."""

    clock: Callable[[], float] = time.monotonic
    seconds: float = MAX_SECONDS

    def start(self) -> Callable[[], bool]:
        """Returns what says whether the time is over."""
        end = self.clock() + self.seconds
        return lambda: self.clock() >= end


@dataclass(frozen=True, slots=True)
class Globs:
    """Globs as ripgrep's `--glob` takes them: without a slash at any depth; `!` in front leaves out."""

    wanted: tuple[PathPattern, ...] = ()
    """Empty: every file."""
    unwanted: tuple[PathPattern, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> Globs:
        """Reads globs with braces.

        Raises:
            TooManyAlternatives: Braces stand for too much.
        """
        wanted: list[PathPattern] = []
        unwanted: list[PathPattern] = []
        for text in texts:
            leaves_out = text.startswith("!")
            for each in expand_braces(text.removeprefix("!")):
                (unwanted if leaves_out else wanted).append(gitignore_pattern(each))
        return cls(tuple(wanted), tuple(unwanted))

    def takes(self, parts: tuple[str, ...]) -> bool:
        """Says whether a file of this path is wanted."""
        if any(pattern.matches(parts) for pattern in self.unwanted):
            return False
        return not self.wanted or any(
            pattern.matches_itself(parts, is_folder=False) for pattern in self.wanted
        )

    def may_hold(self, parts: tuple[str, ...]) -> bool:
        """Says whether a folder of this path can hold a file that is wanted."""
        if any(pattern.matches(parts, is_folder=True) for pattern in self.unwanted):
            return False
        return not self.wanted or any(pattern.may_match_below(parts) for pattern in self.wanted)


def parts_below(folder: str, path: str) -> tuple[str, ...]:
    """Returns the names of a path below the folder a walk began in."""
    return tuple(path[len(folder) :].strip("/").split("/"))


@dataclass(slots=True)
class IgnoreFiles:
    """What the .gitignore files above and in a tree leave out; each is read once."""

    guard: WorkspaceGuard
    top: str
    """The folder above which none counts: the workspace's root, or the searched folder outside it."""
    _read: dict[str, tuple[tuple[PathPattern, bool], ...]] = field(
        default_factory=dict[str, "tuple[tuple[PathPattern, bool], ...]"]
    )

    def leaves_out(self, entry: Entry) -> bool:
        """Says whether a file or folder is left out; what is in a folder left out is not asked about."""
        for folder, parts in _folders_above(self.top, entry.path):
            for pattern, is_kept in reversed(self._rules(folder)):
                if pattern.matches_itself(parts, is_folder=entry.kind == "folder"):
                    return not is_kept
        return False

    def _rules(self, folder: str) -> tuple[tuple[PathPattern, bool], ...]:
        if folder not in self._read:
            rules: list[tuple[PathPattern, bool]] = []
            for name in _IGNORE_FILES:
                rules.extend(_ignore_rules(self._text(f"{folder}/{name}")))
            self._read[folder] = tuple(rules)
        return self._read[folder]

    def _text(self, path: str) -> str:
        try:
            return self.guard.read(path, max_bytes=_MAX_IGNORE_BYTES).data.decode("utf-8", "replace")
        except GuardError:
            return ""


def _folders_above(top: str, path: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields the folders a path is in, the nearest first, each with the path's names below it."""
    names = parts_below(top, path)
    for cut in range(len(names) - 1, -1, -1):
        yield "/".join([top.rstrip("/"), *names[:cut]]), names[cut:]


def _ignore_rules(text: str) -> Iterator[tuple[PathPattern, bool]]:
    for raw in text.splitlines():
        line = raw.rstrip("\r")
        while line.endswith(" ") and not line.endswith("\\ "):
            line = line[:-1]
        is_kept = line.startswith("!")
        pattern = line[1:] if is_kept else line
        if pattern.strip("/") and not line.startswith("#"):
            yield gitignore_pattern(pattern), is_kept
