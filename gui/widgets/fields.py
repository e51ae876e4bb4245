"""Fields the user types into: search, choice, the secret key."""

from __future__ import annotations

from pydantic import SecretStr
from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QGuiApplication, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QStyle,
    QStyleOptionButton,
    QWidget,
)

from gui.icons import pixmap, set_icon
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.text import plain

_TYPING_MS = 150


class SearchField(QLineEdit):
    """Filters while the user types; Esc clears it."""

    searched = Signal(str)

    def __init__(self, theme: Theme, name: str, placeholder: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setPlaceholderText(placeholder)
        self.setClearButtonEnabled(True)
        action = QAction(name, self)
        set_icon(action, "search", theme, role="muted")
        self.addAction(action, QLineEdit.ActionPosition.LeadingPosition)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_TYPING_MS)
        self._timer.timeout.connect(self._search)
        self.textChanged.connect(self._on_text_changed)
        self.returnPressed.connect(self._search)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Clears the field on Esc; an empty field leaves Esc to others."""
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            self._search()
            return
        super().keyPressEvent(event)

    def _on_text_changed(self) -> None:
        self._timer.start()

    def _search(self) -> None:
        self._timer.stop()
        self.searched.emit(self.text())


class ChoiceBox(QComboBox):
    """A choice of few words; draws its own arrow, which the style sheet takes away."""

    def __init__(self, theme: Theme, name: str, *, letters: int | None = None) -> None:
        """Makes an empty box.

        Args:
            theme: Colours its arrow.
            name: What a screen reader says.
            letters: Its width, where names of any length may stand in it; as wide as its words otherwise.
        """
        super().__init__()
        self._theme = theme
        self.setAccessibleName(name)
        if letters is not None:
            self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            self.setMinimumContentsLength(letters)
        self.view().setAccessibleName(f"{name}, choices")
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws the arrow over the box."""
        super().paintEvent(event)
        painter = QPainter(self)
        role = "text" if self.isEnabled() else "muted"
        size = self._theme.px(14)
        arrow = pixmap("chevron", self._theme.color(role), size, self.devicePixelRatioF())
        painter.drawPixmap(self.width() - size - 8, (self.height() - size) // 2, arrow)
        painter.end()

    def sizeHint(self) -> QSize:
        """Returns a size with room for the arrow."""
        hint = super().sizeHint()
        return QSize(hint.width() + self._theme.px(18), hint.height())


class CheckBox(QCheckBox):
    """A box to tick; draws its own tick, which the style sheet takes away."""

    def __init__(self, theme: Theme, text: str, name: str | None = None) -> None:
        super().__init__(plain(text))
        self._theme = theme
        self.setAccessibleName(name or text)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws the tick into the box."""
        super().paintEvent(event)
        if not self.isChecked():
            return
        option = QStyleOptionButton()
        self.initStyleOption(option)
        box = self.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self)
        painter = QPainter(self)
        size = self._theme.px(13)
        tick = pixmap("check", self._theme.color("on_accent"), size, self.devicePixelRatioF())
        painter.drawPixmap(box.center().x() - size // 2, box.center().y() - size // 2, tick)
        painter.end()


class KeyField(QWidget):
    """Takes a secret: masked while typed or pasted, handed over once, never shown again."""

    entered = Signal(object)
    """The key, as a SecretStr."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName("Key entry")
        self.line = QLineEdit()
        self.line.setEchoMode(QLineEdit.EchoMode.Password)
        self.line.setAccessibleName("New key")
        self.line.setPlaceholderText("Paste or type the key")
        self.line.setInputMethodHints(
            Qt.InputMethodHint.ImhHiddenText
            | Qt.InputMethodHint.ImhNoPredictiveText
            | Qt.InputMethodHint.ImhNoAutoUppercase
            | Qt.InputMethodHint.ImhSensitiveData
        )
        self.line.textChanged.connect(self._on_text_changed)
        self.line.returnPressed.connect(self._hand_over)
        self._paste = button(theme, "", icon="paste", name="Paste the key", on_click=self.paste)
        self.save = button(theme, "Save key", kind="primary", on_click=self._hand_over)
        self.save.setEnabled(False)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE.s)
        layout.addWidget(self.line, 1)
        layout.addWidget(self._paste)
        layout.addWidget(self.save)

    def paste(self) -> None:
        """Takes the key from the clipboard, without blanks around it."""
        self.line.setText(QGuiApplication.clipboard().text().strip())
        self.line.setFocus()

    def clear(self) -> None:
        """Forgets what was typed."""
        self.line.clear()

    def _on_text_changed(self, text: str) -> None:
        self.save.setEnabled(bool(text.strip()))

    def _hand_over(self) -> None:
        key = self.line.text().strip()
        self.line.clear()
        if key:
            self.entered.emit(SecretStr(key))
