"""The tab of a server's tools: switches, permissions, what changed, and a place to try one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from gui import mcp_words as words
from gui.dialogs.mcp_changes import McpChangesDialog
from gui.dialogs.mcp_try import McpTryDialog
from gui.mcp_desk import McpTried
from gui.models.mcp_tools import McpToolsModel
from gui.models.value_table import ChosenKey
from gui.pages.page import Room
from gui.tokens import SPACE
from gui.widgets.buttons import Button, button
from gui.widgets.cards import Banner, EmptyState, row
from gui.widgets.text import label
from gui.widgets.tick_table import TickTable
from gui.wording import count
from proxy.mcp.values import ServerPhase, ServerStatus, ToolFacts

_MAX_DESCRIPTION = 240
_HIGH = 250
_LEAST = 84


class McpToolsTab(QWidget):
    """A table of tools and the chosen one's permission."""

    refused = Signal(str)
    """Why a change was not taken; empty: it was."""
    tried = Signal(McpTried)

    def __init__(self, room: Room) -> None:
        super().__init__()
        self._room = room
        self._server: ServerStatus | None = None
        self._key = ChosenKey()
        self.setAccessibleName("Tools of the server")
        theme = room.theme
        self.banner = Banner(theme, "Changed definitions")
        self._told: tuple[str, ...] = ()
        self.model = McpToolsModel()
        self.table = TickTable(theme, "Tools of the server", self.model)
        self.table.set_widths((56, 170, 140, 150, 76, 110), flexible=3)
        self.empty = EmptyState(theme, "tools", "No tools", "")
        self.stack = QStackedWidget()
        self.stack.setAccessibleName("Tools of the server or a hint")
        self.stack.setMinimumHeight(_LEAST)
        self.stack.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        self.stack.addWidget(self.table)
        self.stack.addWidget(self.empty)
        self.card = self._card()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.s, 0, 0)
        layout.setSpacing(SPACE.s)
        layout.addWidget(self.banner)
        layout.addWidget(self.stack, 1)
        layout.addWidget(self.card)
        self.table.chosen.connect(self._show_chosen)
        self.table.opened.connect(self.open_try)
        self.model.tick_asked.connect(self._on_tick)
        room.bridge.mcp_tried.connect(self.tried.emit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Gives a low window's room to the table."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.description.setVisible(self.height() > _HIGH and bool(self.description.text()))

    def show_server(self, server: ServerStatus) -> None:
        """Shows a server's tools, and stays with the chosen one."""
        if self._server is None or self._server.name != server.name:
            self._key = ChosenKey()
        self._server = server
        self.model.show(server.tools)
        self.stack.setCurrentWidget(self.table if server.tools else self.empty)
        is_up = server.phase is ServerPhase.CONNECTED
        self.empty.say(
            "No tools", "This server offers none." if is_up else "They are known once the server has started."
        )
        if server.tools:
            self.table.choose_row(self._key.row_in(self.model))
        self._show_changes(server)
        self._show_chosen()

    def chosen(self) -> ToolFacts | None:
        """Returns the chosen tool."""
        value = self.table.current_value()
        return value if isinstance(value, ToolFacts) and self._server is not None else None

    def open_try(self) -> None:
        """Opens the place to try the chosen tool."""
        tool, server = self.chosen(), self._server
        if tool is None or server is None or not self.attempt.isEnabled():
            return
        dialog = McpTryDialog(self._room.theme, self._room.desk, self, server.name, tool)
        self.tried.connect(dialog.take)
        dialog.open()

    def open_changes(self) -> None:
        """Shows what changed, to accept it."""
        if self._server is None:
            return
        changes = self._room.desk.mcp_changes(self._server.name)
        if changes:
            McpChangesDialog(self._room.theme, self._room.desk, self, self._server.name, changes).open()

    def open_change(self) -> None:
        """Shows what changed of the chosen tool only."""
        tool = self.chosen()
        if tool is None or self._server is None:
            return
        name = self._server.name
        changes = [each for each in self._room.desk.mcp_changes(name) if each.name == tool.name]
        if changes:
            McpChangesDialog(self._room.theme, self._room.desk, self, name, changes).open()

    def _card(self) -> QFrame:
        theme = self._room.theme
        card = QFrame()
        card.setProperty("kind", "card")
        card.setAccessibleName("Chosen tool of the server")
        self.name = label(kind="heading", wraps=True)
        self.description = label(kind="muted", wraps=True)
        self.permissions: dict[str, Button] = {}
        for value, title in words.PERMISSIONS:
            made = button(theme, title, kind="toggle")
            made.setCheckable(True)
            made.clicked.connect(self._chooser(value))
            self.permissions[value] = made
        self.review = button(theme, "Look at the change…", icon="warn", on_click=self.open_change)
        self.attempt = button(theme, "Try…", icon="test", on_click=self.open_try)
        layout = QVBoxLayout(card)
        layout.setContentsMargins(SPACE.l, SPACE.s, SPACE.l, SPACE.m)
        layout.setSpacing(SPACE.xs)
        top = row(spacing=SPACE.s)
        top.addWidget(self.name, 1)
        top.addWidget(self.review)
        top.addWidget(self.attempt)
        layout.addLayout(top)
        layout.addWidget(self.description)
        layout.addSpacing(SPACE.xs)
        layout.addLayout(row(label("Calls of models", kind="muted"), *self.permissions.values(), None))
        return card

    def _show_changes(self, server: ServerStatus) -> None:
        names = tuple(tool.name for tool in words.quarantined(server))
        if not names:
            self.banner.hide()
        elif names != self._told or self.banner.isHidden():
            new = sum(tool.quarantine == "new" for tool in server.tools)
            changed = len(names) - new
            parts = [f"{number} {word}" for number, word in ((changed, "changed"), (new, "new")) if number]
            self.banner.say(
                "warn",
                f"{count(len(names), 'tool')} to look at: {', '.join(parts)}",
                "Not offered to models and not called until you accepted what it says now.",
                actions=((f"Look at {'it' if len(names) == 1 else 'them'}…", self.open_changes),),
                can_close=False,
            )
        self._told = names

    def _show_chosen(self) -> None:
        tool = self.chosen()
        self.card.setVisible(tool is not None)
        if tool is None or self._server is None:
            return
        self._key.shown = tool.name
        self.name.setText(words.one_line(tool.name))
        text = words.one_line(tool.description)
        self.description.setText(text if len(text) <= _MAX_DESCRIPTION else f"{text[:_MAX_DESCRIPTION]}…")
        self._fit()
        self.review.setVisible(tool.quarantine is not None)
        self.attempt.setEnabled(self._server.phase is ServerPhase.CONNECTED and tool.quarantine is None)
        for (value, title), made in zip(words.PERMISSIONS, self.permissions.values(), strict=True):
            made.setChecked((tool.permission or "default") == value)
            made.setAccessibleName(f"{words.one_line(tool.name)}: {title}")

    def _chooser(self, permission: str) -> Callable[[], None]:
        return lambda: self._set_permission(permission)

    def _set_permission(self, permission: str) -> None:
        tool = self.chosen()
        if tool is not None and self._server is not None:
            self._tell(self._room.desk.set_mcp_tool(self._server.name, tool.name, permission=permission))

    def _on_tick(self, tool: str, is_enabled: bool) -> None:
        if self._server is not None:
            self._tell(self._room.desk.set_mcp_tool(self._server.name, tool, is_enabled=is_enabled))

    def _tell(self, refusal: str | None) -> None:
        self.refused.emit(refusal or "")
        self._show_chosen()
