"""The tray of a window, where no tray can be shown."""

from __future__ import annotations

from gui.main_window import MainWindow
from gui.pages.page import Room
from gui.tray import Tray, WindowCommands
from gui.tray_host import TrayHost


def tray_of(window: MainWindow, room: Room, kind: type[Tray] = Tray) -> Tray:
    """A tray that leads to the window; nobody looks for a place to show it in."""
    commands = WindowCommands(
        window.show_up,
        window.show_up,
        window.show_logs,
        window.show_approvals,
        window.show_mcp,
        window.quit_banner.ask,
    )
    return kind(room.desk, room.bridge, room.theme, TrayHost(polls=0), commands)
