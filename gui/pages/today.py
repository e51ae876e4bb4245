"""The card that says what today cost, how the budgets stand, and when repeated requests are stopped."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QGridLayout, QWidget

from gui import wording
from gui.dialogs.repeats_dialog import RepeatsDialog
from gui.pages.page import Room
from gui.permission_words import repeats_words
from gui.spending import BudgetView, SpendingView
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import Card, row
from gui.widgets.shape import Shape
from gui.widgets.text import label

_SOON_MS = 1000
_NEARLY = 0.8


class TodayCard(Card):
    """Asks again a second after requests moved, and when the state of the proxy is told."""

    def __init__(self, room: Room) -> None:
        super().__init__("Today")
        self._room = room
        self.figures = label(wraps=True)
        self.month = label(kind="muted", wraps=True)
        self.body.addWidget(self.figures)
        self.body.addWidget(self.month)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(SPACE.l)
        self._grid.setVerticalSpacing(SPACE.s)
        self._grid.setColumnStretch(2, 1)
        self._cells: list[QWidget] = []
        self._shown: SpendingView | None = None
        self.body.addLayout(self._grid)
        self.repeats = label(wraps=True)
        self.change_repeats = button(
            room.theme, "Change…", kind="link", name="Change repeated requests", on_click=self._open_repeats
        )
        line = row(label("Repeated requests", kind="strong"), SPACE.s)
        line.addWidget(self.repeats, 1)
        line.addWidget(self.change_repeats)
        self.body.addLayout(line)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self.refresh)
        room.bridge.requests_advanced.connect(self._on_requests)
        room.bridge.state_changed.connect(self.refresh)
        room.bridge.tokens_changed.connect(self.refresh)
        room.bridge.permissions_changed.connect(self._show_repeats)
        self._show_repeats()
        self.refresh()

    def refresh(self) -> None:
        """Shows what the desk knows now; nothing while it knows nothing."""
        spending = self._room.desk.spending()
        self.setVisible(spending is not None)
        if spending is None or spending == self._shown:
            return
        self._shown = spending
        self.figures.setText(figures(spending))
        month = f"This month: {wording.cost(spending.month_cost_usd)}."
        if spending.unpriced_usd:
            unpriced = wording.cost(spending.unpriced_usd)
            month += f" Requests of unknown price count against budgets with {unpriced}."
        self.month.setText(month)
        self._show_budgets(spending.budgets)

    def _show_repeats(self) -> None:
        text = repeats_words(self._room.desk.safety())
        self.repeats.setText(f"{text[:1].upper()}{text[1:]}.")

    def _open_repeats(self) -> None:
        RepeatsDialog(self._room.theme, self._room.desk, self).open()

    def _on_requests(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _show_budgets(self, budgets: tuple[BudgetView, ...]) -> None:
        for old in self._cells:
            old.hide()
            self._grid.removeWidget(old)
            old.deleteLater()
        self._cells.clear()
        for line, budget in enumerate(budgets):
            icon, role, tone, word = _standing(budget)
            shape = Shape(self._room.theme, icon, role=role, size=16)
            shape.setAccessibleName(word)
            name = label(f"{budget.name}, a {budget.period}", kind="strong")
            words = label(budget_words(budget), wraps=True)
            if tone:
                words.setProperty("tone", tone)
            for column, part in enumerate((shape, name, words)):
                self._grid.addWidget(part, line, column, Qt.AlignmentFlag.AlignTop)
                self._cells.append(part)


def figures(spending: SpendingView) -> str:
    """Returns today in one line."""
    cost = wording.cost(spending.cost_usd)
    return "  ·  ".join(
        (
            wording.count(spending.requests, "request"),
            f"{wording.tokens(spending.input_tokens)} tokens in",
            f"{wording.tokens(spending.output_tokens)} out",
            f"{cost} (estimate)" if spending.is_estimate else cost,
        )
    )


def budget_words(budget: BudgetView) -> str:
    """Returns how a budget stands in one sentence."""
    text = f"{wording.cost(budget.spent_usd)} of {wording.money(budget.limit_usd)}"
    if budget.reserved_usd:
        text += f", {wording.cost(budget.reserved_usd)} more under way at most"
    if budget.is_used_up:
        return f"{text}: used up, begins anew on {budget.resets_on}"
    return f"{text}, begins anew on {budget.resets_on}"


def _standing(budget: BudgetView) -> tuple[str, str, str, str]:
    if budget.is_used_up:
        return "error", "danger", "danger", "Used up"
    if budget.spent_usd + budget.reserved_usd >= _NEARLY * budget.limit_usd:
        return "warn", "warn", "warn", "Nearly used up"
    return "ok", "ok", "", "Within its limit"
