"""The lines of one MCP server, told as a whole and taken over piece by piece, and a filter over them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QSortFilterProxyModel, Qt

from gui import mcp_words as words
from gui import wording
from gui.models.titled_table import TitledTable
from gui.roles import NO_PARENT, PLAIN, Index, Look, Role
from proxy.mcp.values import LogEntry

_CELL_CHARACTERS = 400
_LOOKS = {
    "lifecycle": Look("accent", "info"),
    "sent": Look("muted", "up"),
    "received": Look("muted", "down"),
}
_MONO, _FAINT_MONO = Look(is_mono=True), Look("muted", is_mono=True)


class McpLogModel(TitledTable):
    """Lines of some kinds, oldest first; `show` changes no more than it must."""

    def __init__(self, kinds: Collection[str]) -> None:
        super().__init__(("Time", "From", "Line"))
        self._kinds = frozenset(kinds)
        self._lines: list[LogEntry] = []

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of lines that are kept."""
        return self._kinds

    def kept(self) -> Sequence[LogEntry]:
        """Returns the lines."""
        return self._lines

    def show(self, entries: Sequence[LogEntry]) -> None:
        """Takes the lines that are kept now."""
        wanted = [entry for entry in entries if entry.kind in self._kinds]
        known = _overlap(self._lines, wanted)
        if known == 0:
            if self._lines or wanted:
                self.beginResetModel()
                self._lines = wanted
                self.endResetModel()
            return
        gone = len(self._lines) - known
        if gone:
            self.beginRemoveRows(NO_PARENT, 0, gone - 1)
            del self._lines[:gone]
            self.endRemoveRows()
        if len(wanted) > known:
            self.beginInsertRows(NO_PARENT, known, len(wanted) - 1)
            self._lines.extend(wanted[known:])
            self.endInsertRows()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Returns what a view asks of a cell."""
        if not index.isValid() or not 0 <= index.row() < len(self._lines):
            return None
        entry, column = self._lines[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return _text(entry, column)
            case Role.LOOK:
                return _FAINT_MONO if column == 0 else _LOOKS.get(entry.kind, PLAIN) if column == 1 else _MONO
            case Role.VALUE:
                return entry
            case _:
                return None


class McpLogProxy(QSortFilterProxyModel):
    """The lines that hold the words searched for."""

    def __init__(self, source: McpLogModel) -> None:
        super().__init__()
        self._log = source
        self._text = ""
        self.setSourceModel(source)

    def search(self, text: str) -> None:
        """Shows only lines with this text, whatever its case."""
        self.beginFilterChange()
        self._text = text.casefold()
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def lines(self) -> list[LogEntry]:
        """Returns the lines that are shown."""
        return [entry for entry in self._log.kept() if self._accepts(entry)]

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:  # noqa: ARG002 - Qt names it
        """Says whether a line is shown."""
        return self._accepts(self._log.kept()[source_row])

    def _accepts(self, entry: LogEntry) -> bool:
        return not self._text or self._text in entry.text.casefold()


def log_text(entries: Sequence[LogEntry]) -> str:
    """Returns lines as text to copy or save."""
    return "".join(
        f"{wording.full_time(entry.at)}  {words.kind_name(entry):<11}  {words.visible(entry.text)}\n"
        for entry in entries
    )


def _overlap(old: Sequence[LogEntry], new: Sequence[LogEntry]) -> int:
    """Returns how many of the last lines of `old` are the first of `new`."""
    if not old:
        return 0
    for end in range(min(len(new), len(old)), 0, -1):
        if new[end - 1] == old[-1] and list(new[:end]) == list(old[-end:]):
            return end
    return 0


def _text(entry: LogEntry, column: int) -> str:
    if column == 0:
        return wording.clock_time_ms(entry.at)
    return words.kind_name(entry) if column == 1 else words.one_line(entry.text[:_CELL_CHARACTERS])
