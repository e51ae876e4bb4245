"""The tables of the permission page: rules, the parts of a tried call, workspaces, rules to import."""

from __future__ import annotations

from gui import permission_words as words
from gui.models.value_table import Cell, Column, ValueTable
from gui.permission_desk import ImportRow, PartView, RuleView, WorkspaceView
from gui.wording import visible

_VERDICTS = {
    "works": Cell("taken over", tone="ok", icon="check"),
    "does nothing": Cell("does nothing", tone="warn", icon="warn"),
    "out of scope": Cell("out of scope", tone="muted", icon="info"),
    "already there": Cell("already there", tone="muted", icon="check"),
}


class RulesModel(ValueTable[RuleView]):
    """All rules in the order they are looked at: deny, ask, allow."""

    def __init__(self) -> None:
        super().__init__(
            (
                Column("Effect", _effect_cell),
                Column("Rule", lambda r: Cell(visible(r.text), is_mono=True)),
                Column("Meaning", lambda r: Cell(r.meaning)),
                Column("From", lambda r: Cell(source_words(r), full=r.source)),
                Column("Hits 24 h", lambda r: Cell(f"{r.hits:,}" if r.hits else "–"), is_right=True),
                Column(
                    "Warning", lambda r: Cell(r.warning, tone="warn", icon="warn") if r.warning else Cell("")
                ),
            ),
            key=rule_key,
        )


class PartsModel(ValueTable[PartView]):
    """The parts of a tried call, each with its own verdict."""

    def __init__(self) -> None:
        super().__init__(
            (
                Column("Verdict", _part_cell),
                Column("Part", lambda p: Cell(visible(p.what), is_mono=True)),
                Column("Because", lambda p: Cell(p.reason)),
            ),
            key=lambda p: f"{p.what} {p.reason}",
        )


class WorkspacesModel(ValueTable[WorkspaceView]):
    """Workspaces in the order of the settings file."""

    def __init__(self) -> None:
        super().__init__(
            (
                Column("Name", lambda w: Cell(w.name)),
                Column("Root folder", _root_cell),
                Column("May also be read", lambda w: Cell(",  ".join(w.read_only) or "–", full=_lines(w))),
                Column("Default", lambda w: Cell("default", icon="check") if w.is_default else Cell("")),
            ),
            key=lambda w: w.name,
        )


class ImportModel(ValueTable[ImportRow]):
    """The rules of a Claude Code file and what becomes of each."""

    def __init__(self) -> None:
        super().__init__(
            (
                Column("Verdict", lambda r: _VERDICTS[r.verdict]),
                Column("Effect", lambda r: Cell(words.effect_phrase(r.effect).text)),
                Column("Rule", lambda r: Cell(visible(r.text), is_mono=True)),
                Column("Note", lambda r: Cell(r.note)),
            ),
            key=lambda r: f"{r.effect} {r.text}",
        )


def rule_key(rule: RuleView) -> str:
    """Returns what tells one rule from another."""
    return f"{rule.effect} {rule.text} {rule.source}"


def source_words(rule: RuleView) -> str:
    """Returns where a rule stands, shortly."""
    return "settings" if rule.source == "settings" else rule.source.replace("\\", "/").rpartition("/")[2]


def _effect_cell(rule: RuleView) -> Cell:
    if rule.is_exception:
        return Cell("Exception", tone="ok", icon="check", full="Lifts deny rules where it matches too")
    phrase = words.effect_phrase(rule.effect)
    return Cell(phrase.text, tone=phrase.tone, icon=phrase.icon)


def _part_cell(part: PartView) -> Cell:
    phrase = words.answer_phrase(part.decision)
    return Cell(phrase.text, tone=phrase.tone, icon=phrase.icon)


def _root_cell(workspace: WorkspaceView) -> Cell:
    if workspace.problem:
        return Cell(f"{workspace.root}  ({workspace.problem})", tone="danger", icon="warn")
    return Cell(workspace.root)


def _lines(workspace: WorkspaceView) -> str | None:
    return "\n".join(workspace.read_only) or None
