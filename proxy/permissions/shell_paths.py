"""Judges the paths that commands are given: operands, redirections, globs, what a recursive search prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from proxy.permissions import paths
from proxy.permissions.path_names import absolute_text, clean, lexical_refusal
from proxy.permissions.shell_folders import home_text
from proxy.permissions.shell_globs import MAX_MATCHES, TooManyMatches, UnlistedFolder, expand_glob
from proxy.permissions.shell_programs import Operand, Operation
from proxy.permissions.shell_search import Searcher, suspicious_names
from proxy.permissions.values import PartVerdict, PathAccess, PathFacts, Place, Policy

MAX_LOOKS = 120
"""Paths of one line that the machine is asked about; of further ones only the names are judged."""
NULL_DEVICE = "/dev/null"
_SPECIAL = ("/dev/", "/proc/", "/sys/")
_ONE_LEVEL = re.compile(r"[*?\[][^/]*/?")
"""A wildcard at a word's start that looks into no folder."""
_KNOWN_VARIABLES = re.compile(r"\$(?:\{(HOME|PWD|OLDPWD)\}|(HOME|PWD|OLDPWD)\b)")


class PathJudge:
    """Judges paths for one line, within its budgets."""

    def __init__(self, policy: Policy, place: Place) -> None:
        """Prepares for one line."""
        self._policy = policy
        self._place = place
        self._looks = 0
        self._is_over = False
        """The line has named too many paths, and that was said."""
        self._known: dict[tuple[str, Operation], PartVerdict] = {}
        self._matches = MAX_MATCHES
        self._globs: dict[tuple[str, str], dict[str, PathFacts | None]] = {}
        self._seen = _asked_once(place)
        self._suspicious = suspicious_names(policy)
        self._searcher = Searcher(policy, place, self._suspicious)

    def judge(self, operand: Operand, folder: str) -> Iterator[PartVerdict]:
        """Yields what is to be said against an operand of a command that runs in `folder`."""
        word = operand.word
        if word.text == "-" or (word.text == NULL_DEVICE and operand.operation != "write"):
            return
        if self._is_over and not self._is_suspicious(word.shown):
            return
        if operand.from_top and self._place.workspace is not None:
            folder = self._place.workspace.root
        if word.text is None:
            yield from self._unknown(operand, folder)
            return
        text = home_text(word, self._place)
        if text is None:
            yield _ask(word.shown, "another user's home folder")
        elif word.pattern is not None:
            yield from self._glob(operand, text, folder)
        else:
            yield from self._path(operand, text, folder)

    def _unknown(self, operand: Operand, folder: str) -> Iterator[PartVerdict]:
        """Judges a word with expansions as far as they are known: only denials count."""
        homes = {"HOME": self._place.home, "PWD": folder, "OLDPWD": folder}
        text = _KNOWN_VARIABLES.sub(lambda found: homes[found[1] or found[2]], operand.word.shown)
        if "$" not in text and "`" not in text and not text.startswith(("<(", ">(")):
            yield from (each for each in self._path(operand, text, folder) if each.decision == "deny")
        yield _ask(operand.word.shown, "what the shell puts there is not known")

    def _path(
        self, operand: Operand, text: str, folder: str, facts: PathFacts | None = None
    ) -> Iterator[PartVerdict]:
        verdict = self._judged(text, folder, operand.operation, facts)
        if verdict.decision != "allow":
            yield verdict
        elif operand.search is not None:
            reason = self._searcher.search(absolute_text(text, folder, self._place.platform), operand.search)
            if reason is not None:
                yield _ask(text, reason)

    def _judged(
        self, text: str, folder: str, operation: Operation, facts: PathFacts | None = None
    ) -> PartVerdict:
        path = absolute_text(text, folder, self._place.platform)
        if (path, operation) not in self._known:
            judged = "list" if operation == "search" else operation
            verdict = replace(self._verdict(path, judged, facts), what=text)
            is_special = f"{path}/".startswith(_SPECIAL) or f"{clean(path)}/".startswith(_SPECIAL)
            is_odd = lexical_refusal(path, self._place.platform) is not None
            if verdict.decision == "deny" and verdict.rule is None and (is_special or is_odd):
                verdict = replace(verdict, decision="ask")
            self._known[path, operation] = verdict
        return self._known[path, operation]

    def _verdict(self, path: str, operation: Operation, facts: PathFacts | None) -> PartVerdict:
        if facts is not None:
            return paths.judge_facts(facts, operation, self._policy, self._place, from_shell=True)
        if self._looks >= MAX_LOOKS:
            return self._unseen(path, operation)
        self._looks += 1
        return paths.judge(PathAccess(path, operation), self._policy, self._place, from_shell=True)

    def _unseen(self, path: str, operation: Operation) -> PartVerdict:
        """Judges a path by its names alone: the line has too many to look at each."""
        self._is_over = True
        name = clean(path)
        if self._is_suspicious(name):
            facts = PathFacts(path, name, name, "missing")
            verdict = paths.judge_facts(facts, operation, self._policy, self._place, from_shell=True)
            if verdict.decision == "deny":
                return verdict
        return _ask(path, f"the line names more than {MAX_LOOKS} paths")

    def _is_suspicious(self, text: str) -> bool:
        return any(self._suspicious.match(part) for part in text.split("/"))

    def _glob(self, operand: Operand, text: str, folder: str) -> Iterator[PartVerdict]:
        word = operand.word
        pattern = word.pattern or ""
        if word.has_tilde:
            pattern = self._place.home + pattern[1:]
        try:
            found = self._expanded(pattern, folder)
        except UnlistedFolder as unlisted:
            verdict = self._judged(unlisted.folder, folder, "list")
            yield verdict if verdict.decision != "allow" else _ask(word.shown, str(unlisted))
            return
        except TooManyMatches:
            yield _ask(word.shown, "the wildcard matches too many names")
            return
        if any(name.startswith("-") for name in found):
            yield _ask(word.shown, "the wildcard matches a name that looks like an option")
        if not found:
            path = clean(absolute_text(text, folder, self._place.platform))
            yield from self._path(operand, text, folder, PathFacts(text, path, path, "missing"))
        for name, listed in found.items():
            facts = listed or self._seen.look(absolute_text(name, folder, self._place.platform))
            for verdict in self._path(operand, name, folder, facts):
                yield from _matched(operand, facts, verdict)

    def _expanded(self, pattern: str, folder: str) -> dict[str, PathFacts | None]:
        if (pattern, folder) not in self._globs:
            self._matches -= 1 + pattern.count("/")
            if self._matches < 0:
                raise TooManyMatches
            found = expand_glob(pattern, folder, self._seen, self._may_list)
            self._matches -= len(found)
            self._globs[pattern, folder] = found
        return self._globs[pattern, folder]

    def _may_list(self, folder: str) -> bool:
        return self._judged(folder, folder, "list").decision == "allow"


def _asked_once(place: Place) -> Place:
    """Returns the place as it is for one line, in which no question is asked of the machine twice."""
    listed = None if place.list_folder is None else cache(place.list_folder)
    return replace(place, look=cache(place.look), list_folder=listed)


def _matched(operand: Operand, facts: PathFacts, verdict: PartVerdict) -> Iterator[PartVerdict]:
    """Judges a name that a wildcard gave.

    A folder among the names is not read, and nobody named it; nor has anybody named what a wildcard at a
    word's start gives, so that asks where a name would be denied. `ls *` shows no names but those that a
    plain recursive listing shows.
    """
    is_folder = facts.kind == "folder"
    if is_folder and operand.operation == "read" and verdict.decision == "deny":
        return
    if operand.operation == "list" and _ONE_LEVEL.fullmatch(operand.word.shown) and verdict.rule is not None:
        return
    if is_folder or operand.word.starts_with_wildcard:
        verdict = replace(verdict, decision="ask", rule=None, source=None)
    yield verdict


def _ask(what: str, reason: str) -> PartVerdict:
    return PartVerdict(what, "ask", reason)
