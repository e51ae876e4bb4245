"""Says whether a recursive search would print files that may not be read."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase, translate

from proxy.permissions import paths
from proxy.permissions.protected import OWN_FOLDER
from proxy.permissions.shell_programs import Search
from proxy.permissions.values import FolderEntry, PathAccess, PathFacts, Place, Policy

MAX_ENTRIES = 20_000
"""Names that are looked at for one line; a larger folder asks."""


class Searcher:
    """Walks through folders for one line."""

    def __init__(self, policy: Policy, place: Place, suspicious: re.Pattern[str]) -> None:
        """Prepares for one line; `suspicious` takes every name that a rule may be about."""
        self._policy = policy
        self._place = place
        self._suspicious = suspicious
        self._budget = MAX_ENTRIES
        self._known: dict[tuple[str, Search], str | None] = {}

    def search(self, path: str, search: Search) -> str | None:
        """Returns why a search below `path` must be asked about; None: it prints nothing that is denied."""
        if (path, search) not in self._known:
            self._known[path, search] = self._searched(path, search)
        return self._known[path, search]

    def _searched(self, path: str, search: Search) -> str | None:
        facts = self._place.look(path)
        if facts.kind != "folder":
            return None
        if self._place.list_folder is None:
            return "what the search would print is not known"
        waiting = [facts.real]
        visited: set[str] = set()
        while waiting:
            folder = waiting.pop()
            if folder in visited:
                continue
            visited.add(folder)
            for entry in self._place.list_folder(folder):
                self._budget -= 1
                if self._budget < 0:
                    return f"the search reaches more than {MAX_ENTRIES:,} names"
                reason = self._entry(folder, entry, search, waiting)
                if reason is not None:
                    return reason
        return None

    def _entry(self, folder: str, entry: FolderEntry, search: Search, waiting: list[str]) -> str | None:
        name = entry.name
        if (search.skips_hidden and name.startswith(".")) or _takes(search.excludes, name):
            return None
        path = f"{folder.rstrip('/')}/{name}"
        if entry.kind == "folder":
            waiting.append(path)
            return None
        if entry.kind == "link":
            return self._link(path, search, waiting) if search.follows_links else None
        if search.includes and not _takes(search.includes, name):
            return None
        if self._suspicious.match(name) or self._suspicious_folder(folder):
            return self._file(PathFacts(path, path, path, "file"))
        return None

    def _suspicious_folder(self, folder: str) -> bool:
        """Tells whether a rule may be about a folder above a file."""
        return any(self._suspicious.match(part) for part in folder.split("/"))

    def _link(self, path: str, search: Search, waiting: list[str]) -> str | None:
        facts = self._place.look(path)
        if facts.kind == "folder":
            verdict = paths.judge(PathAccess(path, "list"), self._policy, self._place, from_shell=True)
            if verdict.decision != "allow":
                return f"the search would follow the link {path}"
            waiting.append(facts.real)
            return None
        if search.includes and not _takes(search.includes, facts.lexical.rsplit("/", 1)[-1]):
            return None
        return self._file(facts)

    def _file(self, facts: PathFacts) -> str | None:
        verdict = paths.judge_facts(facts, "read", self._policy, self._place, from_shell=True)
        return (
            None
            if verdict.decision == "allow"
            else f"the search would print {facts.lexical}: {verdict.reason}"
        )


def _takes(patterns: tuple[str, ...], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def suspicious_names(policy: Policy) -> re.Pattern[str]:
    """Returns a pattern that takes every name by which a path rule may be about a path."""
    names = {re.escape(OWN_FOLDER) + r"\Z"}
    for rule in policy.rules:
        if rule.effect == "allow" or rule.tool not in {"Read", "Edit"} or rule.spec is None:
            continue
        segments = [segment for segment in rule.spec.split("/") if segment not in {"", "**", ".", ".."}]
        is_plain = segments and not set(segments[-1]) & set("\\{}!")
        names.add(translate(segments[-1]) if is_plain else ".")
    return re.compile("|".join(sorted(names)), re.IGNORECASE | re.DOTALL)
