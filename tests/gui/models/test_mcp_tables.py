"""The tables of MCP servers, tools and finds keep Qt's rules, and a tick asks instead of setting itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt

from gui.models.mcp_imports import McpImportsModel
from gui.models.mcp_servers import McpServersModel
from gui.models.mcp_tools import McpToolsModel
from gui.roles import look_of
from tests.gui.acting import heard
from tests.gui.mcp_scenes import GITHUB, IMPORTS, SERVERS, START, TIME, TOOLS

CHECK = Qt.ItemDataRole.CheckStateRole


def _row(model: Any, row: int) -> list[str]:
    return [model.index(row, column).data() for column in range(model.columnCount())]


def test_the_models_keep_qts_rules(qtmodeltester: Any):
    servers = McpServersModel(lambda: START)
    qtmodeltester.check(servers)
    servers.show(SERVERS)
    servers.show(SERVERS[:2])
    tools = McpToolsModel()
    qtmodeltester.check(tools)
    tools.show(TOOLS)
    imports = McpImportsModel()
    qtmodeltester.check(imports)
    imports.offer(IMPORTS)


def test_a_server_is_told_in_words():
    model = McpServersModel(lambda: START)
    model.show(SERVERS)
    assert _row(model, 0) == [
        "on",
        "time",
        "Connected",
        "stdio",
        "2/3",
        "412",
        "0",
        "2 h 15 min",
        "3 min ago",
        "2025-11-25",
    ]
    assert _row(model, 1)[2:5] == ["Connected – 2 tools to look at", "HTTP", "0/2"]
    assert _row(model, 3)[2].startswith("Failed – exit 1: npx not found; PATH searched")
    assert _row(model, 5)[0] == "off"


def test_a_server_just_started_is_up_for_less_than_a_minute():
    model = McpServersModel(lambda: START)
    model.show([replace(TIME, started_at=START - 5)])
    assert model.index(0, 7).data() == "< 1 min"


def test_time_passes_in_the_table_without_news_of_the_servers():
    clock = [START]
    model = McpServersModel(lambda: clock[0])
    model.tell_time()
    model.show(SERVERS)
    told = heard(model.dataChanged)
    clock[0] += 600
    model.tell_time()
    assert [(first.column(), last.column()) for first, last, *_ in told] == [(7, 8)]
    assert model.index(0, 7).data() == "2 h 25 min"


def test_a_tick_asks_and_changes_nothing_itself():
    model = McpServersModel()
    model.show(SERVERS)
    asked = heard(model.tick_asked)
    index = model.index(0, 0)
    assert index.data(CHECK) == Qt.CheckState.Checked
    assert model.flags(index) & Qt.ItemFlag.ItemIsUserCheckable
    assert not model.flags(model.index(0, 1)) & Qt.ItemFlag.ItemIsUserCheckable
    assert model.setData(index, Qt.CheckState.Unchecked, CHECK)
    assert not model.setData(model.index(0, 1), Qt.CheckState.Unchecked, CHECK)
    assert asked == [("time", False)]
    assert index.data(CHECK) == Qt.CheckState.Checked


def test_a_tools_permission_is_the_files_or_the_rules():
    model = McpToolsModel()
    model.show([*TOOLS, *GITHUB.tools])
    assert [model.index(row, 2).data() for row in range(5)] == [
        "Allow",
        "As the rules say",
        "Deny",
        "Ask",
        "As the rules say",
    ]
    assert [model.index(row, 5).data() for row in (0, 3, 4)] == ["as approved", "changed", "new"]
    assert look_of(model.index(3, 5)).icon == "warn"


def test_what_we_have_not_is_ticked_at_first_and_the_user_decides():
    model = McpImportsModel()
    model.offer(IMPORTS)
    assert model.ticked == ("k1",)
    model.setData(model.index(2, 0), Qt.CheckState.Checked, CHECK)
    model.setData(model.index(0, 0), Qt.CheckState.Unchecked, CHECK)
    assert model.ticked == ("k3",)
    assert _row(model, 2)[4:] == ["another has this name", "Set the variable GITHUB_TOKEN."]
    model.offer(())
    assert model.ticked == ()
