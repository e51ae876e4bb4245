"""The tables of the Approvals page: what waits, and what was decided."""

from __future__ import annotations

from collections.abc import Callable

from gui import permission_words as words
from gui import wording
from gui.models.value_table import Cell, Column, ValueTable
from gui.permission_desk import ApprovalView, DecisionView

_HURRY_S = 20
REQUEST_COLUMN = 8


class WaitingModel(ValueTable[ApprovalView]):
    """Calls that wait, oldest first; the exact call stands beside the table, where it has room."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        super().__init__(
            (
                Column("Tool", tool_cell),
                Column("Client", lambda a: Cell(a.client.partition("/")[0], full=a.client)),
                Column(
                    "Workspace", lambda a: Cell(a.workspace or "none", tone=None if a.workspace else "muted")
                ),
                Column("Why asked", lambda a: Cell(a.reason, full=a.reason)),
                Column("Waits", lambda a: Cell(wording.time_left(clock() - a.asked_at)), is_right=True),
                Column("Denied in", self._left_cell, is_right=True),
            ),
            key=lambda a: a.approval_id,
        )

    def tick(self) -> None:
        """A second has passed."""
        if self.values:
            self.refresh(0, len(self.values) - 1)

    def _left_cell(self, approval: ApprovalView) -> Cell:
        left = approval.expires_at - self._clock()
        return Cell(wording.time_left(left), tone="warn" if left < _HURRY_S else None)


def tool_cell(row: ApprovalView | DecisionView) -> Cell:
    """Returns the tool; a repeated request has none."""
    return Cell("none", tone="muted", full=row.tool) if row.is_request else Cell(row.tool)


class HistoryModel(ValueTable[DecisionView]):
    """Past decisions, newest first."""

    def __init__(self) -> None:
        super().__init__(
            (
                Column("Time", lambda d: Cell(wording.clock_time(d.at), full=wording.full_time(d.at))),
                Column("Tool", tool_cell),
                Column("Call", lambda d: Cell(one_line(d.shown), is_mono=True)),
                Column("Decision", decision_cell),
                Column("By", lambda d: Cell(d.by, full=f"{d.by}: {d.reason}")),
                Column("Ran by", lambda d: Cell(words.runner_words(d.runner) if d.ran else "–")),
                Column("Result", result_cell),
                Column(
                    "Size", lambda d: Cell(wording.byte_size(d.result_bytes) if d.ran else ""), is_right=True
                ),
                Column("Request", lambda d: Cell(d.request_id, tone="accent", is_mono=True, is_link=True)),
            ),
            key=lambda d: f"{d.request_id} {d.call_id} {d.at}",
        )


def decision_cell(row: DecisionView) -> Cell:
    """Returns what was decided, as word and shape."""
    phrase = words.answer_phrase(row.decision)
    return Cell(phrase.text, tone=phrase.tone, icon=phrase.icon, full=row.reason)


def result_cell(row: DecisionView) -> Cell:
    """Returns how the call ended."""
    is_bad = row.ran and (row.is_error or (row.exit_code or 0) != 0)
    return Cell(words.result_words(row), tone="danger" if is_bad else None if row.ran else "muted")


def size_cell(row: DecisionView) -> Cell:
    """Returns how much the call gave back."""
    return Cell(wording.byte_size(row.result_bytes) if row.ran else "")


def one_line(text: str) -> str:
    """Returns a call on one line for a table; the whole of it stands under the table."""
    return " ⏎ ".join(wording.visible(text).splitlines())
