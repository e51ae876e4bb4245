"""The tab of the rules: one table in the order they are looked at, and the chosen rule with what is wrong."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QStackedWidget, QVBoxLayout, QWidget

from gui.dialogs.rule_dialog import RuleDialog
from gui.dialogs.rule_files import ExportDialog, ImportDialog, RulesTextDialog
from gui.models.permissions import RulesModel, rule_key
from gui.models.value_table import ChosenKey
from gui.pages.page import Room
from gui.permission_desk import Effect, RuleView
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import Banner, EmptyState, row
from gui.widgets.data_table import DataTable
from gui.widgets.text import label, selectable
from gui.widgets.undo_bar import UndoBar
from gui.wording import visible

_ORDER = (
    "Looked at from top to bottom: deny rules first, then ask, then allow. The first that matches decides."
)
_HIGH = 380


class RulesTab(QWidget):
    """Shows, adds, changes, imports and exports rules."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self._room = room
        theme = room.theme
        self.setAccessibleName("Rules")
        self.model = RulesModel()
        self.add = button(theme, "Add rule…", icon="add", kind="primary", on_click=self.open_add)
        self.as_text = button(theme, "Edit as text…", icon="text", on_click=self.open_text)
        self.take_in = button(theme, "Import from Claude Code…", icon="import", on_click=self.open_import)
        self.give_out = button(theme, "Export…", icon="export", on_click=self.open_export)
        self.undo = UndoBar(theme)
        self.refused = Banner(theme, "Not changed")
        self.table = DataTable(theme, "Rules", self.model)
        self.table.set_widths((80, 170, 150, 84, 72, 160), flexible=2)
        self.empty_add = button(theme, "Add a rule", icon="add", kind="primary", on_click=self.open_add)
        self.empty = EmptyState(
            theme,
            "tools",
            "No rule yet",
            "The mode decides alone. A rule such as Bash(npm test) lets what you trust through unasked.",
            self.empty_add,
        )
        self.stack = QStackedWidget()
        self.stack.setAccessibleName("Rules or a hint")
        self.stack.addWidget(self.table)
        self.stack.addWidget(self.empty)
        self.card = self._card()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.m, 0, 0)
        layout.setSpacing(SPACE.m)
        self.order = label(_ORDER, kind="caption", wraps=True)
        layout.addLayout(row(self.add, self.as_text, self.take_in, self.give_out, None, spacing=SPACE.xs))
        layout.addWidget(self.order)
        layout.addWidget(self.undo)
        layout.addWidget(self.refused)
        layout.addWidget(self.stack, 1)
        layout.addWidget(self.card)
        self._key = ChosenKey()
        room.bridge.permissions_changed.connect(self.refresh)
        self.table.chosen.connect(self._show_chosen)
        self.table.opened.connect(self.open_edit)
        self.table.remove_asked.connect(self.remove_chosen)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leaves to the table what stands there too, where the window is low."""
        super().resizeEvent(event)
        for part in (self.order, self.meaning, self.source):
            part.setVisible(self.height() > _HIGH)

    def refresh(self) -> None:
        """Shows the rules the desk has now, and stays with the chosen one."""
        rules = self._room.desk.rules()
        self.model.show(rules)
        self.stack.setCurrentWidget(self.table if rules else self.empty)
        if rules:
            self.table.choose_row(self._key.row_in(self.model))
        self._show_chosen()

    def chosen(self) -> RuleView | None:
        """Returns the chosen rule."""
        value = self.table.current_value()
        return value if isinstance(value, RuleView) else None

    def open_add(self) -> None:
        """Opens the builder for a new rule."""
        self.open_add_with("")

    def open_add_with(self, text: str) -> None:
        """Opens the builder for a new allow rule that begins as this text."""
        dialog = RuleDialog(self._room.theme, self._room.desk, self, text=text)
        dialog.saved.connect(self._on_saved)
        dialog.open()

    def open_edit(self) -> None:
        """Opens the builder for the chosen rule."""
        rule = self.chosen()
        if rule is not None and rule.is_exception:
            self.open_text()
        elif rule is not None and rule.can_change:
            dialog = RuleDialog(
                self._room.theme, self._room.desk, self, effect=rule.effect, text=rule.text, replaces=rule
            )
            dialog.saved.connect(self._on_saved)
            dialog.open()

    def open_text(self) -> None:
        """Opens the rules as JSON."""
        RulesTextDialog(self._room.theme, self._room.desk, self).open()

    def open_import(self) -> None:
        """Opens the import of a Claude Code file."""
        ImportDialog(self._room.theme, self._room.desk, self).open()

    def open_export(self) -> None:
        """Opens the export into a Claude Code file."""
        ExportDialog(self._room.theme, self._room.desk, self).open()

    def remove_chosen(self) -> None:
        """Takes the chosen rule out and offers it back."""
        rule = self.chosen()
        if rule is None or not rule.can_change or rule.is_exception:
            return
        desk = self._room.desk
        self.undo.tell_removal(
            rule.text,
            desk.remove_rule(rule),
            f"Removed the {rule.effect} rule {visible(rule.text)}.",
            lambda: desk.save_rule(rule.effect, rule.text),
        )

    def _card(self) -> QFrame:
        theme = self._room.theme
        card = QFrame()
        card.setProperty("kind", "card")
        card.setAccessibleName("Chosen rule")
        self.rule_text = selectable(label(kind="mono", wraps=True))
        self.meaning = label(wraps=True)
        self.source = label(kind="caption", wraps=True)
        self.warning = Banner(theme, "Warning about the rule")
        self.edit = button(theme, "Edit…", icon="edit", on_click=self.open_edit)
        self.remove = button(theme, "Remove", icon="remove", on_click=self.remove_chosen)
        said = QVBoxLayout()
        said.setSpacing(SPACE.xs)
        for part in (self.rule_text, self.meaning, self.source):
            said.addWidget(part)
        line = row(spacing=SPACE.s)
        line.addLayout(said, 1)
        line.addWidget(self.edit)
        line.addWidget(self.remove)
        layout = QVBoxLayout(card)
        layout.setContentsMargins(SPACE.l, SPACE.m, SPACE.l, SPACE.m)
        layout.setSpacing(SPACE.s)
        layout.addLayout(line)
        layout.addWidget(self.warning)
        return card

    def _show_chosen(self) -> None:
        rule = self.chosen()
        self.card.setVisible(rule is not None)
        if rule is None:
            return
        self._key.shown = rule_key(rule)
        effect = "deny except" if rule.is_exception else rule.effect
        self.rule_text.setText(f"{effect}  {visible(rule.text)}")
        self.meaning.setText(rule.meaning)
        where = "from our settings" if rule.can_change else f"from {rule.source}; change it there"
        self.source.setText(f"{where[0].upper()}{where[1:]}.")
        self.edit.setEnabled(rule.can_change)
        self.remove.setEnabled(rule.can_change and not rule.is_exception)
        if rule.warning is None:
            self.warning.hide()
            return
        fix = rule.fix
        actions = ((f"Change to {fix}", self._fix),) if fix is not None and rule.can_change else ()
        self.warning.say("warn", rule.warning, actions=actions, can_close=False)

    def _fix(self) -> None:
        rule = self.chosen()
        if rule is None or rule.fix is None:
            return
        refusal = self._room.desk.save_rule(rule.effect, rule.fix, replaces=rule)
        if refusal is not None:
            self.refused.say("danger", "Not changed", refusal)
            return
        self._on_saved(rule.effect, rule.fix)

    def _on_saved(self, effect: Effect, text: str) -> None:
        self.refused.hide()
        self._key.expected = f"{effect} {text} settings"
        self.refresh()
