"""Finds the command rules that are about a command, by its first word."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.permissions.command_patterns import command_matches, read_pattern
from proxy.permissions.path_rules import folds_for_refusal
from proxy.permissions.rules import kind_of, rules_of
from proxy.permissions.shell_values import Command, Word
from proxy.permissions.tool_names import matches_name
from proxy.permissions.values import Place, Policy, Rule


class CommandRules:
    """A policy's rules about commands."""

    def __init__(self, policy: Policy, place: Place) -> None:
        """Sorts the rules once for a line."""
        self._folds = folds_for_refusal(place)
        self._deny = _Index(_about_commands(rules_of(policy, "deny")), folds=self._folds)
        self._ask = _Index(_about_commands(rules_of(policy, "ask")), folds=self._folds)
        self._allow = _Index(_about_commands(rules_of(policy, "allow")), folds=False)
        self.suspects = _suspects(policy, self._deny.rules)

    def denying(self, command: Command) -> Rule | None:
        """Returns the deny rule that matches."""
        return self._matching(self._deny, command)

    def asking(self, command: Command) -> Rule | None:
        """Returns the ask rule that matches."""
        return self._matching(self._ask, command)

    def _matching(self, index: _Index, command: Command) -> Rule | None:
        if not command.words or command.words[0].from_braces:
            return None
        return index.first(command.line)

    def allowing(self, words: Sequence[Word]) -> Rule | None:
        """Returns the allow rule that covers a command of these words."""
        for rule in self._allow.all(" ".join(word.shown for word in words)):
            count = len(read_pattern(rule.spec or "").text.split())
            if not any(" " in word.shown or not word.shown for word in words[:count]):
                return rule
        return None

    def allowing_exactly(self, words: Sequence[Word]) -> Rule | None:
        """Returns the allow rule that names these words and no others."""
        rule = self.allowing(words)
        if rule is None or read_pattern(rule.spec or "").with_arguments or "*" in (rule.spec or ""):
            return None
        return rule


class _Index:
    """Rules by the first word that they need."""

    def __init__(self, rules: Sequence[Rule], *, folds: bool) -> None:
        self.rules = rules
        self._folds = folds
        self._by_word: dict[str, list[Rule]] = {}
        self._any: list[Rule] = []
        for rule in rules:
            first = read_pattern(rule.spec or "").text.split(" ", 1)[0]
            if "*" in first or not first:
                self._any.append(rule)
            else:
                self._by_word.setdefault(first.lower() if folds else first, []).append(rule)

    def all(self, line: str) -> list[Rule]:
        first = line.split(" ", 1)[0]
        candidates = [*self._by_word.get(first.lower() if self._folds else first, ()), *self._any]
        return [rule for rule in candidates if self._is_about(rule, line)]

    def first(self, line: str) -> Rule | None:
        return next(iter(self.all(line)), None)

    def _is_about(self, rule: Rule, line: str) -> bool:
        if _matches(rule, line):
            return True
        return self._folds and command_matches((rule.spec or "").lower(), line.lower())


def _about_commands(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    return tuple(rule for rule in rules if kind_of(rule) == "command" and matches_name(rule.tool, "Bash"))


def _suspects(policy: Policy, forbidding: Sequence[Rule]) -> tuple[str, ...]:
    """Returns texts of which one is in every command that a deny rule is about; none where that is not so."""
    found = [read_pattern(rule.spec or "").text.split(" ", 1)[0] for rule in forbidding]
    for rule in rules_of(policy, "deny"):
        if kind_of(rule) == "path":
            parts = [part for part in (rule.spec or "").split("/") if part.strip("*.~")]
            found.append(max(parts[-1].split("*"), key=len) if parts else "")
    return (
        () if any(not word or set(word) & set("*?[]{}\\") for word in found) else tuple(dict.fromkeys(found))
    )


def _matches(rule: Rule, line: str) -> bool:
    return command_matches(rule.spec or "", line)
