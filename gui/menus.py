"""The window's menus: every action once, with its key, kept in step with the proxy's state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from gui.desk import ProxyPhase, ProxyState
from gui.theme import SETTINGS
from gui.widgets.text import plain

_THEME_WORDS = {"system": "Like the desktop", "light": "Light", "dark": "Dark"}


@dataclass(frozen=True, slots=True)
class Commands:
    """What the menus can do; the window says how."""

    start: Callable[[], None]
    stop: Callable[[], None]
    copy_address: Callable[[], None]
    copy_lines: Callable[[], None]
    add_provider: Callable[[], None]
    add_alias: Callable[[], None]
    open_logs_folder: Callable[[], None]
    find: Callable[[], None]
    close: Callable[[], None]
    quit: Callable[[], None]
    show_page: Callable[[str], None]
    choose_theme: Callable[[str], None]
    about: Callable[[], None]


class Menus(QObject):
    """Builds the menu bar of a window."""

    def __init__(self, window: QMainWindow, pages: tuple[tuple[str, str], ...], do: Commands) -> None:
        super().__init__(window)
        self._window = window
        window.menuBar().setAccessibleName("Menu bar")
        file = self._menu("&File")
        self._add(file, "Add &provider…", do.add_provider)
        self._add(file, "Add &alias…", do.add_alias)
        file.addSeparator()
        self._add(file, "&Close window", do.close, QKeySequence.StandardKey.Close)
        self._add(file, "&Quit Signalbox", do.quit, "Ctrl+Q", role=QAction.MenuRole.QuitRole)
        edit = self._menu("&Edit")
        self.copy_lines = self._add(edit, "&Copy lines for Claude Code", do.copy_lines)
        edit.addSeparator()
        self._add(edit, "&Find on this page", do.find, QKeySequence.StandardKey.Find)
        view = self._menu("&View")
        for number, (page, title) in enumerate(pages, start=1):
            self._add(view, plain(title), lambda page=page: do.show_page(page), f"Ctrl+{number}")
        view.addSeparator()
        self.themes = self._themes(view, do)
        proxy = self._menu("&Proxy")
        self.start = self._add(proxy, "&Start proxy", do.start)
        self.stop = self._add(proxy, "S&top proxy", do.stop)
        proxy.addSeparator()
        self.copy_address = self._add(proxy, "&Copy address", do.copy_address, "Ctrl+Shift+C")
        help_menu = self._menu("&Help")
        self._add(help_menu, "Open the &log folder", do.open_logs_folder)
        help_menu.addSeparator()
        self._add(help_menu, "&About Signalbox", do.about, role=QAction.MenuRole.AboutRole)

    def show_state(self, state: ProxyState) -> None:
        """Offers what can be done now."""
        self.start.setEnabled(state.phase in {ProxyPhase.STOPPED, ProxyPhase.FAILED})
        self.stop.setEnabled(state.phase is ProxyPhase.RUNNING)
        self.copy_address.setEnabled(state.url is not None)
        self.copy_lines.setEnabled(state.phase is ProxyPhase.RUNNING)

    def show_theme(self, setting: str) -> None:
        """Ticks the theme in use."""
        for action in self.themes.actions():
            action.setChecked(action.data() == setting)

    def _menu(self, title: str) -> QMenu:
        menu = self._window.menuBar().addMenu(title)
        menu.setAccessibleName(title.replace("&", ""))
        return menu

    def _add(
        self,
        menu: QMenu,
        title: str,
        act: Callable[[], None],
        keys: QKeySequence.StandardKey | str | None = None,
        *,
        role: QAction.MenuRole = QAction.MenuRole.NoRole,
    ) -> QAction:
        action = QAction(title, self._window)
        action.setMenuRole(role)
        if keys is not None:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda: act())  # noqa: PLW0108 - drops the signal's `checked`
        menu.addAction(action)
        return action

    def _themes(self, view: QMenu, do: Commands) -> QActionGroup:
        menu = view.addMenu("&Theme")
        menu.setAccessibleName("Theme")
        group = QActionGroup(self)
        for setting in SETTINGS:
            action = self._add(menu, _THEME_WORDS[setting], lambda setting=setting: do.choose_theme(setting))
            action.setCheckable(True)
            action.setData(setting)
            group.addAction(action)
        return group
