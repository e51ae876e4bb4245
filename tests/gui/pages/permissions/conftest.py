"""The page Tools & permissions on a desk in use, or on an empty one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from gui.pages.page import Room
from gui.pages.permissions.page import PermissionsPage
from tests.gui.acting import shown
from tests.gui.fake_desk import FakeDesk


@pytest.fixture
def show(qtbot: QtBot, make_room: Callable[[FakeDesk], Room]) -> Callable[[FakeDesk], PermissionsPage]:
    return lambda desk: shown(qtbot, PermissionsPage(make_room(desk)), 960, 720)


@pytest.fixture
def page(show: Callable[[FakeDesk], PermissionsPage], desk: FakeDesk) -> PermissionsPage:
    return show(desk)
