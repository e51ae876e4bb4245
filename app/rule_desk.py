"""The desk's part about permission rules: views from memory, changes as edits of the settings."""

from __future__ import annotations

import json
import os
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

from app.configuration import Configuration
from app.files import write_atomically
from app.paths import UnknownHome, expanded
from app.provider_desk import DeskRefusal
from app.settings_edit import Edit, Put
from gui.permission_desk import Effect, ImportPreview, ImportRow, RuleView
from proxy.permissions.claude_files import CannotEdit, FileScope, NotJson, RuleFinding, read_file, with_rules
from proxy.permissions.rule_problems import problem_of, problems_of
from proxy.permissions.rule_words import describe
from proxy.permissions.rules import Origin, RuleProblem, kind_of, read_permissions, read_rule
from proxy.permissions.values import PathFacts, Place, Policy, Rule, ToolCall, Workspace

MAX_FILE_BYTES = 1024 * 1024
_EFFECTS: tuple[Effect, ...] = ("deny", "ask", "allow")
_EXCEPTIONS = "denyExcept"
_OURS = "settings"
_STATES: Mapping[str, Literal["works", "does nothing", "out of scope"]] = MappingProxyType(
    {
        "works": "works",
        "broader": "works",
        "nothing": "does nothing",
        "scope": "out of scope",
        "invalid": "does nothing",
        "untrusted": "does nothing",
    }
)


class RuleDesk:
    """Answers about rules from memory, and turns changes into edits."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def views(self, hits: Counter[tuple[str, str]]) -> tuple[RuleView, ...]:
        """Returns all rules in the order they are looked at.

        Args:
            hits: How many calls each rule decided lately, by source and text.
        """
        found = [*self._sources()]
        rules = [each for each in found if isinstance(each, Rule)]
        warnings = {(each.effect, each.rule): each for each in problems_of(rules)}
        views = [_view(each, warnings, hits) for each in found]
        return tuple(sorted(views, key=lambda view: _EFFECTS.index(view.effect)))

    def rules_named(self, tool: str) -> int:
        """Returns how many rules are about a tool."""
        return sum(isinstance(each, Rule) and each.tool == tool for each in self._sources())

    def bare_effect(self, tool: str) -> Effect | None:
        """Returns what the rules say of a whole tool; None: nothing."""
        said = {each.effect for each in self._sources() if isinstance(each, Rule) and _is_bare(each, tool)}
        return next((effect for effect in _EFFECTS if effect in said), None)

    def preview(self, effect: Effect, text: str, calls: Iterable[ToolCall]) -> RuleView:
        """Says what a rule would mean, and how many of some calls it names by tool and pattern."""
        read = read_rule(effect, text)
        if isinstance(read, RuleProblem):
            return RuleView(effect, text, "", _OURS, can_change=True, warning=read.text, fix=read.fix)
        problem = problem_of(read)
        return RuleView(
            effect,
            text,
            describe(read),
            _OURS,
            can_change=True,
            hits=_names(read, calls),
            warning=None if problem is None else problem.text,
            fix=None if problem is None else problem.fix,
        )

    def save_edits(self, effect: Effect, text: str, replaces: RuleView | None) -> list[Edit]:
        """Returns the edits that add a rule, or change one.

        Raises:
            DeskRefusal: It is no rule, is there already, or the old one is not ours.
        """
        text = text.strip()
        read = read_rule(effect, text)
        if isinstance(read, RuleProblem):
            raise DeskRefusal(read.text)
        lists = self._lists()
        if replaces is not None:
            self._take_out(lists, replaces)
        if text in lists[effect]:
            raise DeskRefusal(f"there is a rule {effect} {text} already")
        lists[effect].append(text)
        return self._edits(lists)

    def remove_edits(self, rule: RuleView) -> list[Edit]:
        """Returns the edits that take a rule out.

        Raises:
            DeskRefusal: It is not ours, or not there any more.
        """
        lists = self._lists()
        self._take_out(lists, rule)
        return self._edits(lists)

    def bare_edits(self, tool: str, effect: Effect) -> list[Edit]:
        """Returns the edits after which the rule for a whole tool has this effect."""
        lists = self._lists()
        for each in _EFFECTS:
            lists[each] = [text for text in lists[each] if not _is_bare_text(each, text, tool)]
        lists[effect].append(tool)
        return self._edits(lists)

    def text(self) -> str:
        """Returns our `permissions` object as JSON text."""
        section = self._section()
        whole = {name: section.get(name, []) for name in ("deny", "ask", "allow")}
        whole |= {name: value for name, value in section.items() if name not in whole}
        return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"

    def text_edits(self, text: str) -> list[Edit]:
        """Returns the edits that store the object as edited.

        Raises:
            DeskRefusal: It is no JSON object, or a rule in it is none.
        """
        try:
            given: Any = json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise DeskRefusal(f"this is no JSON: {exc}") from exc
        read = read_permissions(given)
        wrong = next((each for each in read.problems if each.kind == "invalid"), None)
        if not isinstance(given, dict) or read.broken is not None or wrong is not None:
            raise DeskRefusal(read.broken or (wrong.text if wrong else "permissions are an object: { … }"))
        return [Put(("permissions",), cast("dict[str, Any]", given))]

    # Claude Code's files --------------------------------------------------------------------

    def preview_import(self, path: str) -> ImportPreview:
        """Says what each rule of a Claude Code settings file would do here."""
        try:
            rows = [row for row, _text in self._import_rows(path)]
        except DeskRefusal as exc:
            return ImportPreview(path, problem=str(exc))
        return ImportPreview(path, tuple(rows))

    def import_edits(self, path: str) -> list[Edit]:
        """Returns the edits that take over the file's rules that work here.

        Raises:
            DeskRefusal: The file cannot be read, or nothing in it is new and works.
        """
        lists = self._lists()
        new = [(row.effect, text) for row, text in self._import_rows(path) if row.verdict == "works"]
        if not new:
            raise DeskRefusal("the file has no rule that works here and is not there already")
        for effect, text in new:
            if text not in lists[effect]:
                lists[effect].append(text)
        return self._edits(lists)

    def export(self, path: str) -> int:
        """Writes our rules into a Claude Code settings file beside those it has; returns how many were new.

        Raises:
            DeskRefusal: The file cannot be read or changed.
            OSError: It cannot be written.
        """
        file = _file(path)
        before = _read_text(file) if file.exists() else "{}\n"
        ours = self._lists()
        theirs = self._read(file, before)
        lists = {effect: [each.text for each in theirs if each.effect == effect] for effect in _EFFECTS}
        new = 0
        for effect in _EFFECTS:
            added = [text for text in ours[effect] if text not in lists[effect]]
            lists[effect] += added
            new += len(added)
        try:
            after = with_rules(before, {effect: lists[effect] for effect in _EFFECTS if lists[effect]})
        except (NotJson, CannotEdit) as exc:
            raise DeskRefusal(f"{path}: {exc}") from exc
        write_atomically(file, after.encode("utf-8"))
        return new

    def _import_rows(self, path: str) -> Iterator[tuple[ImportRow, str]]:
        file = _file(path)
        lists = self._lists()
        for finding in self._read(file, _read_text(file)):
            text = _absolute_rule(finding, file)
            verdict: Literal["works", "does nothing", "out of scope", "already there"]
            verdict = "already there" if text in lists[finding.effect] else _STATES[finding.state]
            note = finding.remark if text == finding.text else f"stored as {text}"
            yield ImportRow(finding.effect, finding.text, verdict, note), text

    def _read(self, file: Path, text: str) -> tuple[RuleFinding, ...]:
        home = str(Path.home())
        folder = file.parent.parent if file.parent.name == ".claude" else file.parent
        read = read_file(
            text, _scope(file), str(file), Origin(folder=str(folder), home=home), is_trusted=True
        )
        if read.error is not None:
            raise DeskRefusal(f"{file}: {read.error}")
        return read.findings

    # The settings ---------------------------------------------------------------------------

    def _sources(self) -> Iterator[Rule | RuleProblem]:
        for source in self._configuration.proxy_config().permissions.sources:
            origin = Origin(source.name, source.anchor)
            for effect in _EFFECTS:
                for text in getattr(source, effect):
                    yield read_rule(effect, text, origin)
            for text in source.deny_except:
                yield read_rule("deny", text, origin, is_exception=True)

    def _lists(self) -> dict[str, list[str]]:
        rules = self._configuration.settings.permissions
        return {
            "allow": list(rules.allow),
            "ask": list(rules.ask),
            "deny": list(rules.deny),
            _EXCEPTIONS: list(rules.denyExcept),
        }

    def _section(self) -> Mapping[str, Any]:
        raw: Any = self._configuration.loaded.document.raw.get("permissions")
        return cast("Mapping[str, Any]", raw) if isinstance(raw, Mapping) else {}

    def _take_out(self, lists: dict[str, list[str]], rule: RuleView) -> None:
        if not rule.can_change:
            raise DeskRefusal(f"this rule stands in {rule.source}; change it there")
        name = _EXCEPTIONS if rule.is_exception else rule.effect
        if rule.text not in lists[name]:
            raise DeskRefusal("this rule is not there any more")
        lists[name].remove(rule.text)

    def _edits(self, lists: Mapping[str, Sequence[str]]) -> list[Edit]:
        before = self._lists()
        return [
            Put(("permissions", name), list(rules)) for name, rules in lists.items() if before[name] != rules
        ]


def _view(
    read: Rule | RuleProblem,
    warnings: Mapping[tuple[str | None, str], RuleProblem],
    hits: Counter[tuple[str, str]],
) -> RuleView:
    if isinstance(read, RuleProblem):
        effect = read.effect or "deny"
        return RuleView(effect, read.rule, "", _OURS, can_change=True, warning=read.text, fix=read.fix)
    warning = warnings.get((read.effect, read.text))
    return RuleView(
        read.effect,
        read.text,
        describe(read),
        read.source,
        can_change=read.source == _OURS,
        hits=hits[read.source, read.text],
        warning=None if warning is None else warning.text,
        fix=None if warning is None else warning.fix,
        is_exception=read.is_exception,
    )


def _is_bare(rule: Rule, tool: str) -> bool:
    return rule.spec is None and rule.tool == tool and not rule.is_exception


def _is_bare_text(effect: Effect, text: str, tool: str) -> bool:
    read = read_rule(effect, text)
    return isinstance(read, Rule) and _is_bare(read, tool)


def _scope(file: Path) -> FileScope:
    if file.name.endswith(".local.json"):
        return "local"
    return "user" if file.parent == Path.home() / ".claude" else "project"


def _absolute_rule(finding: RuleFinding, file: Path) -> str:
    """`/x` is relative to the file's project there, and would mean another folder here."""
    read = read_rule(finding.effect, finding.text)
    if not isinstance(read, Rule) or kind_of(read) != "path" or read.spec is None:
        return finding.text
    if not read.spec.startswith("/") or read.spec.startswith("//"):
        return finding.text
    anchor = file.parent if _scope(file) == "user" else file.parent.parent
    return f"{read.tool}(/{os.fspath(anchor).replace(os.sep, '/')}{read.spec})"


def _file(path: str) -> Path:
    try:
        return expanded(path)
    except UnknownHome as exc:
        raise DeskRefusal(str(exc)) from exc


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)
    except OSError as exc:
        raise DeskRefusal(f"{file}: {exc.strerror}") from exc
    if len(data) > MAX_FILE_BYTES:
        raise DeskRefusal(f"{file} is larger than 1 MiB, which no settings file is")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise DeskRefusal(f"{file} is no UTF-8 text") from exc


def _names(rule: Rule, calls: Iterable[ToolCall]) -> int:
    """Returns of how many calls a rule speaks, as far as their text alone tells."""
    from proxy.permissions.engine import judge  # noqa: PLC0415 - loads the shell parser

    policy = Policy(rules=(replace(rule, effect="deny", is_exception=False),))
    place = Place(Workspace("", "/"), "/", str(Path.home()), _as_text)
    return sum(judge(call, policy, place).rule == rule.text for call in calls)


def _as_text(path: str) -> PathFacts:
    absolute = posixpath.normpath(posixpath.join("/", path))
    return PathFacts(path, absolute, absolute, "file")
