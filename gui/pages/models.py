"""Models: which names clients may ask for, who serves them, and what a name would resolve to."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QStackedWidget

from gui.desk import AliasView
from gui.dialogs.alias_dialog import AliasDialog
from gui.models.aliases import AliasesModel
from gui.models.value_table import ChosenKey
from gui.pages.page import Page, Room
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import EmptyState
from gui.widgets.data_table import DataTable
from gui.widgets.shape import Shape
from gui.widgets.text import label, set_tone
from gui.widgets.undo_bar import UndoBar


class ResolveRow(QFrame):
    """A line to type a model name into, and the sentence that says who would serve it."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self._room = room
        self.setProperty("kind", "card")
        self.setAccessibleName("Try a model name")
        self.field = QLineEdit()
        self.field.setAccessibleName("Model name to try")
        self.field.setPlaceholderText("for example claude-sonnet-4-5")
        self.field.setFixedWidth(260)
        self.field.textChanged.connect(self.refresh)
        words = label("Try a name")
        words.setBuddy(self.field)
        self._shape = Shape(room.theme, "ok", role="ok", size=16)
        self._shape.hide()
        self.answer = label("Type what a client would ask for.", kind="muted", wraps=True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE.l, SPACE.m, SPACE.l, SPACE.m)
        layout.setSpacing(SPACE.s)
        layout.addWidget(words)
        layout.addSpacing(SPACE.xs)
        layout.addWidget(self.field)
        layout.addSpacing(SPACE.s)
        layout.addWidget(self._shape, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.answer, 1)

    def refresh(self) -> None:
        """Asks the desk again; the aliases may have changed."""
        name = self.field.text().strip()
        self._shape.setVisible(bool(name))
        if not name:
            self.answer.setText("Type what a client would ask for.")
            set_tone(self.answer, "neutral")
            return
        found = self._room.desk.resolve(name)
        self.answer.setText(found.text)
        tone = "neutral" if found.is_served else "danger"
        set_tone(self.answer, tone)
        self._shape.show_icon("ok" if found.is_served else "error", "ok" if found.is_served else "danger")
        self._shape.setAccessibleName("Served" if found.is_served else "Not served")


class ModelsPage(Page):
    """The table of aliases, its editor, and the line that tries a name."""

    def __init__(self, room: Room) -> None:
        super().__init__(
            room, "Models", "An alias stands for a model: clients keep asking for the names they know."
        )
        theme = room.theme
        self.model = AliasesModel()
        self.edit = button(theme, "Edit", icon="edit", on_click=self.open_edit)
        self.remove = button(theme, "Remove", icon="remove", on_click=self.remove_chosen)
        self.add = button(theme, "Add alias", icon="add", kind="primary", on_click=self.open_add)
        for action in (self.edit, self.remove, self.add):
            self.top_actions.addWidget(action)
        self.undo = UndoBar(theme)
        self.table = DataTable(theme, "Aliases", self.model)
        self.table.set_widths((110, 300, 300), flexible=2)
        self.empty_add = button(theme, "Add an alias", icon="add", kind="primary", on_click=self.open_add)
        self.empty = EmptyState(
            theme,
            "models",
            "No alias yet",
            "Without one, only names that a provider itself knows are served.",
            self.empty_add,
        )
        self.stack = QStackedWidget()
        self.stack.setAccessibleName("Aliases or a hint")
        self.stack.addWidget(self.table)
        self.stack.addWidget(self.empty)
        self.resolve = ResolveRow(room)
        self.body.addWidget(self.undo)
        self.body.addWidget(self.stack, 1)
        self.body.addWidget(self.resolve)
        room.bridge.aliases_changed.connect(self.refresh)
        room.bridge.providers_changed.connect(self.resolve.refresh)
        room.bridge.prices_changed.connect(self.resolve.refresh)
        self.table.chosen.connect(self._show_chosen)
        self.table.opened.connect(self.open_edit)
        self.table.remove_asked.connect(self.remove_chosen)
        self._key = ChosenKey()
        self.refresh()

    def remembered(self) -> tuple[DataTable, ...]:
        """Returns what keeps its sizes."""
        return (self.table,)

    def focus_filter(self) -> None:
        """Puts the cursor into the line that tries a name."""
        self.resolve.field.setFocus()
        self.resolve.field.selectAll()

    def chosen(self) -> AliasView | None:
        """Returns the chosen alias."""
        value = self.table.current_value()
        return value if isinstance(value, AliasView) else None

    def refresh(self) -> None:
        """Shows the aliases the desk has now."""
        aliases = self.room.desk.aliases()
        self.model.show(aliases)
        self.stack.setCurrentWidget(self.table if aliases else self.empty)
        self.add.setVisible(bool(aliases))
        if aliases:
            self.table.choose_row(self._key.row_in(self.model))
        self._show_chosen()
        self.resolve.refresh()

    def open_add(self) -> None:
        """Opens the editor for a new alias."""
        self._open(AliasDialog(self.room.theme, self.room.desk, self))

    def open_edit(self) -> None:
        """Opens the editor for the chosen alias."""
        alias = self.chosen()
        if alias is not None:
            self._open(AliasDialog(self.room.theme, self.room.desk, self, alias))

    def remove_chosen(self) -> None:
        """Removes the chosen alias and offers it back."""
        alias = self.chosen()
        if alias is None:
            return
        name = alias.name
        refusal = self.room.desk.remove_alias(name)
        self.undo.tell_removal(name, refusal, f"Removed the alias {name}.", lambda: self._restore(name))

    def _open(self, dialog: AliasDialog) -> None:
        dialog.saved.connect(self._on_saved)
        self.room.bridge.prices_changed.connect(dialog.tell_dearer)
        dialog.open()

    def _restore(self, name: str) -> str | None:
        self._key.expected = name
        return self.room.desk.restore_alias(name)

    def _on_saved(self, name: str) -> None:
        self._key.expected = name
        self.refresh()

    def _show_chosen(self) -> None:
        alias = self.chosen()
        self.edit.setEnabled(alias is not None)
        self.remove.setEnabled(alias is not None)
        if alias is not None:
            self._key.shown = alias.name
