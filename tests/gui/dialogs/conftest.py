"""What tests of several dialogs share."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    """The window below a dialog."""
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made
