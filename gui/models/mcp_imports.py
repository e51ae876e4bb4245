"""What could be taken over from other programs or from pasted text: rows to tick."""

from __future__ import annotations

from collections.abc import Sequence

from gui import mcp_words as words
from gui.mcp_desk import McpImportRow
from gui.models.ticked_table import TickedTable
from gui.models.value_table import Cell, Column

_CONFLICTS = {
    "none": Cell("new", tone="ok", icon="add"),
    "same": Cell("already there", tone="muted", icon="check"),
    "different": Cell("another has this name", tone="warn", icon="warn"),
}


class McpImportsModel(TickedTable[McpImportRow]):
    """Rows in the order they were found; it keeps the ticks itself."""

    def __init__(self) -> None:
        self._ticked: set[str] = set()
        super().__init__(
            "Take",
            (
                Column("Name", lambda r: Cell(words.one_line(r.name))),
                Column("From", lambda r: Cell(words.one_line(r.source), full=words.visible(r.file))),
                Column("What it runs", lambda r: Cell(words.one_line(r.summary), is_mono=True)),
                Column("Here", lambda r: _CONFLICTS[r.conflict]),
                Column("Notes", _notes_cell),
            ),
            key=lambda r: r.key,
            is_ticked=lambda r: r.key in self._ticked,
        )
        self.tick_asked.connect(self._tick)

    @property
    def ticked(self) -> tuple[str, ...]:
        """The keys of the ticked rows, in order."""
        return tuple(row.key for row in self.values if row.key in self._ticked)

    def offer(self, rows: Sequence[McpImportRow]) -> None:
        """Shows rows; ticked is what we have not."""
        self._ticked = {row.key for row in rows if row.conflict == "none"}
        self.show(rows)

    def _tick(self, key: str, is_ticked: bool) -> None:
        (self._ticked.add if is_ticked else self._ticked.discard)(key)
        row = self.row_of(key)
        if row is not None:
            self.refresh(row, row)


def _notes_cell(row: McpImportRow) -> Cell:
    if not row.notes:
        return Cell("–", tone="muted")
    text = "; ".join(words.one_line(note) for note in row.notes)
    return Cell(text, tone="warn", icon="info", full=text)
