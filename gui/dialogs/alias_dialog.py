"""The editor of an alias: its name, the client names it answers to, and who serves it, best first."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui.desk import AliasView, CandidateView, Desk
from gui.dialogs.editor import EditorDialog
from gui.spending import DearerView
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import Banner, row
from gui.widgets.fields import CheckBox, ChoiceBox
from gui.widgets.text import label

_DEARER_HINT = (
    "When those before it fail, a candidate whose list price is above the first one’s may serve too. "
    "Without the tick it is skipped; one whose price nobody knows is not."
)


class CandidateRow:
    """The widgets of one candidate: its place, provider, model, and the buttons that move or drop it."""

    def __init__(self, editor: CandidatesEditor, candidate: CandidateView) -> None:
        self.place = label(kind="muted")
        self.provider = ChoiceBox(editor.theme, "Provider")
        names = list(editor.provider_names)
        if candidate.provider and candidate.provider not in names:
            names.append(candidate.provider)
        self.provider.addItems(names)
        self.provider.setCurrentText(candidate.provider)
        self.model = QLineEdit(candidate.model)
        self.model.setPlaceholderText("the provider’s name of the model")
        self.up = button(editor.theme, "", icon="up", kind="flat", name="Move up")
        self.down = button(editor.theme, "", icon="down", kind="flat", name="Move down")
        self.drop = button(editor.theme, "", icon="close", kind="flat", name="Remove")
        self.up.clicked.connect(lambda: editor.move_row(self, -1))
        self.down.clicked.connect(lambda: editor.move_row(self, +1))
        self.drop.clicked.connect(lambda: editor.drop_row(self))

    @property
    def parts(self) -> tuple[QLabel | ChoiceBox | QLineEdit | QPushButton, ...]:
        """Its widgets, left to right."""
        return (self.place, self.provider, self.model, self.up, self.down, self.drop)

    def value(self) -> CandidateView:
        """Returns what was typed."""
        return CandidateView(self.provider.currentText(), self.model.text().strip())


class CandidatesEditor(QWidget):
    """An ordered list of (provider, model)."""

    changed = Signal()
    """What `value` returns may be another."""

    def __init__(self, theme: Theme, provider_names: tuple[str, ...]) -> None:
        super().__init__()
        self.theme = theme
        self.provider_names = provider_names
        self.setAccessibleName("Candidates")
        self.rows: list[CandidateRow] = []
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACE.xs)
        self._grid.setVerticalSpacing(SPACE.s)
        self._grid.setColumnStretch(2, 1)
        self.add = button(theme, "Add a candidate", icon="add", kind="link", on_click=self.add_empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE.s)
        layout.addLayout(self._grid)
        layout.addLayout(row(self.add, None))

    def add_row(self, candidate: CandidateView) -> CandidateRow:
        """Adds a candidate at the end."""
        made = CandidateRow(self, candidate)
        self.rows.append(made)
        made.provider.currentTextChanged.connect(self.changed)
        made.model.textChanged.connect(self.changed)
        self._lay_out()
        return made

    def add_empty(self) -> None:
        """Adds an empty candidate and puts the cursor into it."""
        first = self.provider_names[0] if self.provider_names else ""
        self.add_row(CandidateView(first, "")).model.setFocus()

    def move_row(self, moved: CandidateRow, by: int) -> None:
        """Moves a candidate up or down."""
        old = self.rows.index(moved)
        new = min(max(old + by, 0), len(self.rows) - 1)
        self.rows.insert(new, self.rows.pop(old))
        self._lay_out()
        (moved.up if by < 0 else moved.down).setFocus()

    def drop_row(self, dropped: CandidateRow) -> None:
        """Takes a candidate out."""
        self.rows.remove(dropped)
        for part in dropped.parts:
            self._grid.removeWidget(part)
            part.hide()
            part.deleteLater()
        self._lay_out()

    def value(self) -> tuple[CandidateView, ...]:
        """Returns the candidates that have a model, best first."""
        typed = (one.value() for one in self.rows)
        return tuple(candidate for candidate in typed if candidate.model)

    def _lay_out(self) -> None:
        previous: QWidget | None = None
        for number, one in enumerate(self.rows, start=1):
            one.place.setText(f"{number}.")
            one.provider.setAccessibleName(f"Provider of candidate {number}")
            one.model.setAccessibleName(f"Model of candidate {number}")
            one.up.setAccessibleName(f"Move candidate {number} up")
            one.down.setAccessibleName(f"Move candidate {number} down")
            one.drop.setAccessibleName(f"Remove candidate {number}")
            one.up.setEnabled(number > 1)
            one.down.setEnabled(number < len(self.rows))
            for column, part in enumerate(one.parts):
                self._grid.removeWidget(part)
                self._grid.addWidget(part, number, column)
                if previous is not None:
                    QWidget.setTabOrder(previous, part)
                previous = part
        self.changed.emit()


class AliasDialog(EditorDialog):
    """Adds an alias, or changes the one it is given."""

    saved = Signal(str)

    def __init__(self, theme: Theme, desk: Desk, parent: QWidget, alias: AliasView | None = None) -> None:
        super().__init__(theme, "Edit alias" if alias else "Add an alias", parent)
        self.setMinimumWidth(600)
        self._desk = desk
        self._replaces = alias.name if alias else None
        self.name = self.line("Alias", alias.name if alias else "", placeholder="for example big")
        self.match = QPlainTextEdit()
        self.match.setProperty("kind", "input")
        self.match.setAccessibleName("Answers to")
        self.match.setPlaceholderText("claude-*opus*")
        self.match.setTabChangesFocus(True)
        self.match.setFixedHeight(self.match.fontMetrics().lineSpacing() * 4 + 18)
        self.match.setPlainText("\n".join(alias.match) if alias else "")
        self.add_row(
            "Answers to",
            self.match,
            "One pattern a line; * stands for anything. The alias’s own name always counts.",
        )
        self.candidates = CandidatesEditor(theme, tuple(p.name for p in desk.providers()))
        for candidate in alias.candidates if alias else ():
            self.candidates.add_row(candidate)
        if not self.candidates.rows:
            self.candidates.add_empty()
        self.middle.addWidget(label("Served by, best first", kind="strong"))
        self.middle.addWidget(self.candidates)
        self.may_be_dearer = CheckBox(theme, "May fall back to dearer models")
        self.may_be_dearer.setChecked(alias is not None and alias.falls_back_to_dearer)
        self.may_be_dearer.setAccessibleDescription(_DEARER_HINT)
        self.middle.addWidget(self.may_be_dearer)
        self.middle.addWidget(label(_DEARER_HINT, kind="caption", wraps=True))
        self.dearer = Banner(theme, "Dearer candidates")
        self._told: tuple[DearerView, ...] = ()
        self.middle.addWidget(self.dearer)
        self.middle.addStretch(1)
        self.candidates.changed.connect(self.tell_dearer)
        self.may_be_dearer.toggled.connect(self.tell_dearer)
        self.tell_dearer()
        self.name.setFocus()

    def save(self) -> bool:
        """Hands the alias to the desk."""
        name = self.name.text().strip()
        if not name:
            self.complain("A name is missing", "Give the alias a short name, such as big.", self.name)
            return False
        alias = self._typed()
        if not alias.candidates:
            self.complain("Nobody serves it", "Add at least one candidate with a model name.")
            return False
        refusal = self._desk.save_alias(alias, replaces=self._replaces)
        if refusal is not None:
            self.complain("Not saved", refusal)
            return False
        self.saved.emit(name)
        return True

    def _typed(self) -> AliasView:
        patterns = tuple(line.strip() for line in self.match.toPlainText().splitlines() if line.strip())
        return AliasView(
            self.name.text().strip(), patterns, self.candidates.value(), self.may_be_dearer.isChecked()
        )

    def tell_dearer(self) -> None:
        """Says which candidates would be skipped, when that has become another answer."""
        alias = self._typed()
        dearer = self._desk.dearer(alias, replaces=self._replaces)
        told = () if alias.falls_back_to_dearer else dearer
        if told == self._told:
            return
        self._told = told
        if not told:
            self.dearer.hide()
            return
        lines = [
            f"{each.candidate} costs more than {each.than} and would be skipped "
            f"({each.costs} against {each.first_costs})."
            for each in told
        ]
        self.dearer.say("warn", "Too dear to fall back to", "\n".join(lines), can_close=False)
