"""Judges a shell line under the strict policy: what is not known to be harmless asks, deny sees everything.

Every simple command anywhere is judged; the strictest verdict decides. Deny rules look through wrappers and
literal scripts; allow rules count for literal words only, look past a few harmless wrappers and variables,
and never cover options that run, write or load something. Paths follow the path rules after every `cd`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from proxy.permissions.risky_programs import NEVER_AUTOMATIC
from proxy.permissions.shell_deny import InnerSearch, inner_commands, program_name
from proxy.permissions.shell_examiners import RISKY_WITH_WILDCARDS, examine
from proxy.permissions.shell_folders import Folders
from proxy.permissions.shell_paths import PathJudge
from proxy.permissions.shell_programs import Examined, Operand
from proxy.permissions.shell_rules import CommandRules
from proxy.permissions.shell_values import Assignment, Command, Redirect, ShellLine, Word, as_line
from proxy.permissions.shell_wrappers import SHELLS, WRAPPERS, without_safe_wrappers
from proxy.permissions.values import (
    STRICTNESS,
    PartVerdict,
    Place,
    Policy,
    Rule,
    Verdict,
    strictest_part,
)

_STATE_BUILTINS = frozenset(
    {
        *("bind", "break", "builtin", "caller", "compgen", "complete", "compopt", "continue", "declare"),
        *("dirs", "disown", "enable", "export", "fc", "getopts", "hash", "history", "kill", "let", "local"),
        *("logout", "mapfile", "popd", "pushd", "read", "readarray", "readonly", "return", "set", "shift"),
        *("shopt", "suspend", "test", "typeset", "ulimit", "umask", "unalias", "unset", "wait", "[", "[["),
        *("((", "exit", "bg", "fg", "jobs"),
    }
)
"""Builtins that change what later commands do, or evaluate their arguments: no allow rule counts for them."""
_SAFE_VARIABLE = re.compile(r"LANG|LC_[A-Z]+|TZ|NO_COLOR|TERM")
_SAFE_VALUES = (
    re.compile(r"[\w.@+,-]*", re.ASCII),
    re.compile(r"(?:[\w.@+,-]+(?:/[\w.@+,-]+)*)?", re.ASCII),
)
"""Values of these variables that name no file; a time zone may have slashes."""
_MAX_SHOWN = 200


def judge(line: ShellLine, policy: Policy, place: Place) -> Verdict:
    """Returns the verdict on a whole line, with each part's own, a single part's too."""
    parts = list(_Judging(line, policy, place).parts())
    worst = strictest_part(parts)
    if worst is None:
        return Verdict("ask", "the line holds no command")
    return Verdict(worst.decision, worst.reason, worst.rule, worst.source, tuple(parts))


class _Judging:
    """One line under judgement."""

    def __init__(self, line: ShellLine, policy: Policy, place: Place) -> None:
        self._line = line
        self._place = place
        self._rules = CommandRules(policy, place)
        self._inner = InnerSearch()
        self._paths = PathJudge(policy, place)
        self._folders = Folders(place)
        self._examinations: dict[int, tuple[Sequence[Word], Examined]] = {}
        self._judged: dict[tuple[tuple[Word, ...], tuple[Redirect, ...], str], tuple[PartVerdict, ...]] = {}

    def parts(self) -> Iterator[PartVerdict]:
        """Yields the verdict on each part, in the order of the text."""
        for problem in self._line.problems:
            yield PartVerdict(_shown(self._line.text), "ask", problem.sentence)
        for word in self._line.loose_words:
            if word.text is None:
                yield PartVerdict(_shown(word.raw), "ask", "what the shell puts there is not known")
        if not self._line.commands:
            yield from self._unparsed()
        for command in self._line.commands:
            folders = self._folders.at(command.context)
            yield self._command(command, folders)

    def _unparsed(self) -> Iterator[PartVerdict]:
        """Runs the deny scan on a line that cannot be told apart."""
        for command in inner_commands(self._line, self._rules.suspects):
            denied = self._denial(command, (self._place.cwd,))
            if denied is not None:
                yield denied
                return

    def _command(self, command: Command, folders: tuple[str | None, ...]) -> PartVerdict:
        known = tuple(folder for folder in folders if folder is not None)
        denied = self._denial(command, known or (self._place.cwd,))
        if denied is not None:
            return denied
        what = _shown(command.raw)
        inner = without_safe_wrappers(command.words)
        reasons = list(self._objections(command, inner, folders))
        if inner and inner[0].text == "cd":
            reasons += self._moved(command, inner[1:])
        if reasons:
            worst = max(reasons, key=lambda part: (STRICTNESS[part.decision], part.rule is not None))
            return replace(worst, what=what)
        if not inner:
            return PartVerdict(what, "allow", "it runs nothing")
        rule = self._rules.allowing(inner) or self._rules.allowing(command.words)
        if rule is None:
            return PartVerdict(what, "ask", f"no rule allows '{_shown(as_line(inner))}'", is_open=True)
        return PartVerdict(what, "allow", f"allow rule {rule.text} matches", rule.text, rule.source)

    # Denials ----------------------------------------------------------------------------------

    def _denial(self, command: Command, folders: Sequence[str]) -> PartVerdict | None:
        """Returns the first denial of what the command is, runs, reads or writes."""
        for inner in self._inner.of(command):
            denied = self._denied(inner, folders)
            if denied is not None:
                return denied
        return None

    def _denied(self, command: Command, folders: Sequence[str]) -> PartVerdict | None:
        rule = self._rules.denying(command)
        if rule is not None:
            return self._by_rule(command, rule)
        for folder in folders:
            for verdict in self._path_verdicts(command, folder):
                if verdict.decision == "deny":
                    return replace(verdict, what=_shown(command.raw))
        return None

    def _by_rule(self, command: Command, rule: Rule) -> PartVerdict:
        reason = f"{rule.effect} rule {rule.text} matches '{_shown(command.line)}'"
        return PartVerdict(_shown(command.raw), rule.effect, reason, rule.text, rule.source)

    def _path_verdicts(self, command: Command, folder: str) -> Iterator[PartVerdict]:
        """Yields what is to be said against the paths that a command is given."""
        key = (command.words, command.redirects, folder)
        if key not in self._judged:
            self._judged[key] = tuple(self._judged_paths(command, folder))
        yield from self._judged[key]

    def _judged_paths(self, command: Command, folder: str) -> Iterator[PartVerdict]:
        operands = (*self._examined(command.words).operands, *_redirected(command.redirects))
        for operand in dict.fromkeys(operands):
            for verdict in self._paths.judge(operand, folder):
                path = _shown(operand.word.shown)
                yield replace(verdict, reason=f"{path}: {verdict.reason}")

    def _examined(self, words: Sequence[Word]) -> Examined:
        if not words:
            return Examined()
        if id(words) not in self._examinations:  # the words are kept with it, so that no others get their id
            self._examinations[id(words)] = words, examine(program_name(words[0].shown), words[1:])
        return self._examinations[id(words)][1]

    # Objections to allowing -------------------------------------------------------------------

    def _objections(
        self, command: Command, inner: Sequence[Word] | None, folders: tuple[str | None, ...]
    ) -> Iterator[PartVerdict]:
        """Yields why the command must be asked about whatever allow rules say."""
        rule = self._rules.asking(command)
        if rule is not None:
            yield self._by_rule(command, rule)
        for reason in _reasons(command, inner):
            yield PartVerdict("", "ask", reason)
        if inner is None:
            return
        yield from self._program_objections(inner, folders)
        for folder in folders:
            if folder is None:
                yield PartVerdict("", "ask", "it is not known in which folder it would run")
            else:
                words = inner if isinstance(inner, tuple) else tuple(inner)
                yield from self._path_verdicts(replace(command, words=words), folder)

    def _program_objections(
        self, inner: Sequence[Word], folders: tuple[str | None, ...]
    ) -> Iterator[PartVerdict]:
        if not inner:
            return
        name = inner[0].shown
        examined = self._examined(inner)
        if examined.danger is not None:
            yield PartVerdict("", "ask", examined.danger)
        if name in RISKY_WITH_WILDCARDS and any(word.starts_with_wildcard for word in inner[1:]):
            yield PartVerdict("", "ask", f"a wildcard at a word's start may give {name} an option")
        is_exact = self._rules.allowing_exactly(inner) is not None
        if (name in WRAPPERS or program_name(name) in SHELLS) and not is_exact:
            yield PartVerdict("", "ask", f"what {name} runs is never allowed by a rule for {name}")
        if name == "git" and any(folder and self._has_own_repository(folder) for folder in folders):
            yield PartVerdict("", "ask", "the folder is a repository of its own, with its own configuration")

    def _has_own_repository(self, folder: str) -> bool:
        root = self._place.workspace.root if self._place.workspace else self._place.cwd
        while folder not in {root, "/", ""}:
            if self._place.look(f"{folder}/.git").kind != "missing":
                return True
            if self._place.look(f"{folder}/HEAD").kind != "missing":
                return True
            folder = folder.rpartition("/")[0]
        return False

    def _moved(self, command: Command, words: Sequence[Word]) -> Iterator[PartVerdict]:
        """Follows a `cd` and yields what is to be said against where it leads."""
        targets = self._folders.change(command.context, words)
        if targets is None:
            yield PartVerdict("", "ask", "it is not known where cd leads")
        for target in targets or ():
            literal = Word(raw=target, text=target, shown=target, is_quoted=True)
            yield from self._paths.judge(Operand(literal, "list"), self._place.cwd)


def _reasons(command: Command, inner: Sequence[Word] | None) -> Iterator[str]:
    """Yields why the command's own form asks."""
    if command.context.is_background:
        yield "a command in the background outlives its call"
    yield from _assignment_reasons(command.assignments, alone=not command.words)
    yield from _redirect_reasons(command.redirects)
    if inner is None:
        yield f"the options of {command.words[0].shown} are not known to be harmless"
        return
    if not inner and command.words:
        yield f"{command.words[0].shown} without a command"
    for word in (*command.words, *inner):
        if word.text is None:
            yield f"what the shell makes of {_shown(word.shown)} is not known"
            return
    if inner:
        yield from _name_reasons(inner[0])


def _name_reasons(word: Word) -> Iterator[str]:
    name = word.shown
    if word.pattern is not None or word.from_braces or word.is_encoded or word.has_tilde:
        yield "the command's name is not written out"
    elif "/" in name:
        yield f"{_shown(name)} is not the program of that name that PATH leads to"
    elif name in NEVER_AUTOMATIC or name in _STATE_BUILTINS:
        yield f"{name} changes the shell or evaluates its arguments"


def _assignment_reasons(assignments: Sequence[Assignment], *, alone: bool) -> Iterator[str]:
    for each in assignments:
        value = each.value.text
        safe = _SAFE_VALUES[each.name == "TZ"]
        is_safe = _SAFE_VARIABLE.fullmatch(each.name) is not None and not each.appends
        if alone or not is_safe or value is None or not safe.fullmatch(value) or ".." in value:
            yield f"setting {each.name} may change what commands do"


def _redirect_reasons(redirects: Sequence[Redirect]) -> Iterator[str]:
    for redirect in redirects:
        target = redirect.target
        if target.text is None or (redirect.fd or "").startswith("{"):
            yield "what a redirection opens is not known"
        elif redirect.operator == "<>" or (_writes(redirect) and target.text != "/dev/null"):
            yield f"a redirection writes {_shown(target.shown)}"


def _writes(redirect: Redirect) -> bool:
    if redirect.is_descriptor:
        return False
    return ">" in redirect.operator or redirect.operator == "<&"


def _redirected(redirects: Sequence[Redirect]) -> Iterator[Operand]:
    """Yields the files that redirections open."""
    for redirect in redirects:
        if redirect.is_descriptor or redirect.operator.startswith("<<"):
            continue
        writes = _writes(redirect)
        if not (writes and redirect.target.text == "/dev/null"):
            yield Operand(redirect.target, "write" if writes else "read")


def _shown(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
