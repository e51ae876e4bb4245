"""The steps of a request and both sides of the chosen one: what was sent, and what came back."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from gui.models.exchanges import Step, StepsModel, call_facts, facts_of
from gui.models.value_table import ChosenKey
from gui.pages.exchange_sides import Side, side_of
from gui.request_desk import ExchangeRead
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.body_view import BodyView
from gui.widgets.buttons import button
from gui.widgets.cards import row
from gui.widgets.data_table import DataTable
from gui.widgets.text import label, selectable

_LEAST_BODY = 120
"""Pixels of a body that stay readable in a low window."""


class RequestExchanges(QWidget):
    """A table of steps, and the chosen one beside it."""

    asked = Signal(int)
    """The bodies of the attempt with this number are wanted."""
    keep_asked = Signal()
    """Bodies are to be kept from now on."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName("Exchanges, page")
        self._chosen = ChosenKey()
        self._read: ExchangeRead | None = None
        self._why_none = ""
        self.model = StepsModel()
        self.table = DataTable(theme, "Exchanges of the request", self.model)
        self.table.set_widths((28, 116, 130, 66), flexible=1)
        self.error = selectable(label(wraps=True))
        self.error.setProperty("tone", "danger")
        self.reason = selectable(label(wraps=True))
        self.facts = selectable(label(kind="caption", wraps=True))
        self.sent = button(theme, "Sent", kind="toggle", name="What was sent")
        self.came = button(theme, "Came back", kind="toggle", name="What came back")
        self.raw = button(theme, "Raw", kind="toggle", name="As it went over the wire")
        self.raw.setToolTip("As it went over the wire, instead of put together to one message")
        for each in (self.sent, self.came, self.raw):
            each.setCheckable(True)
        self._sides = QButtonGroup(self)
        self._sides.addButton(self.sent)
        self._sides.addButton(self.came)
        self.came.setChecked(True)
        self.body = BodyView(theme, "Body of the exchange")
        self.hint = label(kind="muted", wraps=True)
        self.keep = button(theme, "Keep bodies", on_click=self.keep_asked.emit)
        self._stack = QStackedWidget()
        self._stack.setAccessibleName("Body or a hint")
        self._stack.setMinimumHeight(theme.px(_LEAST_BODY))
        self._stack.addWidget(self.body)
        self._stack.addWidget(self._hint_page())
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setAccessibleName("Exchanges and the chosen one")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(12)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(self._side_page())
        self.splitter.setSizes([420, 430])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.s, 0, 0)
        layout.addWidget(self.splitter)
        self.table.chosen.connect(self._on_chosen)
        self._sides.buttonToggled.connect(self._show_side)
        self.raw.toggled.connect(self._show_side)

    def _side_page(self) -> QWidget:
        page = QWidget()
        page.setAccessibleName("Chosen exchange")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE.xs)
        for part in (self.error, self.reason, self.facts):
            layout.addWidget(part)
        layout.addSpacing(SPACE.xs)
        layout.addLayout(row(self.sent, self.came, None, self.raw, spacing=SPACE.xs))
        layout.addWidget(self._stack, 1)
        return page

    def _hint_page(self) -> QWidget:
        page = QWidget()
        page.setAccessibleName("Why there is no body")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, SPACE.s, 0, 0)
        layout.setSpacing(SPACE.s)
        layout.addWidget(self.hint)
        layout.addLayout(row(self.keep, None))
        layout.addStretch(1)
        return page

    @property
    def step(self) -> Step | None:
        """The chosen step."""
        value = self.table.current_value()
        return value if isinstance(value, Step) else None

    def begin(self) -> None:
        """Another request is going to be shown: its last step will be the chosen one."""
        self._chosen = ChosenKey()

    def show_steps(
        self, steps: Sequence[Step], read: ExchangeRead | None, why_none: str, *, can_keep: bool
    ) -> None:
        """Shows a request's steps.

        Args:
            steps: In order.
            read: Its two sides, as far as they were read; None: they are being read.
            why_none: Why they are not kept, where they are not.
            can_keep: They could be kept from now on.
        """
        self._read, self._why_none = read, why_none
        self.keep.setVisible(can_keep)
        blocker = QSignalBlocker(self.table)
        self.model.show(steps)
        if steps:
            number = self.model.row_of(self._chosen.shown) if self._chosen.shown else None
            self.table.choose_row(len(steps) - 1 if number is None else number)
        del blocker
        self.table.setVisible(bool(steps))
        self._show_step()

    def text(self) -> str:
        """Returns what is shown of the chosen step, whole."""
        return self.body.text if self._stack.currentWidget() is self.body else self.hint.text()

    def _on_chosen(self) -> None:
        if self.step is not None:
            self._chosen.shown = self.step.key
            self._show_step()

    def _show_step(self) -> None:
        step, read = self.step, self._read
        attempt = None if step is None else step.attempt
        decision = None if step is None else step.decision
        if attempt is not None:
            why, facts, error = attempt.reason, facts_of(attempt), attempt.error_message
            if read is not None and read.exchange is not None and read.n != attempt.n:
                self.asked.emit(attempt.n)
        elif decision is not None:
            why, facts, error = decision.reason, call_facts(decision), ""
        else:
            why = facts = error = ""
        for part, words in ((self.error, error), (self.reason, why), (self.facts, facts)):
            part.setText(words)
            part.setVisible(bool(words))
        self._show_side()

    def _show_side(self) -> None:
        side = side_of(
            self.step,
            self._read,
            self._why_none,
            is_sent=self.sent.isChecked(),
            is_raw=self.raw.isChecked(),
        )
        has_sides = self.step is not None and side.hint != self._why_none
        self.sent.setVisible(has_sides)
        self.came.setVisible(has_sides)
        self.raw.setVisible(side.can_be_raw)
        self._say(side)

    def _say(self, side: Side) -> None:
        if side.hint:
            self.hint.setText(side.hint)
            self._stack.setCurrentIndex(1)
        else:
            self.body.show_body(side.text, head=side.head, note=side.note, file_name=side.file_name)
            self._stack.setCurrentIndex(0)
