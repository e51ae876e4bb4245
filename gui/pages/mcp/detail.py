"""The detail of the chosen server: its tabs."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from gui.pages.mcp.config import ConfigTab
from gui.pages.mcp.log import LogTab, MessagesTab
from gui.pages.mcp.overview import OverviewTab
from gui.pages.mcp.tools import McpToolsTab
from gui.pages.page import Room
from gui.widgets.cards import scrolling
from gui.widgets.text import plain
from proxy.mcp.values import ServerStatus

_LEAST = 190
"""Less than some tabs would like: in a low window they scroll."""


class McpDetail(QWidget):
    """Shows a server in five tabs."""

    approve_asked = Signal()
    start_asked = Signal()
    refused = Signal(str)

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.setAccessibleName("Server details")
        theme, desk = room.theme, room.desk
        self.overview = OverviewTab(theme, desk)
        self.tools = McpToolsTab(room)
        self.config = ConfigTab(theme, desk)
        self.log = LogTab(theme, desk)
        self.messages = MessagesTab(theme, desk)
        self._tools_place = scrolling(self.tools, "Tools of the server, scrolling")
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Server details")
        self.tabs.tabBar().setAccessibleName("Server details, tabs")
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)  # before it is filled, as in `McpPage._lay_out`
        for tab, title in (
            (self.overview, "Overview"),
            (self._tools_place, "Tools"),
            (self.config, "Config"),
            (self.log, "Log"),
            (self.messages, "Messages"),
        ):
            self.tabs.addTab(tab, title)
        self.tabs.setMinimumHeight(_LEAST)
        self.overview.approve_asked.connect(self.approve_asked)
        self.overview.start_asked.connect(self.start_asked)
        self.tools.refused.connect(self.refused)
        self.log.refused.connect(self.refused)
        self.messages.refused.connect(self.refused)

    def show_server(self, server: ServerStatus) -> None:
        """Shows a server as it is now, in the tab that is open."""
        self.overview.show_server(server)
        self.tools.show_server(server)
        self.config.show_server(server.name)
        self.log.show_server(server.name)
        self.messages.show_messages(server)
        title = f"Tools ({len(server.tools)})" if server.tools else "Tools"
        self.tabs.setTabText(self.tabs.indexOf(self._tools_place), plain(title))
