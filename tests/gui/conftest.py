"""The window's fixtures: a list-backed desk, the bridge that hears it, and what pages are given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.bridge import Bridge
from gui.main_window import MainWindow
from gui.pages.page import Room
from gui.permission_desk import ApprovalView
from gui.theme import Theme
from tests.gui.fake_desk import FakeDesk
from tests.gui.real_desktop import private_bus
from tests.gui.scenes import full_desk

# The offscreen platform says so of windows with a least size, of raising them, and of tray icons.
OFFSCREEN_NOISE = "This plugin does not support (propagateSizeHints|raise)|systemTrayWindowChanged"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets the offscreen platform's own remark pass; every other Qt warning fails the test."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore(OFFSCREEN_NOISE, extend=True))


@pytest.fixture
def desk() -> FakeDesk:
    """The desk of a program in use."""
    return full_desk()


@pytest.fixture
def empty_desk() -> FakeDesk:
    """The desk of a fresh installation."""
    return FakeDesk()


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """The light theme. The style sheet stays on: Qt 6.12 crashes when it is taken off and on."""
    made = Theme(qapp, "light")
    yield made
    made.choose("system")
    made.deleteLater()


@pytest.fixture
def large_text(qapp: QApplication) -> Iterator[None]:
    """The desktop's font is twice as large; ask for it before anything that shows words."""
    before = qapp.font()
    large = QFont(before)
    large.setPointSizeF(before.pointSizeF() * 2)
    qapp.setFont(large)
    yield
    qapp.setFont(before)


@pytest.fixture
def make_room(theme: Theme) -> Iterator[Callable[[FakeDesk], Room]]:
    """Gives a desk what a page needs around it."""
    bridges: list[Bridge] = []

    def make(desk: FakeDesk) -> Room:
        bridges.append(Bridge(desk))
        return Room(desk, bridges[-1], theme)

    yield make
    for bridge in bridges:
        bridge.close()


@pytest.fixture
def room(make_room: Callable[[FakeDesk], Room], desk: FakeDesk) -> Room:
    """What a page of a program in use is given."""
    return make_room(desk)


@pytest.fixture
def ask(qtbot: QtBot, room: Room, desk: FakeDesk) -> Callable[..., None]:
    """Lets calls wait."""

    def ask_for(*views: ApprovalView) -> None:
        with qtbot.waitSignal(room.bridge.approvals_changed):
            desk.ask(*views)

    return ask_for


@pytest.fixture
async def bus() -> AsyncIterator[str]:
    """A private session bus."""
    async with private_bus() as address:
        yield address


@pytest.fixture
def store(tmp_path: Path) -> QSettings:
    """An empty place for the window's shape."""
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


class Screen:
    """A tray that can come and go."""

    has_tray = True


@pytest.fixture
def screen() -> Screen:
    """Whether there is a tray."""
    return Screen()


@pytest.fixture
def make_window(qtbot: QtBot, store: QSettings, screen: Screen) -> Callable[[Room], MainWindow]:
    """Shows a window on a room."""

    def make(room: Room) -> MainWindow:
        window = MainWindow(room, store, has_tray=lambda: screen.has_tray, version="1.2.3")
        qtbot.addWidget(window, before_close_func=lambda _window: window.allow_close())
        with qtbot.waitExposed(window):
            window.show()
        return window

    return make


@pytest.fixture
def window(make_window: Callable[[Room], MainWindow], room: Room) -> MainWindow:
    """The window of a program in use."""
    return make_window(room)
