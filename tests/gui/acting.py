"""Acting as a user does: pressing buttons, typing, and reading what a dialog shows."""

from __future__ import annotations

from typing import Any, TypeVar

from PySide6.QtCore import QModelIndex, Qt, SignalInstance
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.data_table import DataTable

D = TypeVar("D", bound=QDialog)
W = TypeVar("W", bound=QWidget)


def shown(qtbot: QtBot, page: W, width: int, height: int) -> W:
    """Shows a page alone, and returns it."""
    qtbot.addWidget(page)
    page.resize(width, height)
    with qtbot.waitExposed(page):
        page.show()
    return page


def active(qtbot: QtBot, widget: W, width: int, height: int) -> W:
    """Shows a widget alone, with the keyboard in its window, and returns it."""
    qtbot.addWidget(widget)
    widget.resize(width, height)
    with qtbot.waitActive(widget):
        widget.show()
        widget.activateWindow()
    return widget


def heard(signal: SignalInstance) -> list[tuple[Any, ...]]:
    """Returns a list that grows with what a signal says."""
    told: list[tuple[Any, ...]] = []

    def note(*said: Any) -> None:
        told.append(said)

    signal.connect(note)
    return told


def key(
    widget: QWidget, which: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    """Presses a key."""
    QTest.keyClick(widget, which, modifier)


def type_into(widget: QWidget, text: str) -> None:
    """Types a text."""
    QTest.keyClicks(widget, text)


def press(button: QAbstractButton) -> None:
    """Clicks a button that a user could click."""
    assert button.isVisible(), f"{button.accessibleName()} is not on screen"
    assert button.isEnabled(), f"{button.accessibleName()} is disabled"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def write(field: QWidget, text: str) -> None:
    """Replaces what stands in a field."""
    key(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    type_into(field, text)


def press_named(qtbot: QtBot, parent: QWidget, name: str) -> None:
    """Clicks the visible button with this name."""

    def visible() -> list[QAbstractButton]:
        buttons = parent.findChildren(QAbstractButton)
        return [b for b in buttons if b.accessibleName() == name and b.isVisible()]

    qtbot.waitUntil(lambda: bool(visible()))
    press(visible()[0])


def click_cell(table: DataTable, row: int, column: int = 0) -> None:
    """Clicks into a table."""
    index = table.model().index(row, column, QModelIndex())
    QTest.mouseClick(
        table.viewport(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        table.visualRect(index).center(),
    )


def dialog_of(kind: type[D]) -> D:
    """Returns the open dialog of a kind."""
    found = [w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible()]
    assert found, f"no open {kind.__name__}"
    return found[-1]
