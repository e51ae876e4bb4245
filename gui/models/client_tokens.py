"""The table of the clients' tokens: their limits and what they cost."""

from __future__ import annotations

from gui import wording
from gui.models.value_table import Cell, Column, ValueTable
from gui.spending import TokenView


class TokensModel(ValueTable[TokenView]):
    """Tokens in the order they were made."""

    def __init__(self) -> None:
        super().__init__(
            (
                Column("Name", lambda t: Cell(t.name)),
                Column("Begins with", lambda t: Cell(f"{t.prefix}…", is_mono=True)),
                Column("Aliases", lambda t: Cell(", ".join(t.aliases) or "all models")),
                Column("Workspace", lambda t: Cell(t.workspace or "default")),
                Column("Limit a day", lambda t: Cell(_limit(t.day_usd)), is_right=True),
                Column("Limit a month", lambda t: Cell(_limit(t.month_usd)), is_right=True),
                Column("This month", lambda t: Cell(wording.cost(t.month_cost_usd)), is_right=True),
                Column("Last used", lambda t: Cell(t.last_used or "not this month")),
                Column("Made on", lambda t: Cell(t.created)),
            ),
            key=lambda t: t.name,
        )


def _limit(value: float | None) -> str:
    return "none" if value is None else wording.money(value)
