"""The tab of the tools: what models are told of, and what happens to a call no narrower rule speaks of."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QStackedWidget, QVBoxLayout, QWidget

from gui import permission_words as words
from gui import wording
from gui.models.tools import ToolsModel
from gui.pages.page import Room
from gui.permission_desk import Effect, ToolView
from gui.tokens import SPACE
from gui.widgets.buttons import Button, button
from gui.widgets.cards import Banner, EmptyState, row
from gui.widgets.data_tree import DataTree
from gui.widgets.text import label

_HIGH = 380


class ToolsTab(QWidget):
    """A tree of tools, and under it the default of the chosen one."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        theme = room.theme
        self._desk = room.desk
        self._chosen: str | None = None
        self.setAccessibleName("Tools")
        self.refused = Banner(theme, "Not changed")
        self.model = ToolsModel()
        self.tree = DataTree(theme, "Tools", self.model)
        self.tree.set_widths((176, 110, 78, 54, 92, 68), flexible=1)
        self.empty = EmptyState(theme, "tools", "No tools", "The catalogue of tools is empty.")
        self.stack = QStackedWidget()
        self.stack.setAccessibleName("Tools or a hint")
        self.stack.addWidget(self.tree)
        self.stack.addWidget(self.empty)
        self.card = self._card(room)
        self.total = label(kind="caption", wraps=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.m, 0, 0)
        layout.setSpacing(SPACE.m)
        layout.addWidget(self.refused)
        layout.addWidget(self.stack, 1)
        layout.addWidget(self.card)
        layout.addWidget(self.total)
        self.model.offer_asked.connect(self._on_offer)
        self.tree.chosen.connect(self._show_chosen)
        self.tree.opened.connect(self._to_defaults)
        room.bridge.permissions_changed.connect(self.refresh)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Gives a low window's room to the tree."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.total.setVisible(self.height() > _HIGH and self.model.rowCount() > 0)

    def refresh(self) -> None:
        """Shows the tools the desk has now, and stays with the chosen one."""
        tools = self._desk.tools()
        kept = self._chosen
        self.model.show(tools)
        self.stack.setCurrentWidget(self.tree if tools else self.empty)
        index = self.model.index_of(kept) if kept else self.model.index_of(tools[0].name if tools else "")
        if index.isValid():
            self.tree.setCurrentIndex(index)
        offered = [tool for tool in tools if tool.is_offered]
        tokens = wording.tokens(sum(tool.tokens for tool in offered))
        self.total.setText(
            f"{len(offered)} of {wording.count(len(tools), 'tool')} offered; their definitions cost about "
            f"{tokens} tokens in each request where they are attached. Calls: allowed / asked / denied."
        )
        self._fit()
        self._show_chosen()

    def _card(self, room: Room) -> QFrame:
        card = QFrame()
        card.setProperty("kind", "card")
        card.setAccessibleName("Chosen tool")
        self.name = label(kind="heading")
        self.description = label(kind="muted", wraps=True)
        self.effects: dict[Effect, Button] = {}
        for effect in reversed(words.EFFECTS):
            made = button(room.theme, words.effect_phrase(effect).text, kind="toggle")
            made.setCheckable(True)
            made.clicked.connect(self._chooser(effect))
            self.effects[effect] = made
        self.default_words = label("By default", kind="muted")
        said = QVBoxLayout()
        said.setSpacing(2)
        said.addWidget(self.name)
        said.addWidget(self.description)
        line = row(spacing=SPACE.s)
        line.addLayout(said, 1)
        line.addWidget(self.default_words)
        for made in self.effects.values():
            line.addWidget(made)
        layout = QVBoxLayout(card)
        layout.setContentsMargins(SPACE.l, SPACE.m, SPACE.l, SPACE.m)
        layout.addLayout(line)
        return card

    def _show_chosen(self) -> None:
        tool = self.tree.current_value()
        self.card.setVisible(isinstance(tool, ToolView))
        if not isinstance(tool, ToolView):
            return
        self._chosen = tool.name
        self.name.setText(tool.name)
        self.description.setText(tool.description)
        for effect, made in self.effects.items():
            made.setChecked(effect == tool.default)
            made.setAccessibleName(f"{tool.name}: {words.effect_phrase(effect).text} by default")

    def _to_defaults(self) -> None:
        tool = self.tree.current_value()
        if isinstance(tool, ToolView):
            self.effects[tool.default].setFocus(Qt.FocusReason.TabFocusReason)

    def _chooser(self, effect: Effect) -> Callable[[], None]:
        return lambda: self._set_default(effect)

    def _set_default(self, effect: Effect) -> None:
        if self._chosen is not None:
            self._tell(self._desk.set_tool_default(self._chosen, effect))

    def _on_offer(self, names: tuple[str, ...], is_offered: bool) -> None:
        for name in names:
            refusal = self._desk.offer_tool(name, is_offered=is_offered)
            if refusal is not None:
                self._tell(refusal)
                return
        self._tell(None)

    def _tell(self, refusal: str | None) -> None:
        if refusal is None:
            self.refused.hide()
        else:
            self.refused.say("danger", "Not changed", refusal)
        self._show_chosen()
