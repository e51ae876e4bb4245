"""The tools of a request: each call with who ran it, what was decided, by which rule, and how it ended."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from gui import permission_words as words
from gui import wording
from gui.models.approvals import decision_cell, one_line, result_cell, size_cell, tool_cell
from gui.models.value_table import Cell, Column, ValueTable
from gui.permission_desk import DecisionView
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.call_view import CallView
from gui.widgets.data_table import DataTable
from gui.widgets.text import label


class RequestToolsModel(ValueTable[DecisionView]):
    """The calls of one request, in the order they were decided."""

    def __init__(self) -> None:
        super().__init__(
            (
                Column("Tool", tool_cell),
                Column("Call", lambda d: Cell(one_line(d.shown), is_mono=True)),
                Column("Ran by", lambda d: Cell(f"ran by {words.runner_words(d.runner)}" if d.ran else "–")),
                Column("Decision", decision_cell),
                Column("Rule", lambda d: Cell(d.rule or d.by, is_mono=d.rule is not None, full=d.reason)),
                Column("Result", result_cell),
                Column("Size", size_cell, is_right=True),
                Column("Took", lambda d: Cell(wording.seconds(d.duration_s) if d.ran else ""), is_right=True),
            ),
            key=lambda d: f"{d.call_id} {d.at}",
        )


class RequestTools(QWidget):
    """A table of calls and the chosen one whole."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName("Tools, page")
        self.model = RequestToolsModel()
        self.table = DataTable(theme, "Calls of the request", self.model)
        self.table.set_widths((84, 200, 130, 100, 150, 110, 66, 66), flexible=1)
        self.call = CallView("Chosen call of the request")
        self.call.setMinimumHeight(44)
        self.call.setPlaceholderText("Choose a call to see all of it.")
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setAccessibleName("Calls and the chosen one")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(10)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(self.call)
        self.splitter.setSizes([160, 48])
        self.none = label("No tool call of this request was decided here.", kind="muted", wraps=True)
        self.none.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.stack = QStackedWidget()
        self.stack.setAccessibleName("Calls or a hint")
        self.stack.addWidget(self.none)
        self.stack.addWidget(self.splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.s, 0, 0)
        layout.addWidget(self.stack)
        self.table.chosen.connect(self._show_chosen)

    def show_decisions(self, decisions: tuple[DecisionView, ...]) -> None:
        """Shows what was decided."""
        self.model.show(decisions)
        self.stack.setCurrentWidget(self.splitter if decisions else self.none)
        self._show_chosen()

    def text(self) -> str:
        """Returns all of it as text, a call a line."""
        return "\n".join(self.table.row_text(row) for row in range(self.model.rowCount()))

    def _show_chosen(self) -> None:
        decision = self.table.current_value()
        self.call.show_call(decision.shown if isinstance(decision, DecisionView) else "")
