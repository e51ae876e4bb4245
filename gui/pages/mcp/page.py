"""MCP servers: what runs, why not, what it offers, and everything that can be done about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QMenu, QSplitter, QStackedWidget

from gui import mcp_words as words
from gui.clock import now
from gui.dialogs.mcp_imports import McpImportDialog, McpPasteDialog
from gui.dialogs.mcp_server import McpServerDialog
from gui.dialogs.mcp_trust import McpTrustDialog
from gui.models.mcp_servers import McpServersModel
from gui.models.value_table import ChosenKey
from gui.pages.mcp.detail import McpDetail
from gui.pages.page import Page, Room
from gui.widgets.buttons import Button, button
from gui.widgets.cards import Banner, EmptyState, row
from gui.widgets.data_table import DataTable
from gui.widgets.path_field import file_chooser
from gui.widgets.text import label, plain
from gui.widgets.tick_table import TickTable
from gui.widgets.undo_bar import UndoBar
from proxy.mcp.values import ServerPhase, ServerStatus

_CAPTION = (
    "Programs and services whose tools models may use; each starts only after you approved what it runs."
)
_TICK_MS = 10_000
_WIDE = 860
_BUNDLES = "MCP bundles (*.mcpb *.dxt)"


class McpPage(Page):
    """A table of servers, and the tabs of the chosen one."""

    def __init__(self, room: Room, clock: Callable[[], float] = now) -> None:
        super().__init__(room, "MCP servers", _CAPTION)
        self.model = McpServersModel(clock)
        self.problem = Banner(room.theme, "The servers’ file")
        self.refused = Banner(room.theme, "Not done")
        self.undo = UndoBar(room.theme)
        self.table = TickTable(room.theme, "MCP servers", self.model)
        self.table.set_widths((56, 104, 180, 78, 58, 70, 70, 86, 92, 92), flexible=2)
        self.table.setMinimumHeight(90)
        self.detail = McpDetail(room)
        self._key = ChosenKey()
        self._awaited: set[str] = set()
        self._sheet: McpTrustDialog | None = None
        self._make_buttons()
        self._lay_out()
        self._wire()
        self.refresh()

    def remembered(self) -> tuple[QSplitter | DataTable, ...]:
        """Returns what keeps its sizes."""
        return (self.splitter, self.table, self.detail.tools.table)

    def focus_filter(self) -> None:
        """Puts the cursor into the search of the log."""
        tab = self.detail.tabs.currentWidget()
        search = (self.detail.messages if tab is self.detail.messages else self.detail.log).search
        if tab is not self.detail.messages:
            self.detail.tabs.setCurrentWidget(self.detail.log)
        search.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def showEvent(self, event: QShowEvent) -> None:
        """Begins to tell the time."""
        super().showEvent(event)
        self.timer.start()
        self.model.tell_time()
        self._open_awaited()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leaves out the sum where it has no room."""
        super().resizeEvent(event)
        self.total.setVisible(self.width() > _WIDE)

    def hideEvent(self, event: QHideEvent) -> None:
        """Tells the time no more."""
        super().hideEvent(event)
        self.timer.stop()

    def chosen(self) -> ServerStatus | None:
        """Returns the server whose tabs are shown."""
        value = self.table.current_value()
        return value if isinstance(value, ServerStatus) else None

    def choose(self, name: str) -> None:
        """Shows a server's tabs."""
        row_number = self.model.row_of(name)
        if row_number is not None:
            self.table.choose_row(row_number)

    def refresh(self) -> None:
        """Shows the servers as they are now."""
        servers = self.room.desk.mcp_servers()
        self._show_problem()
        self.model.show(servers)
        self.stack.setCurrentWidget(self.splitter if servers else self.empty)
        for each in (self.add, self.restart_failed, *self.actions_of_one):
            each.setVisible(bool(servers))
        self.restart_failed.setEnabled(any(each.phase is ServerPhase.FAILED for each in servers))
        self.total.setText(words.summary(servers) if servers else "")
        if servers:
            self.table.choose_row(self._key.row_in(self.model))
        self._show_chosen()
        self._follow_sheet()
        self._open_awaited()

    # What the user asks --------------------------------------------------------------------

    def open_add(self) -> None:
        """Opens the editor for a new server."""
        self._edit(None)

    def open_edit(self) -> None:
        """Opens the editor for the chosen server."""
        server = self.chosen()
        if server is not None:
            self._edit(server.name)

    def open_paste(self) -> None:
        """Opens the place to paste servers."""
        self._import(McpPasteDialog(self.room.theme, self.room.desk, self))

    def open_import(self) -> None:
        """Shows what other programs on this computer have."""
        rows = self.room.desk.find_mcp_imports()
        self._import(McpImportDialog(self.room.theme, self.room.desk, self, rows=rows))

    def open_bundle(self) -> None:
        """Asks for a bundle's file."""
        chooser = file_chooser(self, "Choose an MCP bundle", "open", _BUNDLES)
        chooser.fileSelected.connect(self.read_bundle)
        chooser.open()

    def read_bundle(self, path: str) -> None:
        """Shows what a bundle holds, to take it over."""
        found = self.room.desk.read_mcp_bundle(path)
        if isinstance(found, str):
            self._tell("The bundle cannot be used", found)
            return
        self._tell("", None)
        self._import(McpImportDialog(self.room.theme, self.room.desk, self, "Add an MCP bundle", found))

    def open_trust(self) -> None:
        """Opens the sheet with what the chosen server would run."""
        server = self.chosen()
        if server is None or server.phase not in words.UNAPPROVED or self._sheet is not None:
            return
        self._awaited.discard(server.name)
        self._sheet = McpTrustDialog(self.room.theme, self.room.desk, self, server)
        self._sheet.finished.connect(self._on_sheet_closed)
        self._sheet.open()

    def remove_chosen(self) -> None:
        """Removes the chosen server and offers it back."""
        server = self.chosen()
        if server is None:
            return
        name = server.name
        refusal = self.room.desk.remove_mcp(name)
        self.undo.tell_removal(name, refusal, f"Removed {name}; it was stopped.", lambda: self._restore(name))

    # ---------------------------------------------------------------------------------------

    def _make_buttons(self) -> None:
        theme = self.room.theme
        self.add_menu = QMenu(self)
        self.add_menu.setAccessibleName("Add")
        for title, act in (
            ("New server…", self.open_add),
            ("Paste JSON or a command…", self.open_paste),
            ("Import from apps…", self.open_import),
            ("Bundle (.mcpb)…", self.open_bundle),
        ):
            action = QAction(plain(title), self.add_menu)
            action.triggered.connect(act)
            self.add_menu.addAction(action)
        self.add = button(theme, "Add  ▾", icon="add", kind="primary", name="Add a server")
        self.add.clicked.connect(lambda: self._open_menu(self.add))
        self.restart_failed = button(
            theme, "Restart all failed", icon="restart", on_click=self.room.desk.restart_failed_mcp
        )
        self.top_actions.addWidget(self.restart_failed)
        self.top_actions.addWidget(self.add)
        self.approve = button(theme, "Review…", icon="ask", kind="primary", on_click=self.open_trust)
        self.start = button(theme, "Start", icon="start", on_click=self._start)
        self.stop = button(theme, "Stop", icon="stop", on_click=self._stop)
        self.restart = button(theme, "Restart", icon="restart", on_click=self._restart)
        self.edit = button(theme, "Edit", icon="edit", on_click=self.open_edit)
        self.remove = button(theme, "Remove", icon="remove", on_click=self.remove_chosen)
        self.actions_of_one = (self.start, self.stop, self.restart, self.edit, self.remove)
        self.empty_add = button(
            theme, "Add a server  ▾", icon="add", kind="primary", name="Add the first server"
        )
        self.empty_add.clicked.connect(lambda: self._open_menu(self.empty_add))

    def _open_menu(self, below: Button) -> None:
        self.add_menu.popup(below.mapToGlobal(below.rect().bottomLeft()))

    def _lay_out(self) -> None:
        self.total = label(kind="caption")
        for part in (self.problem, self.refused, self.undo):
            self.body.addWidget(part)
        self.body.addLayout(row(*self.actions_of_one, self.approve, None, self.total))
        # From the outside in: with a style sheet, moving a part styles anew all that is in it already.
        self.stack = QStackedWidget()
        self.stack.setAccessibleName("MCP servers or a hint")
        self.body.addWidget(self.stack, 1)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setAccessibleName("Servers and details")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(12)
        self.stack.addWidget(self.splitter)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(self.detail)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([210, 360])
        self.empty = EmptyState(
            self.room.theme,
            "mcp",
            "No MCP server yet",
            "Add one, paste what its page tells you, or take over those of Claude, Cursor or VS Code.",
            self.empty_add,
        )
        self.stack.addWidget(self.empty)
        self.timer = QTimer(self)
        self.timer.setInterval(_TICK_MS)
        self.timer.timeout.connect(self.model.tell_time)

    def _wire(self) -> None:
        self.room.bridge.mcp_changed.connect(self.refresh)
        self.table.chosen.connect(self._show_chosen)
        self.table.opened.connect(self._on_opened)
        self.table.remove_asked.connect(self.remove_chosen)
        self.model.tick_asked.connect(self._on_tick)
        self.detail.approve_asked.connect(self.open_trust)
        self.detail.start_asked.connect(self._start)
        self.detail.refused.connect(self._on_refused)

    def _show_problem(self) -> None:
        problem = self.room.desk.mcp_problem()
        if problem is None:
            self.problem.hide()
        else:
            self.problem.say(
                "danger",
                "The file of the servers cannot be used",
                words.one_line(problem),
                can_close=False,
            )

    def _show_chosen(self) -> None:
        server = self.chosen()
        if server is None:
            self.approve.hide()
            return
        self._key.shown = server.name
        self.detail.show_server(server)
        is_unapproved = server.phase in words.UNAPPROVED
        self.approve.setVisible(is_unapproved and server.launch is not None)
        self.start.setEnabled(words.can_start(server))
        self.stop.setEnabled(server.phase in words.RUNNING)
        self.restart.setEnabled(not is_unapproved and server.phase is not ServerPhase.STOPPING)

    def _on_opened(self) -> None:
        server = self.chosen()
        if server is not None and server.phase in words.UNAPPROVED:
            self.open_trust()
        else:
            self.open_edit()

    def _on_tick(self, name: str, is_enabled: bool) -> None:
        if is_enabled:
            self._awaited.add(name)
        self._tell(f"{name} was not changed", self.room.desk.enable_mcp(name, is_enabled=is_enabled))

    def _start(self) -> None:
        self._do(self.room.desk.start_mcp, "started")

    def _stop(self) -> None:
        self._do(self.room.desk.stop_mcp, "stopped")

    def _restart(self) -> None:
        self._do(self.room.desk.restart_mcp, "restarted")

    def _do(self, act: Callable[[str], str | None], done: str) -> None:
        server = self.chosen()
        if server is not None:
            if done != "stopped":
                self._awaited.add(server.name)
            self._tell(f"{server.name} was not {done}", act(server.name))

    def _tell(self, title: str, refusal: str | None) -> None:
        if refusal is None:
            self.refused.hide()
        else:
            self.refused.say("danger", title, refusal)
        self._show_chosen()

    def _on_refused(self, refusal: str) -> None:
        self._tell("Not done", refusal or None)

    def _edit(self, name: str | None) -> None:
        dialog = McpServerDialog(self.room.theme, self.room.desk, self, name)
        dialog.saved.connect(self._on_saved)
        dialog.open()

    def _on_saved(self, name: str) -> None:
        self._key.expected = name
        self._awaited.add(name)
        self.refresh()

    def _import(self, dialog: McpImportDialog) -> None:
        dialog.imported.connect(self._on_imported)
        dialog.open()

    def _on_imported(self, names: tuple[str, ...]) -> None:
        if names:
            self._key.expected = names[0]
        if len(names) == 1:
            self._awaited.add(names[0])
        self.refresh()

    def _restore(self, name: str) -> str | None:
        self._key.expected = name
        return self.room.desk.restore_mcp(name)

    def _open_awaited(self) -> None:
        """Opens the sheet of a server the user has just added or started, once it is known what it runs."""
        settled = {each.name: each for each in self.model.values if each.name in self._awaited}
        for name, server in settled.items():
            if server.phase in {ServerPhase.CONNECTED, ServerPhase.FAILED, ServerPhase.REJECTED}:
                self._awaited.discard(name)
            elif server.phase is ServerPhase.PENDING and server.launch is not None and self._is_free():
                self.choose(name)
                self.open_trust()
                return

    def _is_free(self) -> bool:
        """Nothing else is open over the page."""
        return self.isVisible() and self._sheet is None and QApplication.activeModalWidget() is None

    def _follow_sheet(self) -> None:
        if self._sheet is None:
            return
        server = next((s for s in self.model.values if s.name == self._sheet.server), None)
        if server is None:
            self._sheet.reject()
        else:
            self._sheet.show_server(server)

    def _on_sheet_closed(self) -> None:
        self._sheet = None
