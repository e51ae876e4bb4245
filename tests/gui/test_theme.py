"""The theme dresses the application and says when colours are new."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from gui.icons import set_icon
from gui.pages.models import ModelsPage
from gui.pages.page import Room
from gui.theme import Theme
from gui.tokens import DARK, LIGHT
from tests.gui.acting import active


def test_choosing_dark_changes_palette_and_style_sheet_and_says_so(
    qapp: QApplication, qtbot: QtBot, theme: Theme
):
    with qtbot.waitSignal(theme.changed):
        theme.choose("dark")
    assert theme.is_dark
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == DARK.window
    assert DARK.accent in qapp.styleSheet()
    assert LIGHT.window not in qapp.styleSheet()


def test_the_same_choice_twice_says_nothing(qtbot: QtBot, theme: Theme):
    with qtbot.assertNotEmitted(theme.changed):
        theme.choose("light")


def test_an_unknown_choice_follows_the_desktop(qapp: QApplication, theme: Theme):
    theme.choose("sepia")
    assert theme.setting == "system"
    assert theme.is_dark == (qapp.styleHints().colorScheme() == Qt.ColorScheme.Dark)


def test_the_ring_of_a_focused_table_is_whole(qtbot: QtBot, room: Room):
    page = active(qtbot, ModelsPage(room), 700, 400)
    page.table.setFocus()
    qtbot.waitUntil(page.table.hasFocus)
    image = page.table.grab().toImage()
    middle = range(20, image.height() - 20)
    assert {image.pixelColor(x, y).name() for x in (0, 1) for y in middle} == {LIGHT.accent}


def test_icons_are_redrawn_in_the_new_colours(qtbot: QtBot, theme: Theme):
    button = QPushButton()
    qtbot.addWidget(button)
    set_icon(button, "stop", theme)
    before = button.icon().pixmap(16).toImage().pixelColor(8, 8).name()
    theme.choose("dark")
    after = button.icon().pixmap(16).toImage().pixelColor(8, 8).name()
    assert (before, after) == (LIGHT.text, DARK.text)
