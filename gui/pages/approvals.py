"""Approvals: the calls that wait for the user's word, and what was decided before."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from gui import permission_words as words
from gui import wording
from gui.clock import now
from gui.dialogs.approval_panel import ApprovalPanel
from gui.dialogs.rule_dialog import RuleDialog
from gui.models.approvals import REQUEST_COLUMN, HistoryModel, WaitingModel
from gui.models.value_table import ChosenKey
from gui.pages.page import Page, Room
from gui.permission_desk import ApprovalView, DecisionView
from gui.roles import Role
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.call_view import CallView
from gui.widgets.cards import EmptyState, row
from gui.widgets.data_table import DataTable
from gui.widgets.fields import SearchField
from gui.widgets.text import label, selectable

_SECOND_MS = 1000
_SOON_MS = 300
_WAITING, _HISTORY = 0, 1
_ROOM_FOR_BOTH = 440


class WaitingTab(QWidget):
    """A table of what waits, and the chosen call whole, with the buttons that answer it."""

    def __init__(self, room: Room, clock: Callable[[], float]) -> None:
        super().__init__()
        theme = room.theme
        self._desk = room.desk
        self.setAccessibleName("Waiting")
        self.model = WaitingModel(clock)
        self.table = DataTable(theme, "Calls that wait", self.model)
        self.table.set_widths((92, 92, 92, 120, 84, 90), flexible=3)
        self.table.setMinimumHeight(100)
        self.panel = ApprovalPanel(theme, room.desk, clock=clock)
        self.panel.add_keys(self)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setAccessibleName("Waiting calls and the chosen one")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(12)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(self.panel)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([130, 420])
        self.empty = EmptyState(
            theme,
            "approvals",
            "Nothing waits for you",
            "When a tool wants to do what no rule allows, its exact call appears here for you to decide.",
        )
        self.stack = QStackedWidget()
        self.stack.setAccessibleName("Waiting calls or a hint")
        self.stack.addWidget(self.splitter)
        self.stack.addWidget(self.empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.s, 0, 0)
        layout.setSpacing(SPACE.xs)
        layout.addWidget(self.stack, 1)
        self.position = label(kind="strong")
        self.before = button(theme, "Previous", icon="up", kind="flat", on_click=lambda: self._step(-1))
        self.after = button(theme, "Next", icon="down", kind="flat", on_click=lambda: self._step(1))
        self.stepper = QWidget()
        self.stepper.setAccessibleName("Step through the calls")
        self.stepper.setLayout(row(self.position, self.before, self.after, None, spacing=SPACE.xs))
        layout.insertWidget(0, self.stepper)
        self._key = ChosenKey()
        self._second = QTimer(self)
        self._second.setInterval(_SECOND_MS)
        self._second.timeout.connect(self.model.tick)
        self.table.chosen.connect(self._show_chosen)
        self.refresh()

    def refresh(self) -> None:
        """Shows what waits now; stays with the shown call as long as it waits."""
        waiting = self._desk.approvals()
        self.model.show(waiting)
        self.stack.setCurrentWidget(self.splitter if waiting else self.empty)
        if not waiting:
            self.panel.forget()
            self._second.stop()
            return
        self.table.choose_row(self._key.row_in(self.model))
        self._show_chosen()
        self._second.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leaves the table away in a low window: call and answers need the room."""
        super().resizeEvent(event)
        self._fit()

    def begin(self) -> None:
        """The page was opened: the focus goes to Deny, and nothing counts for half a second."""
        if self.panel.shown is not None:
            self.panel.restart_guard()
            self.panel.deny.setFocus()

    def _show_chosen(self) -> None:
        approval = self.table.current_value()
        if isinstance(approval, ApprovalView):
            self._key.shown = approval.approval_id
            self.panel.show_approval(approval)
            number, position = self.model.rowCount(), self.table.currentIndex().row()
            self.position.setText(f"{position + 1} of {number}")
            self.before.setEnabled(position > 0)
            self.after.setEnabled(position < number - 1)
        self._fit()

    def _fit(self) -> None:
        has_room = self.height() >= _ROOM_FOR_BOTH
        self.table.setVisible(has_room)
        self.stepper.setVisible(not has_room and self.model.rowCount() > 1)

    def _step(self, by: int) -> None:
        self.table.choose_row(self.table.currentIndex().row() + by)


class HistoryTab(QWidget):
    """Past decisions with a filter, and the chosen one's whole call."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self._room = room
        theme = room.theme
        self.setAccessibleName("History")
        self.model = HistoryModel()
        self.filter = SearchField(theme, "Filter decisions", "Filter: tool, call, client or reason")
        self.shown = label(kind="caption")
        self.table = DataTable(theme, "Decisions", self.model)
        self.table.set_widths((72, 80, 150, 92, 148, 80, 76, 62, 84), flexible=2)
        self.call = CallView("Chosen call")
        self.call.setPlaceholderText("Choose a decision to see its whole call.")
        self.reason = selectable(label(kind="muted", wraps=True))
        self.make_rule = button(theme, "Make rule…", icon="add", on_click=self.open_rule)
        self.to_request = button(theme, "Show request", icon="requests")
        below = QWidget()
        below.setAccessibleName("Chosen decision")
        below_layout = QVBoxLayout(below)
        below_layout.setContentsMargins(0, 0, 0, 0)
        below_layout.setSpacing(SPACE.s)
        below_layout.addWidget(self.call, 1)
        said = row(spacing=SPACE.s)
        said.addWidget(self.reason, 1)
        said.addWidget(self.make_rule)
        said.addWidget(self.to_request)
        below_layout.addLayout(said)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setAccessibleName("Decisions and the chosen one")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(12)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(below)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setSizes([360, 140])
        self.empty = EmptyState(
            theme,
            "approvals",
            "No decision yet",
            "Every tool call that passes through Signalbox is listed here with who decided and what ran, "
            "and so is every answer about a request that came too often.",
        )
        self.stack = QStackedWidget()
        self.stack.setAccessibleName("Decisions or a hint")
        self.stack.addWidget(self.splitter)
        self.stack.addWidget(self.empty)
        tools = row(self.filter, self.shown)
        tools.setStretch(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.m, 0, 0)
        layout.setSpacing(SPACE.m)
        layout.addLayout(tools)
        layout.addWidget(self.stack, 1)
        self.filter.searched.connect(self.ask)
        self.table.chosen.connect(self._show_chosen)
        self.table.opened.connect(self.open_rule)
        self._show_chosen()

    def ask(self) -> None:
        """Asks the desk for what the filter wants."""
        self._room.desk.read_history(self.filter.text().strip())

    def show_rows(self, rows: tuple[DecisionView, ...]) -> None:
        """Shows the answer."""
        self.model.show(rows)
        is_filtered = bool(self.filter.text().strip())
        self.stack.setCurrentWidget(self.splitter if rows or is_filtered else self.empty)
        self.filter.setVisible(bool(rows) or is_filtered)
        self.shown.setText(wording.count(len(rows), "decision") if rows or is_filtered else "")
        self._show_chosen()

    def chosen(self) -> DecisionView | None:
        """Returns the chosen decision."""
        value = self.table.current_value()
        return value if isinstance(value, DecisionView) else None

    def open_rule(self) -> None:
        """Opens the rule builder with what was decided."""
        decision = self.chosen()
        if decision is not None and not decision.is_request:
            effect = "deny" if decision.decision == "deny" else "allow"
            text = words.rule_for(decision.tool, decision.shown)
            RuleDialog(self._room.theme, self._room.desk, self, effect=effect, text=text).open()

    def _show_chosen(self) -> None:
        decision = self.chosen()
        self.make_rule.setEnabled(decision is not None and not decision.is_request)
        self.to_request.setEnabled(decision is not None)
        self.call.show_call(decision.shown if decision else "")
        rule = f"  ·  rule {decision.rule}" if decision and decision.rule else ""
        self.reason.setText(f"{decision.reason}{rule}" if decision else "")


class ApprovalsPage(Page):
    """What waits, and the history."""

    def __init__(self, room: Room, clock: Callable[[], float] = now) -> None:
        super().__init__(
            room,
            "Approvals",
            "Calls that no rule allows wait here for your word; so do requests that come too often.",
        )
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Approvals")
        self.tabs.tabBar().setAccessibleName("Approvals, tabs")
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.waiting = WaitingTab(room, clock)
        self.history = HistoryTab(room)
        self.tabs.addTab(self.waiting, "Waiting")
        self.tabs.addTab(self.history, "History")
        self.body.addWidget(self.tabs, 1)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self._ask_if_seen)
        bridge = room.bridge
        bridge.approvals_changed.connect(self._on_approvals)
        bridge.history_read.connect(self.history.show_rows)
        bridge.tools_decided.connect(self._soon.start)
        self.tabs.currentChanged.connect(self._on_tab)
        self.waiting.panel.request_asked.connect(self.request_asked.emit)
        self.history.to_request.clicked.connect(self._ask_request)
        self.history.table.link_clicked.connect(self._on_link)
        self._on_approvals()

    def remembered(self) -> tuple[QSplitter | DataTable, ...]:
        """Returns what keeps its sizes."""
        return (self.waiting.splitter, self.history.splitter, self.history.table)

    def focus_filter(self) -> None:
        """Opens the history and puts the cursor into its filter."""
        self.tabs.setCurrentIndex(_HISTORY)
        self.history.filter.setFocus()
        self.history.filter.selectAll()

    def begin(self) -> None:
        """The page was opened: what waits comes first."""
        if self.room.desk.approvals():
            self.tabs.setCurrentIndex(_WAITING)
            self.waiting.begin()
        self._ask_if_seen()

    @property
    def shows_waiting(self) -> bool:
        """The tab with the waiting calls is open."""
        return self.tabs.currentIndex() == _WAITING

    def _on_approvals(self) -> None:
        self.waiting.refresh()
        number = len(self.room.desk.approvals())
        self.tabs.setTabText(_WAITING, f"Waiting ({number})" if number else "Waiting")

    def _on_tab(self, tab: int) -> None:
        if tab == _HISTORY:
            self.history.ask()
        self.part_changed.emit()

    def _ask_if_seen(self) -> None:
        if self.tabs.currentIndex() == _HISTORY and self.isVisible():
            self.history.ask()

    def _ask_request(self) -> None:
        decision = self.history.chosen()
        if decision is not None:
            self.request_asked.emit(decision.request_id)

    def _on_link(self, index: QModelIndex) -> None:
        decision: object = index.data(Role.VALUE)
        if isinstance(decision, DecisionView) and index.column() == REQUEST_COLUMN:
            self.request_asked.emit(decision.request_id)
