"""The tray's menu says what can be done and does it, and its icon and tool tip follow the proxy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon
from pytestqt.qtbot import QtBot

from gui.desk import Problem, ProxyPhase, ProxyState
from gui.pages.page import Room
from gui.permission_desk import ApprovalsChanged
from gui.tray import Tray, WindowCommands
from gui.tray_host import TrayHost
from tests.gui.fake_desk import URL, FakeDesk
from tests.gui.permission_scenes import PUSH, WRITE


@pytest.fixture
def opened() -> list[str]:
    """What the tray asked of the window."""
    return []


@pytest.fixture
def host(qapp: QApplication) -> TrayHost:
    """A host that never comes by itself."""
    return TrayHost(polls=0)


@pytest.fixture
def tray(room: Room, desk: FakeDesk, host: TrayHost, opened: list[str]) -> Iterator[Tray]:
    made = Tray(
        desk,
        room.bridge,
        room.theme,
        host,
        WindowCommands(
            lambda: opened.append("open"),
            lambda: opened.append("toggle"),
            lambda: opened.append("logs"),
            lambda: opened.append("approvals"),
            lambda: opened.append("mcp"),
            lambda: opened.append("quit"),
        ),
    )
    yield made
    made.close()


def _texts(menu: QMenu) -> list[str]:
    return [a.text() for a in menu.actions() if not a.isSeparator() and a.isVisible()]


def _image(icon: QSystemTrayIcon) -> QImage:
    return icon.icon().pixmap(32).toImage()


def test_the_menu_of_a_running_proxy(tray: Tray):
    assert _texts(tray.menu) == [
        "Running on 127.0.0.1:4000",
        "Open Signalbox",
        "Copy address",
        "Stop proxy",
        "MCP servers",
        "Permission mode",
        "View logs",
        "Quit Signalbox",
    ]
    assert not tray.status.isEnabled()
    assert tray.menu.defaultAction() is tray.open
    assert tray.icon.toolTip() == "Signalbox – running on 127.0.0.1:4000, 2 active"


def test_every_entry_does_what_it_says(tray: Tray, desk: FakeDesk, opened: list[str]):
    for action in tray.menu.actions():
        action.trigger()
    assert opened == ["approvals", "open", "logs", "quit"]
    assert QGuiApplication.clipboard().text() == URL
    assert desk.calls == ["stop_proxy"]


def test_the_menu_is_kept_and_its_texts_follow(qtbot: QtBot, room: Room, tray: Tray, desk: FakeDesk):
    before = tray.menu.actions()
    running = _image(tray.icon)
    with qtbot.waitSignal(room.bridge.state_changed):
        desk.stop_proxy()
    assert tray.menu.actions() == before
    assert _texts(tray.menu)[0] == "Stopped"
    assert tray.switch.text() == "Start proxy"
    assert not tray.copy.isEnabled()
    assert _image(tray.icon) != running


def test_opening_the_menu_shows_the_latest(tray: Tray, desk: FakeDesk):
    desk.state_now = ProxyState(ProxyPhase.FAILED, problems=(Problem("Port 4000 & more in use", ""),))
    tray.menu.aboutToShow.emit()
    assert tray.status.text() == "Not running – Port 4000 && more in use"


@pytest.mark.parametrize("phase", [ProxyPhase.STARTING, ProxyPhase.STOPPING])
def test_nothing_can_be_switched_while_it_changes(tray: Tray, desk: FakeDesk, phase: ProxyPhase):
    desk.state_now = ProxyState(phase)
    tray.menu.aboutToShow.emit()
    assert not tray.switch.isEnabled()


def test_a_new_host_gets_a_new_icon_with_the_same_menu(tray: Tray, host: TrayHost):
    before = tray.icon
    host.appeared.emit()
    assert tray.icon is not before
    assert tray.icon.contextMenu() is tray.menu
    assert tray.icon.toolTip().startswith("Signalbox – running")


def test_a_click_on_the_icon_toggles_the_window(tray: Tray, opened: list[str]):
    tray.icon.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)
    tray.icon.activated.emit(QSystemTrayIcon.ActivationReason.Context)
    assert opened == ["toggle"]


def test_the_icon_follows_the_theme(qtbot: QtBot, room: Room, tray: Tray):
    light = _image(tray.icon)
    room.theme.choose("dark")
    assert _image(tray.icon) != light


def test_waiting_calls_have_a_bold_line_that_opens_them_and_a_shape_of_their_own(
    qtbot: QtBot, room: Room, tray: Tray, desk: FakeDesk, opened: list[str]
):
    calm = _image(tray.icon)
    with qtbot.waitSignal(room.bridge.approvals_changed):
        desk.ask(PUSH)
    assert _texts(tray.menu)[1] == "1 tool waiting for approval…"
    assert tray.waiting.font().bold()
    assert _image(tray.icon) != calm
    tray.waiting.trigger()
    assert opened == ["approvals"]
    with qtbot.waitSignal(room.bridge.approvals_changed):
        desk.ask(WRITE)
    assert tray.waiting.text() == "2 tools waiting for approval…"
    desk.waiting.clear()
    with qtbot.waitSignal(room.bridge.approvals_changed):
        desk.announce(ApprovalsChanged())
    assert "waiting" not in " ".join(_texts(tray.menu))
    assert _image(tray.icon) == calm


def test_the_mode_is_chosen_but_never_bypass(qtbot: QtBot, room: Room, tray: Tray, desk: FakeDesk):
    actions = {action.text(): action for action in tray.modes.actions()}
    assert list(actions) == ["Ask", "Accept edits", "Don’t ask"]
    assert actions["Ask"].isChecked()
    actions["Accept edits"].trigger()
    assert desk.calls == ["set_mode acceptEdits"]
    assert actions["Accept edits"].isChecked()
    with qtbot.waitSignal(room.bridge.permissions_changed):
        desk.set_mode("bypassPermissions", confirmation="bypass")
    assert not any(action.isChecked() for action in actions.values())


def test_a_click_on_a_message_opens_what_waits(tray: Tray, desk: FakeDesk, opened: list[str]):
    tray.icon.messageClicked.emit()
    desk.waiting.append(PUSH)
    tray.icon.messageClicked.emit()
    assert opened == ["open", "approvals"]


def test_the_servers_of_the_menu_follow_theirs(
    qtbot: QtBot, room: Room, tray: Tray, desk: FakeDesk, opened: list[str]
):
    assert "figma (failed)" in _texts(tray.mcp)
    with qtbot.waitSignal(room.bridge.mcp_changed):
        desk.restart_failed_mcp()
    assert "figma (starting)" in _texts(tray.mcp)
    tray.mcp.manage.trigger()
    assert opened == ["mcp"]
