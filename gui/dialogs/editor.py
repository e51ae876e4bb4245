"""What the editors share: a form, a line for what is wrong, Cancel and Save."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QFormLayout, QLabel, QLayout, QLineEdit, QVBoxLayout, QWidget

from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import Banner, row, scrolling
from gui.widgets.text import label, name_structure, set_look

_LABEL_DROP = 6
"""Brings a title level with the text in the field beside it."""


class EditorDialog(QDialog):
    """A form that stays open until what was typed is taken; subclasses say how it is saved."""

    def __init__(self, theme: Theme, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setMinimumWidth(520)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._holders: dict[QWidget, QWidget] = {}
        self._hints: dict[QWidget, QLabel] = {}
        self.banner = Banner(theme, "What is wrong")
        self.form = QFormLayout()
        self.form.setHorizontalSpacing(SPACE.l)
        self.form.setVerticalSpacing(SPACE.m)
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.save_button = button(theme, "Save", kind="primary", on_click=self._on_save)
        self.save_button.setDefault(True)
        self.cancel_button = button(theme, "Cancel", on_click=self.reject)
        self.middle = QVBoxLayout()
        self.middle.setSpacing(SPACE.m)
        inner = QWidget()
        inner.setAccessibleName(title)
        self._inside = QVBoxLayout(inner)
        self._inside.setContentsMargins(0, 0, 0, 0)
        self._inside.setSpacing(SPACE.l)
        self._inside.addLayout(self.form)
        self._inside.addLayout(self.middle, 1)
        self.area = scrolling(inner, f"{title}, contents")
        self._outer = layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE.xl, SPACE.l + 2, SPACE.xl, SPACE.l + 2)
        layout.setSpacing(SPACE.l)
        layout.addWidget(label(title, kind="heading"))
        layout.addWidget(self.banner)
        layout.addWidget(self.area, 1)
        layout.addLayout(row(None, self.cancel_button, self.save_button))
        inner.installEventFilter(self)

    def open(self) -> None:
        """Shows the dialog without blocking."""
        name_structure(self)
        self.ensurePolished()
        self._grow()  # before Qt looks for a place where all of it is on the screen
        super().open()

    def event(self, event: QEvent) -> bool:
        """Grows with what is in it: Qt neither does so nor heeds how high texts are that wrap."""
        is_handled = super().event(event)
        if event.type() in {QEvent.Type.LayoutRequest, QEvent.Type.Show}:
            self._grow()
        return is_handled

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hears that the contents need another size: a scroll area keeps that to itself."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._grow()
        return super().eventFilter(watched, event)

    def _grow(self) -> None:
        """Shows the contents whole where the screen has room; where it has not, they scroll."""
        screen = self.screen().availableGeometry().size()
        frame = self.frameGeometry().size() - self.size()
        margins = self._outer.contentsMargins()
        beside = margins.left() + margins.right()
        most = screen - frame
        bar = self.area.verticalScrollBar().sizeHint().width()
        least = self._inside.totalMinimumSize().width() + bar
        self.area.setMinimumWidth(min(least, most.width() - beside))
        width = max(self.width(), self._outer.totalMinimumSize().width())
        around = _height(self._outer, width) - self.area.sizeHint().height()
        needed = around + _height(self._inside, width - beside)
        self.resize(width, min(max(self.height(), needed), most.height()))

    def line(self, title: str, text: str = "", *, placeholder: str = "", hint: str = "") -> QLineEdit:
        """Adds a line to the form, with a hint under it."""
        made = QLineEdit(text)
        made.setAccessibleName(title)
        made.setPlaceholderText(placeholder)
        made.textEdited.connect(lambda: set_look(made, "wrong", "false"))
        self.add_row(title, made, hint)
        return made

    def add_row(self, title: str, field: QWidget, hint: str = "") -> None:
        """Adds a field to the form, with a hint under it."""
        words = label(title)
        words.setBuddy(field)
        words.setContentsMargins(0, _LABEL_DROP, 0, 0)
        words.setAlignment(Qt.AlignmentFlag.AlignTop)
        holder = QWidget()
        holder.setAccessibleName(f"{title}, with its hint")
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE.xs)
        layout.addWidget(field)
        if hint:
            self._hints[field] = label(hint, kind="caption", wraps=True)
            layout.addWidget(self._hints[field])
        self._holders[field] = holder
        self.form.addRow(words, holder)

    def set_hint(self, field: QWidget, hint: str) -> None:
        """Changes the hint under a field that has one."""
        self._hints[field].setText(hint)

    def show_row(self, field: QWidget, *, is_shown: bool) -> None:
        """Shows or hides a field with its title and hint."""
        self.form.setRowVisible(self._holders[field], is_shown)
        self.adjustSize()

    def complain(self, title: str, text: str, field: QLineEdit | None = None) -> None:
        """Says what is wrong and puts the cursor there."""
        self.banner.say("danger", title, text)
        if field is not None:
            set_look(field, "wrong", "true")
            field.setFocus()

    def save(self) -> bool:
        """Hands what was typed to the desk; returns whether it was taken."""
        raise NotImplementedError

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Saves on Ctrl+Enter wherever the cursor is."""
        is_enter = event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}
        if is_enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._on_save()
            return
        super().keyPressEvent(event)

    def _on_save(self) -> None:
        if self.save():
            self.accept()


def _height(layout: QLayout, width: int) -> int:
    return (
        layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.totalSizeHint().height()
    )
