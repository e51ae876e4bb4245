"""Requests: every call as it happens, what it asked for, who served it, and both sides of it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget

from gui import wording
from gui.desk import ProxyPhase, ProxyState
from gui.models.earlier_requests import earlier_row
from gui.models.request_filter import RequestQuery, RequestsProxy
from gui.models.requests import RequestRow, RequestsModel
from gui.pages.page import Page, Room
from gui.pages.request_detail import RequestDetail
from gui.request_desk import AttemptsRead, EarlierRequestsRead, ExchangeRead
from gui.widgets.buttons import CopyButton, button
from gui.widgets.cards import EmptyState, row
from gui.widgets.data_table import DataTable
from gui.widgets.fields import SearchField
from gui.widgets.text import label
from proxy.events import RequestEvent, ToolDecided


class RequestsPage(Page):
    """A live table, newest first, and the detail of the chosen request below it."""

    def __init__(self, room: Room, rows: RequestsModel) -> None:
        """Shows rows that somebody else keeps up to date: requests come whether or not the page is there."""
        super().__init__(room, "Requests", "What clients asked and what came back, as it happens.")
        theme = room.theme
        self.model = rows
        self.proxy = RequestsProxy(self.model)
        self.filter = SearchField(
            theme,
            "Filter requests",
            "Words, or status:error model:big took:>10 tool:Bash decided:deny",
        )
        self.errors = button(theme, "Errors", kind="toggle", name="Only errors")
        self.live = button(theme, "Live", kind="toggle", name="Only running requests")
        self.shown = label(kind="caption")
        self.load_earlier = button(theme, "Load earlier", on_click=self._ask_earlier)
        self.load_earlier.setToolTip("Reads older requests from the ledger")
        self.load_earlier.hide()
        self._was_shown = self._has_more = self._is_reading = False
        self._wanted = ""
        """The request to show once those of earlier sessions have been read."""
        self.table = DataTable(theme, "Requests", self.proxy)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
        self.table.set_widths((88, 78, 148, 86, 116, 52, 46, 52, 64, 82, 68), flexible=2)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # keeps a piece of both models
        self.detail = RequestDetail(theme, room.desk)
        self.detail.hide()
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setAccessibleName("Requests and details")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(12)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(self.detail)
        self.splitter.setSizes([220, 380])
        self.copy_lines = CopyButton(
            theme, self._connect_lines, text="Copy the two lines", name="Copy both lines", kind="primary"
        )
        self.empty = EmptyState(
            theme,
            "requests",
            "No request yet",
            "Point Claude Code at the proxy with two lines in your terminal; its calls appear here.",
            self.copy_lines,
        )
        self.stack = QStackedWidget()
        self.stack.setAccessibleName("Requests or a hint")
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.splitter)
        self.tools = row(self.filter, self.errors, self.live, self.shown, self.load_earlier)
        self.tools.setStretch(0, 1)
        self.tools.setAlignment(self.load_earlier, Qt.AlignmentFlag.AlignRight)
        self.body.addLayout(self.tools)
        self.body.addWidget(self.stack, 1)
        self._wire()
        self._count()

    def _wire(self) -> None:
        bridge = self.room.bridge
        bridge.requests_advanced.connect(self._on_advanced)
        bridge.exchange_kept.connect(self._on_exchange)
        bridge.exchange_read.connect(self._on_exchange_read)
        bridge.settings_changed.connect(self._show_kept)
        bridge.tools_decided.connect(self._on_decided)
        bridge.earlier_requests_read.connect(self._on_earlier)
        bridge.attempts_read.connect(self._on_attempts)
        bridge.state_changed.connect(self._on_state)
        self._on_state(self.room.desk.state())
        self.filter.searched.connect(self._apply_filter)
        for chip in (self.errors, self.live):
            chip.setCheckable(True)
            chip.toggled.connect(self._apply_filter)
        self.table.chosen.connect(self._show_chosen)
        self.table.opened.connect(self._show_chosen)
        self.detail.exchanges.keep_asked.connect(self._keep_bodies)
        self.detail.closed.connect(self.close_detail)
        self.detail.lines_asked.connect(self.lines_asked.emit)

    def remembered(self) -> tuple[QSplitter | DataTable, ...]:
        """Returns what keeps its sizes."""
        return (self.splitter, self.table, self.detail.exchanges.splitter)

    def focus_filter(self) -> None:
        """Puts the cursor into the filter."""
        self.filter.setFocus()
        self.filter.selectAll()

    def show_request(self, request_id: str) -> None:
        """Chooses a request once it is read, lifting the filter if it hides it; tells if it is not kept."""
        self._wanted = ""
        position = self.model.row_of(request_id)
        if position is not None:
            self._choose(position)
        elif self._is_reading or not self._was_shown:
            self._wanted = request_id
        else:
            self.request_missed.emit(request_id)

    def _choose(self, position: int) -> None:
        index = self.proxy.mapFromSource(self.model.index(position, 0))
        if not index.isValid():
            self.clear_filter()
            index = self.proxy.mapFromSource(self.model.index(position, 0))
        self.table.choose_row(index.row())
        self._show_chosen()

    def clear_filter(self) -> None:
        """Shows every request."""
        blockers = [QSignalBlocker(part) for part in (self.filter, self.errors, self.live)]
        self.filter.clear()
        self.errors.setChecked(False)
        self.live.setChecked(False)
        del blockers
        self._apply_filter()

    def close_detail(self) -> None:
        """Closes the detail and gives the keys back to the table."""
        self.detail.hide()
        self.table.clearSelection()
        self.table.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Closes the detail on Esc."""
        if event.key() == Qt.Key.Key_Escape and not self.detail.isHidden():
            self.close_detail()
            return
        super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Asks for requests of earlier sessions when the page is seen for the first time."""
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            self._ask_earlier()

    def _ask_earlier(self) -> None:
        self._is_reading = True
        self.load_earlier.setEnabled(False)
        self.room.desk.read_earlier_requests(self.model.oldest_us())

    def _on_earlier(self, read: EarlierRequestsRead) -> None:
        self.model.add_earlier([earlier_row(each) for each in read.rows])
        self._has_more = read.has_more
        self._is_reading = False
        self.load_earlier.setEnabled(True)
        self._count()
        if self._wanted:
            self.show_request(self._wanted)

    def _on_attempts(self, read: AttemptsRead) -> None:
        row = self.model.row_of(read.request_id)
        if row is not None and not read.attempts and self.model.request(row).earlier is None:
            return  # the ledger has not got it yet
        self.model.note_attempts(read.request_id, read.attempts)
        if not self.detail.isHidden() and read.request_id == self.detail.request_id:
            self._show_chosen()

    def _on_state(self, state: ProxyState) -> None:
        self.copy_lines.setEnabled(state.phase is ProxyPhase.RUNNING)

    def _apply_filter(self) -> None:
        self.proxy.set_query(
            RequestQuery(
                self.filter.text(), errors_only=self.errors.isChecked(), live_only=self.live.isChecked()
            )
        )
        self._count()

    def _on_advanced(self, events: tuple[RequestEvent, ...]) -> None:
        self._count()
        shown = self.detail.request_id
        if not self.detail.isHidden() and any(event.request_id == shown for event in events):
            self._show_chosen()

    def _on_exchange(self, request_id: str) -> None:
        if not self.detail.isHidden() and request_id == self.detail.request_id:
            self._show_chosen()

    def _on_exchange_read(self, read: ExchangeRead) -> None:
        if self.detail.isHidden():
            return
        self.detail.take(read)
        request = self.table.current_value()
        if (
            read.exchange is None
            and isinstance(request, RequestRow)
            and request.request_id == read.request_id
        ):
            self._ask_attempts(request)  # the ledger knows how each ended

    def _ask_attempts(self, request: RequestRow) -> None:
        if request.attempts is None and not request.is_live and request.refused is None:
            self.room.desk.read_attempts(request.request_id)

    def _keep_bodies(self) -> None:
        problem = self.room.desk.keep_bodies()
        if problem is not None:
            self.detail.exchanges.hint.setText(problem)

    def _show_kept(self) -> None:
        if not self.detail.isHidden():
            self._show_chosen()

    def _on_decided(self, decisions: tuple[ToolDecided, ...]) -> None:
        shown = self.detail.request_id
        if not self.detail.isHidden() and any(each.request_id == shown for each in decisions):
            self.detail.show_tools()

    def _show_chosen(self) -> None:
        request = self.table.current_value()
        if isinstance(request, RequestRow):
            if request.earlier is not None:
                self._ask_attempts(request)
            self.detail.show_request(request)
            if self.detail.isHidden():
                self.detail.show()  # the table gets less room: its chosen row is to stay in view
                QTimer.singleShot(0, self.table, lambda: self.table.scrollTo(self.table.currentIndex()))

    def _count(self) -> None:
        kept, shown = self.model.rowCount(), self.proxy.rowCount()
        self.stack.setCurrentWidget(self.splitter if kept else self.empty)
        for part in (self.filter, self.errors, self.live, self.shown):
            part.setVisible(kept > 0)
        self.load_earlier.setVisible(self._has_more and not self.model.is_full)
        words = f"{shown:,} of {kept:,}" if shown != kept else wording.count(kept, "request")
        dropped = self.room.bridge.request_events_dropped
        if dropped:  # so that a row may never say how it ended
            words += f"  ·  {wording.count(dropped, 'update')} came too fast to show (the log has them)"
        self.shown.setText(words)

    def _connect_lines(self) -> str:
        return self.room.desk.connect_lines().shell.get_secret_value()
