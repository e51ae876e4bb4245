"""The window: header, sidebar and pages; remembers its shape, and knows what closing it means."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QEvent, QSettings, QSize, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QVBoxLayout, QWidget

from gui import permission_words as words
from gui.bridge import Bridge
from gui.desk import Desk, Problem, ProxyState
from gui.icons import app_icon
from gui.menus import Commands, Menus
from gui.pages.page import Page, Room
from gui.pages.pages import PAGES, Pages
from gui.problem_banner import ProblemBanner
from gui.quit_banner import QuitBanner
from gui.tokens import SPACE
from gui.widgets.cards import Banner
from gui.widgets.sidebar import Sidebar
from gui.widgets.status_header import StatusHeader
from gui.widgets.text import label, name_structure

_TITLES = dict(PAGES)
_GROUPS = {"providers": "Setup", "requests": "Monitor"}
"""Headings of the sidebar, each above the page named."""
_MINIMUM = QSize(860, 560)
_FIRST_SIZE = QSize(1180, 760)
_CLOSE_KEY = "window/close_without_tray"
_LOOKED_AT = {
    QEvent.Type.Show,
    QEvent.Type.Hide,
    QEvent.Type.WindowStateChange,
    QEvent.Type.WindowActivate,
    QEvent.Type.WindowDeactivate,
}


class MainWindow(QMainWindow):
    """Holds the pages; shows the proxy's state; hides in the tray where there is one."""

    hidden_to_tray = Signal()
    looked_at_changed = Signal()
    """Another page is open, or the window was shown, hidden, folded up or brought to the front."""

    def __init__(self, room: Room, store: QSettings, *, has_tray: Callable[[], bool], version: str) -> None:
        super().__init__()
        self._room, self._store, self._has_tray, self._version = room, store, has_tray, version
        self._may_close = False
        self.setWindowTitle("Signalbox")
        self.setAccessibleName("Signalbox")
        self.setWindowIcon(app_icon())
        self.setMinimumSize(_MINIMUM)
        self.header = StatusHeader(room.theme)
        self.sidebar = Sidebar(room.theme, PAGES, _GROUPS)
        self.problem_banner = ProblemBanner(room.theme, _TITLES, self.show_page, room.desk.start_proxy)
        self.failure_banner = Banner(room.theme, "What did not work", place="top")
        self.close_banner = Banner(room.theme, "Closing the window", place="top")
        self.bypass_banner = Banner(room.theme, "Bypass", place="top")
        self.quit_banner = QuitBanner(room, self.show_up)
        self.pages = Pages(room)
        self.menus = Menus(self, PAGES, self._commands())
        self._lay_out()
        self._wire()
        self._restore()
        self.show_page("home")
        self._on_state(room.desk.state())
        self._on_approvals()
        self._on_permissions()
        self.menus.show_theme(room.theme.setting)
        name_structure(self)

    def page(self, page: str) -> Page:
        """Returns a page by its id."""
        return self.pages.page(page)

    @property
    def page_id(self) -> str:
        """The id of the page that is open."""
        return self.pages.current_id

    def show_page(self, page: str) -> None:
        """Opens a page; an unknown id is ignored."""
        if page not in _TITLES:
            return
        is_other = page != self.page_id
        self.pages.setCurrentWidget(self.page(page))
        self.sidebar.show_page(page)
        if page == "approvals" and is_other:
            self.pages.approvals.begin()
        self.looked_at_changed.emit()

    @property
    def shows_approvals(self) -> bool:
        """The waiting calls can be seen in this window."""
        is_open = self.isVisible() and not self.isMinimized()
        return is_open and self.page_id == "approvals" and self.pages.approvals.shows_waiting

    def show_approvals(self) -> None:
        """Shows the window with the waiting calls."""
        self.show_page("approvals")
        self.show_up()

    def show_request(self, request_id: str) -> None:
        """Shows the window with one request."""
        self._show_request(request_id)
        self.show_up()

    def say_failed(self, title: str, text: str) -> None:
        """Says what did not work."""
        self._on_failed(title, text)

    def show_up(self) -> None:
        """Shows the window and brings it to the front."""
        self.close_banner.hide()
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

    def show_logs(self) -> None:
        """Shows the window with the logs open."""
        self.show_page("logs")
        self.show_up()

    def show_mcp(self) -> None:
        """Shows the window with the MCP servers."""
        self.show_page("mcp")
        self.show_up()

    def allow_close(self) -> None:
        """The program ends: from now on closing the window closes it."""
        self._may_close = True
        self.remember()

    def remember(self) -> None:
        """Keeps the window's shape and the sizes the user chose."""
        self._store.setValue("window/geometry", self.saveGeometry())
        for page in self.pages.all_built():
            page.save_sizes(self._store)
        self._store.sync()

    def event(self, event: QEvent) -> bool:
        """Says so when it is shown, hidden, folded up or brought to the front."""
        handled = super().event(event)
        if event.type() in _LOOKED_AT:
            self.looked_at_changed.emit()
        return handled

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hides in the tray; without one, asks once what closing should mean."""
        self.remember()
        if self._may_close:
            event.accept()
            return
        event.ignore()
        if self._has_tray():
            self.hide()
            self.hidden_to_tray.emit()
            return
        choice: object = self._store.value(_CLOSE_KEY)
        if choice == "background":
            self.hide()
        elif choice == "quit":
            self.quit_banner.ask()
        else:
            self._ask_what_closing_means()

    def _ask_what_closing_means(self) -> None:
        self.close_banner.say(
            "warn",
            "This desktop shows no tray icon",
            "Once closed, the window comes back when you start Signalbox again. "
            "Should the proxy keep running meanwhile? We ask only once.",
            actions=(
                ("Keep running", lambda: self._choose_closing("background")),
                ("Quit", lambda: self._choose_closing("quit")),
            ),
        )
        self.close_banner.action_buttons()[0].setFocus()

    def _choose_closing(self, choice: str) -> None:
        self._store.setValue(_CLOSE_KEY, choice)
        self.close_banner.hide()
        self.close()

    def _lay_out(self) -> None:
        banners = QVBoxLayout()
        banners.setContentsMargins(SPACE.xl, 0, SPACE.xl, 0)
        banners.setSpacing(0)
        for banner in (self.bypass_banner, self.close_banner, self.problem_banner, self.failure_banner):
            banners.addWidget(banner)
        banners.addWidget(self.quit_banner)
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self.header)
        right.addLayout(banners)
        right.addWidget(self.pages, 1)
        middle = QWidget()
        middle.setProperty("kind", "window")
        middle.setAccessibleName("Signalbox")
        layout = QHBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.sidebar)
        layout.addLayout(right, 1)
        self.setCentralWidget(middle)
        status = self.statusBar()
        status.setAccessibleName("Status bar")
        status.setSizeGripEnabled(False)
        self.last_event = label("Ready")
        status.addWidget(self.last_event, 1)
        status.addPermanentWidget(label(f"Signalbox {self._version}"))

    def _wire(self) -> None:
        bridge: Bridge = self._room.bridge
        desk: Desk = self._room.desk
        self.header.start_asked.connect(desk.start_proxy)
        self.header.stop_asked.connect(desk.stop_proxy)
        self.header.page_asked.connect(self.show_page)
        self.header.problem_asked.connect(self._on_problem_asked)
        self.sidebar.page_asked.connect(self.show_page)
        self.pages.built.connect(self._on_built)
        bridge.state_changed.connect(self._on_state)
        bridge.requests_advanced.connect(self._on_requests)
        bridge.action_done.connect(self._on_done)
        bridge.action_failed.connect(self._on_failed)
        bridge.settings_changed.connect(self._on_settings)
        bridge.show_requested.connect(self.show_up)
        bridge.approvals_changed.connect(self._on_approvals)
        bridge.permissions_changed.connect(self._on_permissions)

    def _on_built(self, page: Page) -> None:
        page.page_asked.connect(self.show_page)
        page.request_asked.connect(self._show_request)
        page.request_missed.connect(self._on_request_missed)
        page.lines_asked.connect(self._show_lines)
        page.part_changed.connect(self.looked_at_changed)
        page.restore_sizes(self._store)
        name_structure(page)

    def _commands(self) -> Commands:
        desk = self._room.desk
        return Commands(
            start=desk.start_proxy,
            stop=desk.stop_proxy,
            copy_address=self.header.copy.copy,
            copy_lines=self._copy_lines,
            add_provider=self._add_provider,
            add_alias=self._add_alias,
            open_logs_folder=self._open_logs_folder,
            find=self._find,
            close=self._close,
            quit=self.quit_banner.ask,
            show_page=self.show_page,
            choose_theme=self._choose_theme,
            about=self._about,
        )

    def _on_state(self, state: ProxyState) -> None:
        self.header.show_state(state)
        self.menus.show_state(state)
        self.problem_banner.show_state(state)

    def _on_problem_asked(self, problem: Problem) -> None:
        self.problem_banner.show_problem(problem)
        if problem.page is not None:
            self.show_page(problem.page)

    def _on_approvals(self) -> None:
        self.header.show_waiting(len(self._room.desk.approvals()))

    def _on_permissions(self) -> None:
        if self._room.desk.safety().mode != words.BYPASS:
            self.bypass_banner.hide()
            return
        self.bypass_banner.say(
            "danger",
            "Bypass is on: tools run without asking",
            "Only deny rules hold. Commands, changes and network calls go through unseen.",
            actions=(("Ask again", self._end_bypass),),
            can_close=False,
        )

    def _end_bypass(self) -> None:
        refusal = self._room.desk.set_mode("default")
        if refusal is not None:
            self._on_failed("The mode was not changed", refusal)

    def _on_requests(self) -> None:
        """A request began or ended: the count of active ones is another, and so may be how budgets stand."""
        self._on_state(self._room.desk.state())

    def _on_done(self, text: str) -> None:
        """Something worked since: what failed before it was tried again, or no longer matters."""
        self.failure_banner.hide()
        self.last_event.setText(text)

    def _on_failed(self, title: str, text: str) -> None:
        self.failure_banner.say("danger", title, text)
        self.last_event.setText(title)

    def _on_settings(self) -> None:
        self._room.theme.choose(self._room.desk.theme())
        self.menus.show_theme(self._room.theme.setting)

    def _choose_theme(self, setting: str) -> None:
        self._room.theme.choose(setting)
        self.menus.show_theme(setting)
        self._room.desk.set_theme(setting)

    def _show_request(self, request_id: str) -> None:
        self.show_page("requests")
        self.pages.requests.show_request(request_id)

    def _on_request_missed(self, request_id: str) -> None:
        self.last_event.setText(f"Request {request_id} is no longer in the table")

    def _show_lines(self, request_id: str) -> None:
        self.show_page("logs")
        self.pages.logs.show_request(request_id)

    def _add_provider(self) -> None:
        self.show_page("providers")
        self.pages.providers.open_add()

    def _add_alias(self) -> None:
        self.show_page("models")
        self.pages.models.open_add()

    def _copy_lines(self) -> None:
        self.pages.home.copy_lines.copy()

    def _open_logs_folder(self) -> None:
        self.pages.logs.open_folder()

    def _find(self) -> None:
        self.page(self.page_id).focus_filter()

    def _close(self) -> None:
        self.close()

    def _about(self) -> None:
        from gui.dialogs.about import AboutDialog  # noqa: PLC0415 - when it is asked for

        AboutDialog(self._room.theme, self._version, self).open()

    def _restore(self) -> None:
        self.resize(_fitting(_FIRST_SIZE * self._room.theme.scale))
        geometry: object = self._store.value("window/geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)


def _fitting(wanted: QSize) -> QSize:
    return wanted.boundedTo(QGuiApplication.primaryScreen().availableSize())
