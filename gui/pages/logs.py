"""Logs: what the program says of itself, live, filtered by level, words and request."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QSignalBlocker, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QSplitter

from gui import wording
from gui.desk import LogLine
from gui.models.logs import LEVELS, LogQuery, LogsModel, LogsProxy
from gui.pages.page import Page, Room
from gui.roles import Role
from gui.tokens import SPACE
from gui.widgets.buttons import CopyButton, button
from gui.widgets.cards import row
from gui.widgets.code_view import CodeView
from gui.widgets.data_table import DataTable
from gui.widgets.fields import ChoiceBox, SearchField
from gui.widgets.text import label


class LogsPage(Page):
    """A live table that follows the end until the user looks back, and the chosen line as JSON."""

    def __init__(self, room: Room) -> None:
        super().__init__(room, "Logs", "What the program says of itself; keys and tokens are blacked out.")
        theme = room.theme
        self.model = LogsModel()
        self.proxy = LogsProxy(self.model)
        self.level = ChoiceBox(theme, "Least level")
        for level in LEVELS:
            self.level.addItem(level if level == "critical" else f"{level} and worse", level)
        self.level.setCurrentIndex(1)
        self.filter = SearchField(theme, "Filter log lines", "Filter: component, event or details")
        self.request = QLineEdit()
        self.request.setAccessibleName("Request id")
        self.request.setPlaceholderText("Request id")
        self.request.setClearButtonEnabled(True)
        self.request.setFixedWidth(160)
        self.follow = button(theme, "Follow", icon="follow", kind="toggle", name="Follow the newest line")
        self.follow.setCheckable(True)
        self.follow.setChecked(True)
        self.shown = label(kind="caption")
        self.table = DataTable(theme, "Log lines", self.proxy)
        self.table.set_widths((122, 100, 140, 170, 130, 180), flexible=5)
        self.view = CodeView("Chosen line as JSON")
        self.view.setPlaceholderText("Choose a line to see all of it.")
        self.copy = CopyButton(theme, self._json, text="Copy as JSON", name="Copy the line as JSON")
        self.to_request = button(theme, "Show request", icon="requests", on_click=self._ask_request)
        self.folder = button(theme, "Open folder", icon="folder", on_click=self.open_folder)
        self.clear = button(theme, "Clear view", icon="close", on_click=self._clear)
        self.top_actions.addWidget(self.clear)
        self.top_actions.addWidget(self.folder)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setAccessibleName("Log lines and the chosen one")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(12)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(self.view)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setSizes([420, 130])
        tools = row(self.level, self.filter, self.request, self.follow)
        tools.setStretch(1, 1)
        self.body.addLayout(tools)
        self.body.addWidget(self.splitter, 1)
        self.body.addLayout(row(self.copy, self.to_request, None, self.shown, spacing=SPACE.s))
        self._wire()
        tail = room.desk.log_tail()
        self._from_tail = {id(line): line for line in tail}
        self.model.append(tail)
        self._apply_filter()
        self._show_chosen()

    def _wire(self) -> None:
        self.room.bridge.logs_appended.connect(self._on_appended)
        self.level.currentIndexChanged.connect(self._apply_filter)
        self.filter.searched.connect(self._apply_filter)
        self.request.textChanged.connect(self._apply_filter)
        self.follow.toggled.connect(self._on_follow)
        self.table.chosen.connect(self._show_chosen)
        self.table.opened.connect(self._ask_request)
        self.table.link_clicked.connect(self._on_link)
        self.table.verticalScrollBar().actionTriggered.connect(self._on_scrolled)

    def remembered(self) -> tuple[QSplitter | DataTable, ...]:
        """Returns what keeps its sizes."""
        return (self.splitter, self.table)

    def focus_filter(self) -> None:
        """Puts the cursor into the filter."""
        self.filter.setFocus()
        self.filter.selectAll()

    def show_request(self, request_id: str) -> None:
        """Shows the lines of one request only."""
        blockers = [QSignalBlocker(part) for part in (self.filter, self.level)]
        self.filter.clear()
        self.level.setCurrentIndex(0)
        del blockers
        self.request.setText(request_id)
        self._apply_filter()

    def open_folder(self) -> None:
        """Opens the folder of the log file in the desktop's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(self.room.desk.log_folder()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Lifts the filter on Esc."""
        if event.key() == Qt.Key.Key_Escape and (self.request.text() or self.filter.text()):
            self.filter.clear()
            self.request.clear()
            self._apply_filter()
            return
        super().keyPressEvent(event)

    def chosen(self) -> LogLine | None:
        """Returns the chosen line."""
        value = self.table.current_value()
        return value if isinstance(value, LogLine) else None

    def _apply_filter(self) -> None:
        level: object = self.level.currentData()
        self.proxy.set_query(LogQuery(str(level), self.filter.text(), self.request.text()))
        self._count()
        self._scroll_to_end()

    def _on_appended(self, lines: tuple[LogLine, ...], dropped: int) -> None:
        self.model.append(self._not_yet_shown(lines), dropped)
        self._count()
        self._scroll_to_end()

    def _not_yet_shown(self, lines: tuple[LogLine, ...]) -> tuple[LogLine, ...]:
        """Leaves out lines that were under way when the tail was read, for they stand in it already."""
        if not self._from_tail:
            return lines
        fresh = tuple(line for line in lines if id(line) not in self._from_tail)
        if fresh:
            self._from_tail.clear()
        return fresh

    def _on_follow(self) -> None:
        self._scroll_to_end()

    def _on_scrolled(self) -> None:
        bar = self.table.verticalScrollBar()
        if self.follow.isChecked() and bar.sliderPosition() < bar.maximum():
            self.follow.setChecked(False)

    def _scroll_to_end(self) -> None:
        if self.follow.isChecked():
            self.table.scrollToBottom()

    def _count(self) -> None:
        kept, shown = self.model.rowCount(), self.proxy.rowCount()
        words = (
            f"{shown:,} of {wording.count(kept, 'line')}" if shown != kept else wording.count(kept, "line")
        )
        if self.model.dropped:
            words += f"  ·  {self.model.dropped:,} came too fast to show (the file has them)"
        self.shown.setText(words)

    def _show_chosen(self) -> None:
        line = self.chosen()
        self.copy.setEnabled(line is not None)
        self.to_request.setEnabled(line is not None and line.request_id is not None)
        self.view.show_text(line.json or "" if line is not None else "")

    def _on_link(self, index: QModelIndex) -> None:
        line: object = index.data(Role.VALUE)
        if isinstance(line, LogLine) and line.request_id is not None:
            self.request_asked.emit(line.request_id)

    def _ask_request(self) -> None:
        line = self.chosen()
        if line is not None and line.request_id is not None:
            self.request_asked.emit(line.request_id)

    def _clear(self) -> None:
        self.model.clear()
        self._count()

    def _json(self) -> str:
        line = self.chosen()
        return line.json if line is not None else ""
