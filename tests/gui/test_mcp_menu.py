"""The tray's menu of MCP servers starts and stops them, and says which failed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication

from gui.mcp_menu import MAX_SERVERS, McpMenu
from proxy.mcp.values import ServerPhase
from tests.gui.fake_desk import FakeDesk
from tests.gui.mcp_scenes import FAILED, PENDING, TIME


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def menu(qapp: QApplication, desk: FakeDesk, told: list[str]) -> McpMenu:
    return McpMenu(desk, lambda: told.append("manage"), lambda title, text: told.append(f"{title}: {text}"))


def _shown(menu: McpMenu) -> list[tuple[str, bool]]:
    return [(a.text(), a.isChecked()) for a in menu.actions() if a.isVisible() and not a.isSeparator()]


def test_each_server_has_an_entry_with_its_state(menu: McpMenu):
    assert _shown(menu) == [
        ("time", True),
        ("github", True),
        ("files (waits for approval…)", False),
        ("figma (failed)", False),
        ("search (restarting)", True),
        ("notes (off)", False),
        ("Restart failed", False),
        ("Manage…", False),
    ]


def test_a_click_stops_what_runs_starts_what_does_not_and_shows_what_waits(
    menu: McpMenu, desk: FakeDesk, told: list[str]
):
    menu.entries[0].trigger()
    menu.entries[3].trigger()
    menu.entries[2].trigger()
    menu.manage.trigger()
    assert desk.mcp_calls == ["stop time", "start figma"]
    assert told == ["manage", "manage"]
    assert _shown(menu)[0] == ("time (stopped)", False)
    assert _shown(menu)[2] == ("files (waits for approval…)", False)


def test_a_refusal_is_told_and_the_tick_goes_back(menu: McpMenu, desk: FakeDesk, told: list[str]):
    desk.mcp_refusal = "npx was not found."
    menu.entries[3].trigger()
    assert told == ["figma was not started: npx was not found."]
    assert not menu.entries[3].isChecked()


def test_failed_ones_are_restarted_together_only_where_one_failed(menu: McpMenu, desk: FakeDesk):
    menu.restart_failed.trigger()
    menu.refresh()
    assert desk.mcp_calls == ["restart_failed"]
    assert not menu.restart_failed.isEnabled()


def test_more_than_twelve_lead_to_the_window(menu: McpMenu, desk: FakeDesk, told: list[str]):
    desk.server_list = [replace(FAILED, name=f"s{n}") for n in range(MAX_SERVERS + 1)]
    menu.refresh()
    assert [text for text, _ in _shown(menu)][MAX_SERVERS - 1 : MAX_SERVERS + 1] == ["s11 (failed)", "More…"]
    menu.more.trigger()
    assert told == ["manage"]


def test_without_servers_there_is_no_menu(menu: McpMenu, desk: FakeDesk):
    desk.server_list = []
    menu.refresh()
    assert not menu.menuAction().isVisible()


def test_names_keep_their_ampersands_and_one_that_stops_cannot_be_pressed(menu: McpMenu, desk: FakeDesk):
    desk.server_list = [replace(TIME, name="a&b", phase=ServerPhase.STOPPING), PENDING]
    menu.refresh()
    assert menu.entries[0].text() == "a&&b (stopping)"
    assert not menu.entries[0].isEnabled()
