"""The tray: an icon whose shape says how the proxy is, and a menu that is built once and kept up to date."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QColor, QGuiApplication
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from gui import permission_words as words
from gui import wording
from gui.bridge import Bridge
from gui.desk import Desk, ProxyPhase, ProxyState
from gui.icons import app_icon, tray_icon
from gui.mcp_menu import McpMenu
from gui.theme import Theme
from gui.tokens import DARK, LIGHT
from gui.tray_host import TrayHost
from gui.widgets.text import plain

_HIDDEN_MS = 8000
_TOLD_MS = 15_000
_MODES = ("default", "acceptEdits", "dontAsk")
"""Bypass is never one click away, and plan is for a moment's care at the window."""


@dataclass(frozen=True, slots=True)
class WindowCommands:
    """What the tray asks of the window."""

    open: Callable[[], None]
    toggle: Callable[[], None]
    show_logs: Callable[[], None]
    show_approvals: Callable[[], None]
    show_mcp: Callable[[], None]
    quit: Callable[[], None]


class Tray(QObject):
    """Owns the icon and its menu; every action is in the menu, for some desktops know no left click."""

    def __init__(
        self, desk: Desk, bridge: Bridge, theme: Theme, host: TrayHost, window: WindowCommands
    ) -> None:
        super().__init__()
        self._desk, self._theme, self._window, self._host = desk, theme, window, host
        self._state = desk.state()
        self._drawn = ""
        self.menu = QMenu()
        self.menu.setAccessibleName("Signalbox")
        self.status = self._add("", lambda: None)
        self.status.setEnabled(False)
        self.menu.addSeparator()
        self.waiting = self._add("", window.show_approvals)
        font = self.waiting.font()
        font.setBold(True)
        self.waiting.setFont(font)
        self.open = self._add("Open Signalbox", window.open)
        self.menu.setDefaultAction(self.open)
        self.copy = self._add("Copy address", self._copy_address)
        self.menu.addSeparator()
        self.switch = self._add("Start proxy", self._on_switch)
        self.mcp = McpMenu(desk, window.show_mcp, self.tell)
        self.menu.addMenu(self.mcp)
        self.modes = self._mode_menu()
        self.logs = self._add("View logs", window.show_logs)
        self.menu.addSeparator()
        self.quit = self._add("Quit Signalbox", window.quit)
        self.menu.aboutToShow.connect(self._refresh)
        self.icon = self._make_icon()
        bridge.state_changed.connect(self._on_state)
        bridge.requests_advanced.connect(self._refresh)
        bridge.approvals_changed.connect(self._on_approvals)
        bridge.permissions_changed.connect(self._refresh)
        bridge.mcp_changed.connect(self.mcp.refresh)
        theme.changed.connect(self._draw)
        host.appeared.connect(self._on_host_appeared)
        self._show()

    def explain_hiding(self) -> None:
        """Says where the window went."""
        self.icon.showMessage(
            "Signalbox keeps running",
            "The proxy goes on. Open the window or quit from this icon.",
            app_icon(),
            _HIDDEN_MS,
        )

    def tell(self, title: str, text: str) -> None:
        """Shows a message beside the icon; a click on it opens what waits, or else the window."""
        self.icon.showMessage(title, text, app_icon(), _TOLD_MS)

    def close(self) -> None:
        """Takes the icon out of the tray."""
        self.icon.hide()

    def _add(self, text: str, act: Callable[[], None]) -> QAction:
        action = QAction(plain(text), self.menu)
        action.triggered.connect(lambda: act())  # noqa: PLW0108 - drops the signal's `checked`
        self.menu.addAction(action)
        return action

    def _mode_menu(self) -> QActionGroup:
        menu = self.menu.addMenu("Permission mode")
        menu.setAccessibleName("Permission mode")
        group = QActionGroup(self.menu)
        for mode in _MODES:
            action = QAction(plain(words.mode_title(mode)), menu)
            action.setCheckable(True)
            action.setData(mode)
            action.triggered.connect(lambda _checked=False, mode=mode: self._choose_mode(mode))
            group.addAction(action)
            menu.addAction(action)
        return group

    def _choose_mode(self, mode: str) -> None:
        refusal = self._desk.set_mode(mode)
        if refusal is not None:
            self.tell("The permission mode was not changed", refusal)
        self._refresh()

    def _make_icon(self) -> QSystemTrayIcon:
        icon = QSystemTrayIcon(self)
        icon.setContextMenu(self.menu)
        icon.activated.connect(self._on_activated)
        icon.messageClicked.connect(self._on_message_clicked)
        return icon

    def _on_message_clicked(self) -> None:
        (self._window.show_approvals if self._desk.approvals() else self._window.open)()

    def _on_approvals(self) -> None:
        self._draw_state()
        self._refresh()

    def _on_host_appeared(self) -> None:
        """Makes a new icon: one made before its host is there stays unseen."""
        old = self.icon
        old.hide()
        old.deleteLater()
        self.icon = self._make_icon()
        self._show()

    def _show(self) -> None:
        self._draw()
        self._refresh()
        self.icon.show()

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        clicks = {
            QSystemTrayIcon.ActivationReason.Trigger,
            QSystemTrayIcon.ActivationReason.DoubleClick,
        }
        if sys.platform != "darwin" and reason in clicks:
            self._window.toggle()

    def _on_state(self, state: ProxyState) -> None:
        self._state = state
        self._draw_state()
        self._refresh()

    def _draw_state(self) -> None:
        if self._shape() != self._drawn:
            self._draw()

    def _draw(self) -> None:
        ours, other = (DARK, LIGHT) if self._theme.is_dark else (LIGHT, DARK)
        self._drawn = state = self._shape()
        self.icon.setIcon(tray_icon(state, QColor(ours.text), QColor(other.text)))

    def _shape(self) -> str:
        return wording.tray_state(self._state, len(self._desk.approvals()))

    def _refresh(self) -> None:
        self._state = state = self._desk.state()
        waiting = self._desk.approvals()
        self.waiting.setText(f"{words.waiting_words(waiting)}…")
        self.waiting.setVisible(bool(waiting))
        mode = self._desk.safety().mode
        for action in self.modes.actions():
            action.setChecked(action.data() == mode)
        self.status.setText(plain(wording.tray_line(state)))
        self.copy.setEnabled(state.url is not None)
        can_stop = state.phase in {ProxyPhase.RUNNING, ProxyPhase.STARTING, ProxyPhase.STOPPING}
        self.switch.setText("Stop proxy" if can_stop else "Start proxy")
        self.switch.setEnabled(state.phase not in {ProxyPhase.STARTING, ProxyPhase.STOPPING})
        tip = wording.tray_tip(state)
        if tip != self.icon.toolTip():  # each setting is a message on the bus
            self.icon.setToolTip(tip)

    def _on_switch(self) -> None:
        if self._state.phase is ProxyPhase.RUNNING:
            self._desk.stop_proxy()
        else:
            self._desk.start_proxy()

    def _copy_address(self) -> None:
        QGuiApplication.clipboard().setText(self._desk.state().url or "")
