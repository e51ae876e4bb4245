"""The tables and the tree of the permission pages keep Qt's rules and word what they are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt

from gui.models.approvals import HistoryModel, WaitingModel, one_line, result_cell
from gui.models.client_tokens import TokensModel
from gui.models.permissions import ImportModel, PartsModel, RulesModel, WorkspacesModel
from gui.models.tools import ToolsModel, calls_text
from gui.permission_desk import DecisionView
from gui.roles import Role, look_of
from tests.gui.acting import heard
from tests.gui.permission_scenes import (
    IMPORT,
    PUSH,
    RULES,
    TOKENS,
    TOOLS,
    TRIES,
    WORKSPACES,
    WRITE,
    decisions,
)
from tests.gui.scenes import START


def test_the_models_keep_qts_rules(qtmodeltester: Any):
    waiting = WaitingModel(lambda: START)
    history, rules, parts = HistoryModel(), RulesModel(), PartsModel()
    folders, rows, tokens, tools = WorkspacesModel(), ImportModel(), TokensModel(), ToolsModel()
    for model in (waiting, history, rules, parts, folders, rows, tokens, tools):
        qtmodeltester.check(model)
    waiting.show([PUSH, WRITE])
    waiting.tick()
    history.show(decisions(START))
    rules.show(RULES)
    parts.show(next(iter(TRIES.values())).parts)
    folders.show(WORKSPACES)
    rows.show(IMPORT.rows)
    tokens.show(TOKENS)
    tools.show(TOOLS)
    tools.show([replace(tool, is_offered=False) for tool in TOOLS])
    tools.show(TOOLS[:4])
    tools.show(())


def test_tools_stand_in_their_groups_and_servers_after_ours():
    model = ToolsModel()
    model.show([TOOLS[-1], *TOOLS[:-1]])
    titles = [model.index(row, 0).data() for row in range(model.rowCount())]
    assert titles == ["Read", "Edit", "Run", "Web", "Plan", "MCP github"]
    run = model.index(2, 0)
    assert [model.index(row, 0, run).data() for row in range(model.rowCount(run))] == ["Bash", "Task"]
    assert model.parent(model.index(1, 0, run)) == run
    assert model.index(2, 1).data() == "2 of 2 tools offered"


def test_a_changed_tool_is_no_reset():
    model = ToolsModel()
    model.show(TOOLS)
    resets = heard(model.modelReset)
    model.show([replace(tool, default="deny") for tool in TOOLS])
    assert resets == []
    assert model.index(0, 2, model.index(0, 0)).data() == "Deny"
    model.show(TOOLS[1:])
    assert len(resets) == 1


@pytest.mark.parametrize(
    ("row", "state"),
    [(0, Qt.CheckState.PartiallyChecked), (1, Qt.CheckState.Checked), (5, Qt.CheckState.PartiallyChecked)],
)
def test_a_group_is_ticked_wholly_partly_or_not(row: int, state: Qt.CheckState):
    model = ToolsModel()
    model.show(TOOLS)
    assert model.index(row, 0).data(Qt.ItemDataRole.CheckStateRole) == state
    model.show([replace(tool, is_offered=False) for tool in TOOLS])
    assert model.index(row, 0).data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Unchecked


def test_a_tick_asks_only_for_what_differs():
    model = ToolsModel()
    model.show(TOOLS)
    told = heard(model.offer_asked)
    group, checked = model.index(0, 0), Qt.CheckState.Checked
    assert model.setData(group, checked, Qt.ItemDataRole.CheckStateRole)
    assert model.setData(model.index(0, 0, group), Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    assert not model.setData(group, "x", Qt.ItemDataRole.EditRole)
    assert told == [(("LS",), True), (("Read",), False)]


def test_calls_of_a_day_are_three_numbers_or_none():
    assert calls_text(TOOLS[9]) == "41 / 6 / 2"
    assert calls_text(TOOLS[1]) == "–"


def test_a_rule_keeps_its_warning_as_word_and_shape():
    model = RulesModel()
    model.show(RULES)
    warning = model.index(3, 5)
    assert look_of(warning).icon == "warn"
    assert look_of(warning).tone == "warn"
    assert model.index(0, 5).data() == ""
    assert model.index(1, 3).data(Role.FULL_TEXT) == "/home/you/website/.claude/settings.json"


@pytest.mark.parametrize(
    ("change", "words", "tone"),
    [
        ({"ran": True, "exit_code": 0}, "exit 0", None),
        ({"ran": True, "exit_code": 2}, "exit 2", "danger"),
        ({"ran": True, "exit_code": None, "is_error": True}, "failed", "danger"),
        ({"ran": True, "exit_code": None}, "done", None),
        ({"decision": "deny", "ran": False}, "not run", "muted"),
        ({"ran": False, "runner": "client"}, "to the client", "muted"),
        ({"ran": False, "runner": "signalbox"}, "not run", "muted"),
    ],
)
def test_the_end_of_a_call_is_told_in_words(change: dict[str, Any], words: str, tone: str | None):
    row: DecisionView = replace(decisions(START)[0], **change)
    cell = result_cell(row)
    assert (cell.text, cell.tone) == (words, tone)


def test_a_call_on_one_line_shows_where_its_lines_end():
    assert one_line("a\nb\u200b\r\nc") == r"a ⏎ b\u{200b}\u{d} ⏎ c"
