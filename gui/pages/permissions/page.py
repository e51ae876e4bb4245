"""Tools & permissions: what tools may do, under which rules, where, and a place to try it out."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QTabWidget

from gui import permission_words as words
from gui.dialogs.bypass_dialog import BypassDialog
from gui.pages.page import Page, Room
from gui.pages.permissions.rules import RulesTab
from gui.pages.permissions.safety import SafetyTab
from gui.pages.permissions.tools import ToolsTab
from gui.pages.permissions.try_call import TryTab
from gui.pages.permissions.workspaces import WorkspacesTab
from gui.tokens import SPACE
from gui.widgets.cards import Banner, row
from gui.widgets.data_table import DataTable
from gui.widgets.fields import ChoiceBox
from gui.widgets.text import label, tip

_WHO = (
    "These rules govern every tool call that passes through Signalbox: the ones it runs itself, those of "
    "MCP servers, and, for deny rules, the ones your client runs."
)
_WIDE = 860


class PermissionsPage(Page):
    """The header with workspace and mode, and five tabs."""

    def __init__(self, room: Room) -> None:
        super().__init__(room, "Tools & permissions", _WHO)
        theme = room.theme
        self.workspace = ChoiceBox(theme, "Default workspace", letters=8)
        self.mode = ChoiceBox(theme, "Permission mode")
        for name, title, _meaning in words.MODES:
            self.mode.addItem(title, name)
        self.meaning = label(kind="muted", wraps=True)
        self.meaning.setMinimumWidth(1)
        self.broken = Banner(theme, "Rules that cannot be read")
        self.refused = Banner(theme, "Not changed")
        self.tools = ToolsTab(room)
        self.rules = RulesTab(room)
        self.trial = TryTab(room)
        self.workspaces = WorkspacesTab(room)
        self.safety = SafetyTab(room)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Tools and permissions")
        self.tabs.tabBar().setAccessibleName("Tools and permissions, tabs")
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        choices = row(label("Mode"), self.mode, SPACE.m, label("Default workspace"), self.workspace, SPACE.m)
        choices.addWidget(self.meaning, 100)
        choices.addStretch(1)
        self.body.addLayout(choices)
        self.body.addWidget(self.broken)
        self.body.addWidget(self.refused)
        # Before it is filled: with a style sheet, moving a part styles anew all that is in it already.
        self.body.addWidget(self.tabs, 1)
        for tab, title in (
            (self.tools, "Tools"),
            (self.rules, "Rules"),
            (self.trial, "Try a call"),
            (self.workspaces, "Workspaces"),
            (self.safety, "Safety"),
        ):
            self.tabs.addTab(tab, title)
        self.mode.activated.connect(self._on_mode)
        self.workspace.activated.connect(self._on_workspace)
        self.trial.rule_asked.connect(self._add_rule)
        room.bridge.permissions_changed.connect(self.refresh)
        room.bridge.workspaces_changed.connect(self.refresh)
        self.refresh()

    def remembered(self) -> tuple[DataTable, ...]:
        """Returns what keeps its sizes."""
        return (self.rules.table, self.workspaces.table)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leaves the mode's meaning to the Safety tab where it has no room."""
        super().resizeEvent(event)
        self.meaning.setVisible(self.width() > _WIDE)

    def focus_filter(self) -> None:
        """Opens the tab that tries a call."""
        self.tabs.setCurrentWidget(self.trial)
        self.trial.arguments.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_rules(self) -> None:
        """Opens the tab of the rules."""
        self.tabs.setCurrentWidget(self.rules)

    def refresh(self) -> None:
        """Shows mode and workspaces as they are now."""
        safety = self.room.desk.safety()
        self.mode.setCurrentIndex(self.mode.findData(safety.mode))
        self.mode.setToolTip(tip(words.mode_meaning(safety.mode)))
        self.mode.setAccessibleDescription(words.mode_meaning(safety.mode))
        self.meaning.setText(words.mode_meaning(safety.mode))
        self._show_workspaces()
        if safety.broken is None:
            self.broken.hide()
        else:
            self.broken.say(
                "danger",
                "The rules cannot be read, so every call asks",
                safety.broken,
                actions=(("Edit as text…", self.rules.open_text),),
                can_close=False,
            )

    def _show_workspaces(self) -> None:
        self.workspace.clear()
        workspaces = self.room.desk.workspaces()
        if not any(each.is_default for each in workspaces):
            self.workspace.addItem("none", None)
        for each in workspaces:
            self.workspace.addItem(each.name, each)
            if each.is_default:
                self.workspace.setCurrentIndex(self.workspace.count() - 1)
        self.workspace.setEnabled(bool(workspaces))

    def _on_mode(self, position: int) -> None:
        mode: object = self.mode.itemData(position)
        safety = self.room.desk.safety()
        now = safety.mode
        if not isinstance(mode, str) or mode == now:
            return
        if mode == words.BYPASS and safety.bypass_refusal is not None:
            self._tell(safety.bypass_refusal)
            return
        if mode == words.BYPASS:
            self.mode.setCurrentIndex(self.mode.findData(now))
            BypassDialog(self.room.theme, self.room.desk, self).open()
            return
        self._tell(self.room.desk.set_mode(mode))

    def _on_workspace(self, position: int) -> None:
        chosen = next(
            (each for each in self.room.desk.workspaces() if each.name == self.workspace.itemText(position)),
            None,
        )
        if chosen is not None and not chosen.is_default:
            changed = replace(chosen, is_default=True)
            self._tell(self.room.desk.save_workspace(changed, replaces=chosen.name))

    def _tell(self, refusal: str | None) -> None:
        if refusal is None:
            self.refused.hide()
        else:
            self.refused.say("danger", "Not changed", refusal)
        self.refresh()

    def _add_rule(self, text: str) -> None:
        self.show_rules()
        self.rules.open_add_with(text)
