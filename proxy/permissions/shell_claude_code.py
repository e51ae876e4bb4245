"""Judges a shell line as Claude Code does: wrappers off, every part by rules, then the read-only list.

What is denied, and what an allow rule never covers (options that run programs, files outside), is the strict
policy's to say: each line goes through it too, with what is allowed here taken for allowed there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from proxy.permissions import shell_strict
from proxy.permissions.command_patterns import PREFIX, command_matches
from proxy.permissions.path_names import absolute_text, clean
from proxy.permissions.paths import judge as judge_path
from proxy.permissions.protected import is_critical_removal
from proxy.permissions.read_only_commands import only_looks
from proxy.permissions.risky_programs import NEVER_AUTOMATIC
from proxy.permissions.rules import kind_of, rules_of
from proxy.permissions.shell_deny import inner_commands, program_name
from proxy.permissions.shell_edits import edited_paths
from proxy.permissions.shell_examiners import is_known
from proxy.permissions.shell_folders import Folders, home_text
from proxy.permissions.shell_stripped import Stripped, is_safe, stripped
from proxy.permissions.shell_values import Command, Context, Redirect, ShellLine, Word
from proxy.permissions.shell_wrappers import SHELLS, WRAPPERS
from proxy.permissions.values import (
    Decision,
    PartVerdict,
    PathAccess,
    Place,
    Policy,
    Rule,
    Verdict,
    strictest_part,
)
from proxy.permissions.wildcards import escaped
from proxy.permissions.wording import quoted

_FIRM_PROBLEMS = frozenset({"control-character", "invisible-character", "confusable", "padding", "too-long"})
"""They hide from people what they would agree to: no rule lifts them."""
_ENVIRONMENT_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_REMOVERS = frozenset({"rm", "rmdir"})
_FILE_PROGRAMS = frozenset(
    {"base64", "chgrp", "chmod", "chown", "cmp", "comm", "cp", "csplit", "date", "dd", "du", "file", "fold"}
    | {
        "install",
        "join",
        "less",
        "link",
        "ln",
        "md5sum",
        "mkdir",
        "more",
        "mv",
        "nl",
        "od",
        "paste",
        "rev",
        "rm",
    }
    | {"rmdir", "sha1sum", "sha256sum", "shred", "split", "stat", "strings", "tac", "tee", "touch", "tree"}
    | {"truncate", "unlink", "xxd", "zcat"}
)
"""Programs for files: an allow rule for one covers files of the workspace alone."""


def judge(line: ShellLine, policy: Policy, place: Place) -> Verdict:
    """Returns the verdict on a whole line, with each part's own."""
    strict = replace(policy, name="strict", mode="default", broken=None, builtin_read_only=False)
    firm = shell_strict.judge(line, strict, place)
    if firm.decision == "deny" and (firm.rule is not None or place.workspace is not None):
        return firm
    judged = _Judging(line, policy, place)
    asked = [part for part in firm.parts if part.decision == "ask" and part.rule is not None]
    parts = [*asked, *judged.warnings(), *judged.parts()]
    worst = _worst(parts)
    if worst.decision == "allow":
        bare, allowing = judged.taken_for_allowed(strict)
        second = shell_strict.judge(bare, allowing, place)
        if bare.commands and second.decision != "allow":
            worst = PartVerdict(line.text, "ask", second.reason, is_open=True)
            parts.append(worst)
    return Verdict(worst.decision, worst.reason, worst.rule, worst.source, tuple(parts))


def _worst(parts: Sequence[PartVerdict]) -> PartVerdict:
    return strictest_part(parts) or PartVerdict("", "allow", "the line runs nothing")


@dataclass(frozen=True, slots=True)
class _Step:
    """A command of the line, and where it runs."""

    command: Command
    bare: Stripped
    folders: tuple[str, ...]
    """Where it may begin; empty: nobody knows."""
    is_cd: bool = False
    targets: tuple[str, ...] = ()
    """Of a `cd`, where it may lead; empty: nobody knows."""


def _followed(line: ShellLine, place: Place) -> Iterator[_Step]:
    """Yields the commands in their order, each with the folders that the `cd`s before it leave possible."""
    folders = Folders(place)
    for command in line.commands:
        bare = stripped(command)
        found = folders.at(command.context)
        known = () if None in found else tuple(each for each in found if each is not None)
        if bare.words and bare.words[0].text == "cd":
            targets = folders.change(command.context, bare.words[1:]) or ()
            yield _Step(command, bare, known, is_cd=True, targets=targets)
        else:
            yield _Step(command, bare, known)


class _Judging:
    """One line under the policy `claude-code`."""

    def __init__(self, line: ShellLine, policy: Policy, place: Place) -> None:
        self._line = line
        self._policy = policy
        self._place = place
        self._rules = {
            effect: [rule for rule in rules_of(policy, effect) if kind_of(rule) == "command"]
            for effect in ("ask", "allow")
        }
        self._steps = tuple(_followed(line, place))
        self._folders = tuple(dict.fromkeys(each for step in self._steps for each in step.folders))
        self._changes_folder = any(step.is_cd for step in self._steps)
        self._settled: set[int] = set()
        """Identities of the commands about which the strict policy has nothing to add."""

    # What is wrong with the line as a whole -------------------------------------------------

    def warnings(self) -> Iterator[PartVerdict]:
        """Yields what makes the line ask, whatever its parts are."""
        for problem in self._line.problems:
            is_open = problem.kind not in _FIRM_PROBLEMS
            yield PartVerdict(self._line.text, "ask", problem.sentence, is_open=is_open)
        if self._line.has_substitution:
            yield _open_ask(self._line.text, "a nested command cannot be checked before it runs")
        for command in inner_commands(self._line):
            rule = self._rule("ask", (command.line,))
            if rule is not None:
                yield PartVerdict(command.line, "ask", _matches(rule, command.line), rule.text, rule.source)
            if command.words and command.words[0].shown.rpartition("/")[2] in _REMOVERS:
                yield from self._removals(command)

    def _removals(self, command: Command) -> Iterator[PartVerdict]:
        for word in command.words[1:]:
            if word.shown.startswith("-") and word.is_literal:
                continue
            if self._is_critical(word):
                reason = f"removing {quoted(word.shown)} is never approved by a rule"
                yield PartVerdict(command.line, "ask", reason)

    def _is_critical(self, word: Word) -> bool:
        place, text = self._place, home_text(word, self._place)
        if text is None:  # what it stands for is not known: `rm -rf "$DIR"/*`
            return True
        root = place.workspace.root if place.workspace else None
        return any(
            is_critical_removal(
                clean(absolute_text(text, folder, place.platform)),
                cwd=folder,
                home=place.home,
                root=root,
                inside=self._policy.additional_directories,
            )
            for folder in self._folders
        )

    # Its parts ------------------------------------------------------------------------------

    def parts(self) -> Iterator[PartVerdict]:
        """Yields the verdicts on each command and each file it is redirected to or from."""
        for step in self._steps:
            for redirect in step.command.redirects:
                yield from self._redirect(redirect, step)
            if step.command.words:
                yield self._command(step)
            elif step.command.assignments:
                yield self._assignments(step.command)

    def _assignments(self, command: Command) -> PartVerdict:
        is_alone = len(self._line.commands) == 1
        for each in command.assignments:
            if not is_alone or each.value.text is None or _ENVIRONMENT_NAME.fullmatch(each.name):
                return _open_ask(command.raw, f"setting {each.name} may change what commands do")
        return PartVerdict(command.raw, "allow", "it sets a variable that nothing reads")

    def _redirect(self, redirect: Redirect, step: _Step) -> Iterator[PartVerdict]:
        target = redirect.target
        if redirect.is_descriptor or target.text == "/dev/null" or redirect.operator in {"<<", "<<-"}:
            return
        if redirect.operator == "<<<":
            if target.text is None:
                yield _open_ask(target.shown, "what the here-string holds is not known")
            return
        is_plain = target.is_literal and not target.has_tilde and redirect.fd in {None, "0", "1", "2"}
        if not is_plain or not step.folders:
            yield _open_ask(target.shown, "where the redirection leads is not known")
            return
        reads, writes = redirect.operator in {"<", "<>"}, redirect.operator != "<"
        for folder in step.folders:
            if writes:
                yield self._path(PathAccess(target.text or "", "write"), folder)
            if reads:
                yield self._path(PathAccess(target.text or "", "read"), folder)

    def _path(self, access: PathAccess, folder: str) -> PartVerdict:
        part = judge_path(access, self._policy, replace(self._place, cwd=folder), from_shell=True)
        if part.decision == "deny" and part.rule is None:  # the shell may read the words otherwise
            return replace(part, decision="ask")
        return part

    def _command(self, step: _Step) -> PartVerdict:
        bare, shown = step.bare, step.command.line
        reason = _never_automatic(step.command, bare)
        if reason is None and step.is_cd:
            return self._cd(step, shown)
        if reason is None and bare.words[0].text == "git" and self._changes_folder:
            reason = "git in another folder may run what that folder's repository says"
        if reason is not None:
            return _open_ask(shown, reason)
        rule = self._rule("allow", (bare.line, shown))
        if rule is not None and not (bare.through_xargs and _is_watched(bare)):
            if not _is_watched(bare):
                self._settled.add(id(step.command))
            return PartVerdict(shown, "allow", _matches(rule, bare.line), rule.text, rule.source)
        if bare.through_xargs:
            return _open_ask(shown, "what xargs adds to the command is not known")
        return self._without_rule(step, shown)

    def _without_rule(self, step: _Step, shown: str) -> PartVerdict:
        name, words = step.bare.words[0].text or "", step.bare.words[1:]
        has_glob = any(word.pattern is not None for word in words)
        texts = [word.shown for word in words]
        if self._policy.builtin_read_only and only_looks(name, texts, has_glob=has_glob):
            return PartVerdict(shown, "allow", f"{name} only looks, which needs no rule")
        touched = None if has_glob or any(word.has_tilde for word in words) else edited_paths(name, texts)
        if touched is None or not step.folders:
            return _open_ask(shown, f"no rule allows '{quoted(shown)}'")
        if self._policy.mode != "acceptEdits":
            return _open_ask(shown, f"{name} changes files, which asks without a rule")
        worst = _worst([self._path(access, folder) for access in touched for folder in step.folders])
        if worst.decision == "allow":
            self._settled.add(id(step.command))
            return PartVerdict(shown, "allow", f"{name} in the workspace: edits are accepted")
        return replace(worst, what=shown, reason=f"{quoted(worst.what)}: {worst.reason}")

    def _cd(self, step: _Step, shown: str) -> PartVerdict:
        if not step.targets:
            return _open_ask(shown, "where cd leads is not known")
        worst = _worst([self._path(PathAccess(target, "list"), self._place.cwd) for target in step.targets])
        if worst.decision != "allow":
            return replace(worst, what=shown, reason=f"cd to {quoted(worst.what)}: {worst.reason}")
        return PartVerdict(shown, "allow", "cd stays inside the workspace")

    # Helpers --------------------------------------------------------------------------------

    def _rule(self, effect: Decision, lines: Sequence[str]) -> Rule | None:
        rules = self._rules[effect]
        return next(
            (rule for rule in rules if any(command_matches(rule.spec or "", one) for one in lines)), None
        )

    def taken_for_allowed(self, strict: Policy) -> tuple[ShellLine, Policy]:
        """Returns the line without what was judged here, and the policy that allows each of its commands."""
        commands = tuple(
            replace(command, words=stripped(command).words, assignments=(), redirects=())
            for command in self._line.commands
            if command.words and id(command) not in self._settled
        )
        specs = [escaped(command.line) for command in commands]  # exact ones first: they cover wrappers too
        specs += [f"{escaped(command.words[0].shown)}{PREFIX}" for command in commands]
        allowed = tuple(Rule("allow", f"Bash({spec})", "Bash", spec) for spec in specs)
        kept = (rule for rule in strict.rules if rule.effect != "allow" or rule.tool in {"Read", "Edit"})
        rules = (*kept, *allowed)
        return replace(self._line, commands=commands), replace(strict, rules=rules)


def _never_automatic(command: Command, bare: Stripped) -> str | None:
    """Says why no allow rule covers a command; None: one may."""
    name = bare.words[0].text
    unsafe = next((each.name for each in command.assignments if not is_safe(each)), None)
    if name is None or any(word.text is None for word in bare.words):
        return "what a variable or an expansion stands for cannot be checked before it runs"
    if name in NEVER_AUTOMATIC:
        return f"what '{name}' starts or changes cannot be checked before it runs"
    if unsafe is not None:
        return f"the variable {unsafe} may change what the command does"
    return _by_context(command.context)


def _by_context(context: Context) -> str | None:
    if context.is_background:
        return "a command in the background goes on after everything that was checked"
    if context.in_substitution:
        return "a nested command cannot be checked before it runs"
    if context.in_subshell or context.in_group:
        return "a group of commands cannot be checked before it runs"
    return None


def _is_watched(bare: Stripped) -> bool:
    """Tells whether an allow rule for a program leaves open which files and options it covers."""
    name = program_name(bare.words[0].text or "")
    return is_known(name) or name in _FILE_PROGRAMS or name in WRAPPERS or name in SHELLS


def _open_ask(what: str, reason: str) -> PartVerdict:
    return PartVerdict(what, "ask", reason, is_open=True)


def _matches(rule: Rule, line: str) -> str:
    return f"{rule.effect} rule {rule.text} matches '{quoted(line)}'"
