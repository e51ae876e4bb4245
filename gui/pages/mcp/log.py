"""The tabs with a server's lines: what it wrote and what happened to it, or the messages it exchanged."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QSplitter, QVBoxLayout, QWidget

from gui.mcp_desk import McpDesk
from gui.models.mcp_log import McpLogModel, McpLogProxy, log_text
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import Button, CopyButton, button
from gui.widgets.cards import row
from gui.widgets.code_view import CodeView, pretty
from gui.widgets.data_table import DataTable
from gui.widgets.fields import SearchField
from gui.widgets.path_field import file_chooser
from gui.widgets.text import label
from gui.wording import count, visible
from proxy.mcp.values import LogEntry, ServerStatus

LIVE_MS = 500


class LinesTab(QWidget):
    """A live table that follows the end; it asks only while it is seen."""

    refused = Signal(str)

    def __init__(
        self, theme: Theme, desk: McpDesk, name: str, kinds: Collection[str], *tools: Button
    ) -> None:
        super().__init__()
        self._desk, self._name, self._server = desk, name, ""
        self.setAccessibleName(name)
        self.model = McpLogModel(kinds)
        self.proxy = McpLogProxy(self.model)
        self.search = SearchField(theme, f"Search: {name}", "Search these lines")
        self.pause = button(theme, "Pause", icon="pause", kind="toggle", name=f"Pause: {name}")
        self.pause.setCheckable(True)
        self.copy = CopyButton(theme, self._all, text="Copy all", name=f"Copy all: {name}")
        self.store = button(theme, "Save…", icon="export", name=f"Save: {name}", on_click=self.open_save)
        self.table = DataTable(theme, name, self.proxy)
        self.table.set_widths((122, 126, 200), flexible=2)
        self.view = CodeView(f"Chosen line: {name}")
        self.view.setPlaceholderText("Choose a line to see all of it.")
        self.shown = label(kind="caption")
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setAccessibleName(f"{name} and the chosen line")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(12)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(self.view)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setSizes([560, 300])
        self.timer = QTimer(self)
        self.timer.setInterval(LIVE_MS)
        self.timer.timeout.connect(self.refresh)
        bar = row(*tools, self.search, self.pause, self.copy, self.store)
        bar.setStretch(len(tools), 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.s, 0, 0)
        layout.setSpacing(SPACE.s)
        layout.addLayout(bar)
        layout.addWidget(self.splitter, 1)
        layout.addWidget(self.shown)
        self.search.searched.connect(self._on_search)
        self.pause.toggled.connect(self.refresh)
        self.table.chosen.connect(self._show_chosen)

    def showEvent(self, event: QShowEvent) -> None:
        """Begins to ask for lines."""
        super().showEvent(event)
        self.timer.start()
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """Asks no more."""
        super().hideEvent(event)
        self.timer.stop()

    def show_server(self, name: str) -> None:
        """Shows the lines of a server."""
        if name != self._server:
            self._server = name
            self.pause.setChecked(False)
            self.model.show(())
            self._show_chosen()
        if self.isVisible():
            self.refresh()

    def refresh(self) -> None:
        """Takes the lines that are kept now, unless it is paused."""
        if self.pause.isChecked():
            return
        bar = self.table.verticalScrollBar()
        is_at_end = bar.value() >= bar.maximum()
        before = self.model.rowCount()
        self.model.show(self._desk.mcp_log(self._server) if self._server else ())
        self._count()
        if is_at_end and (before != self.model.rowCount() or before == 0):
            self.table.scrollToBottom()

    def open_save(self) -> None:
        """Asks for a file and writes the lines that are shown."""
        start = f"{self._server}-{'log' if 'stderr' in self.model.kinds else 'messages'}.txt"
        chooser = file_chooser(self, f"Save: {self._name}", "save", "Text (*.txt)", start)
        chooser.setOption(QFileDialog.Option.DontConfirmOverwrite, on=False)
        chooser.fileSelected.connect(self.write)
        chooser.open()

    def write(self, path: str) -> None:
        """Writes the lines that are shown into a file."""
        try:
            Path(path).write_text(self._all(), encoding="utf-8")
        except OSError as problem:
            self.refused.emit(f"{path} was not written: {problem.strerror or problem}.")
        else:
            self.shown.setText(f"Saved as {path}")

    def _on_search(self, text: str) -> None:
        self.proxy.search(text)
        self._count()

    def _count(self) -> None:
        kept, seen = self.model.rowCount(), self.proxy.rowCount()
        self.shown.setText(f"{seen:,} of {count(kept, 'line')}" if seen != kept else count(kept, "line"))

    def _show_chosen(self) -> None:
        value = self.table.current_value()
        self.view.show_text(visible(pretty(value.text)) if isinstance(value, LogEntry) else "")

    def _all(self) -> str:
        return log_text(self.proxy.lines())


class LogTab(LinesTab):
    """Standard error and what Signalbox did."""

    def __init__(self, theme: Theme, desk: McpDesk) -> None:
        super().__init__(theme, desk, "Log of the server", ("stderr", "lifecycle"))


class MessagesTab(LinesTab):
    """The JSON-RPC messages, kept only while the user wants them."""

    def __init__(self, theme: Theme, desk: McpDesk) -> None:
        trace = button(theme, "Keep messages", icon="live", kind="toggle")
        super().__init__(theme, desk, "Messages of the server", ("sent", "received"), trace)
        self.trace = trace
        self.trace.setCheckable(True)
        self.trace.clicked.connect(self._on_trace)
        self.view.setPlaceholderText("Messages hold what models send and get; they are kept in memory only.")

    def show_messages(self, server: ServerStatus) -> None:
        """Shows whether this server's messages are kept, and those that are."""
        self.show_server(server.name)
        self.trace.setChecked(server.is_traced)

    def _on_trace(self, is_on: bool) -> None:
        refusal = self._desk.trace_mcp(self._server, is_on=is_on)
        if refusal is not None:
            self.trace.setChecked(not is_on)
        self.refused.emit(refusal or "")
