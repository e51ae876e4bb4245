"""The editors fit on the screen: what has no room scrolls, and the buttons stay in sight."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from gui.dialogs.editor import EditorDialog
from gui.theme import Theme
from tests.gui.acting import press


class _Long(EditorDialog):
    """Asks for more than a screen holds, and takes none of it."""

    def __init__(self, theme: Theme, parent: QWidget, lines: int) -> None:
        super().__init__(theme, "Many lines", parent)
        self.lines: list[QLineEdit] = [self.line(f"Line {n}", hint="A hint.") for n in range(lines)]

    def save(self) -> bool:
        """Finds fault with the last line."""
        self.complain("Missing", "Fill the last line.", self.lines[-1])
        return False


def _opened(qtbot: QtBot, theme: Theme, parent: QWidget, lines: int) -> _Long:
    dialog = _Long(theme, parent, lines)
    with qtbot.waitActive(dialog):
        dialog.open()
        dialog.activateWindow()
    return dialog


def test_an_editor_with_room_shows_all_of_its_contents(qtbot: QtBot, theme: Theme, parent: QWidget):
    dialog = _opened(qtbot, theme, parent, 5)
    assert not dialog.area.verticalScrollBar().isVisible()
    assert not dialog.lines[-1].visibleRegion().isEmpty()


def test_an_editor_larger_than_the_screen_scrolls_to_what_is_wrong(
    qtbot: QtBot, theme: Theme, parent: QWidget
):
    dialog = _opened(qtbot, theme, parent, 40)
    assert dialog.frameGeometry().height() <= dialog.screen().availableGeometry().height()
    assert not dialog.save_button.visibleRegion().isEmpty()
    assert dialog.lines[-1].visibleRegion().isEmpty()
    press(dialog.save_button)
    qtbot.waitUntil(lambda: not dialog.lines[-1].visibleRegion().isEmpty())
    assert not dialog.area.horizontalScrollBar().isVisible()
