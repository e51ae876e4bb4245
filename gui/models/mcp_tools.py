"""The tools of one MCP server: switched on or off, with what calls of them need and what they cost."""

from __future__ import annotations

from gui import mcp_words as words
from gui import wording
from gui.models.ticked_table import TickedTable
from gui.models.value_table import Cell, Column
from proxy.mcp.values import ToolFacts

_EFFECT_CELLS = {
    "allow": ("ok", "check"),
    "ask": ("warn", "ask"),
    "deny": ("danger", "refused"),
}
_CELL_CHARACTERS = 200


class McpToolsModel(TickedTable[ToolFacts]):
    """Tools in their server's order; ticked is what may be offered."""

    def __init__(self) -> None:
        super().__init__(
            "On",
            (
                Column("Tool", lambda t: Cell(words.one_line(t.name), full=t.full_name)),
                Column("Permission", _permission_cell),
                Column("Description", _description_cell),
                Column("~Tokens", lambda t: Cell(wording.tokens(t.tokens)), is_right=True),
                Column("Definition", _quarantine_cell),
            ),
            key=lambda t: t.name,
            is_ticked=lambda t: t.is_enabled,
        )


def _permission_cell(tool: ToolFacts) -> Cell:
    tone, icon = _EFFECT_CELLS.get(tool.permission or "", ("muted", None))
    return Cell(words.permission_text(tool), tone=tone, icon=icon)


def _description_cell(tool: ToolFacts) -> Cell:
    text = words.one_line(tool.description)
    return Cell(text[:_CELL_CHARACTERS], full=text[: _CELL_CHARACTERS * 4])


def _quarantine_cell(tool: ToolFacts) -> Cell:
    if tool.quarantine is None:
        return Cell("as approved", tone="muted")
    full = "Not offered to models and not called until you accepted it."
    return Cell(tool.quarantine, tone="warn", icon="warn", full=full)
