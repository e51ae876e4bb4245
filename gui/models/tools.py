"""The tools as a tree: groups and MCP servers with their tools, and a tick for what models are told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QAbstractItemModel, QModelIndex, Qt, Signal

from gui import permission_words as words
from gui import wording
from gui.models.ticked_table import with_tick
from gui.permission_desk import ToolView
from gui.roles import NO_PARENT, PLAIN, Index, Look, Role

COLUMNS = ("Tool", "What it does", "Default", "Rules", "Calls 24 h", "~Tokens")
_RIGHT = {3, 4, 5}
_GROUP_ORDER = ("Read", "Edit", "Run", "Web", "Plan")
_NO_GROUP = 0


@dataclass(slots=True)
class ToolGroup:
    """A group and its tools."""

    name: str
    tools: list[ToolView] = field(default_factory=list[ToolView])

    @property
    def title(self) -> str:
        """What the tree says."""
        return self.name if self.name in _GROUP_ORDER else f"MCP {self.name}"

    @property
    def check_state(self) -> Qt.CheckState:
        """Ticked, unticked, or partly."""
        offered = {tool.is_offered for tool in self.tools}
        if len(offered) > 1:
            return Qt.CheckState.PartiallyChecked
        return Qt.CheckState.Checked if offered == {True} else Qt.CheckState.Unchecked


class ToolsModel(QAbstractItemModel):
    """Groups with tools below them; a tick asks for a change and waits until the desk has made it."""

    offer_asked = Signal(tuple, bool)
    """Names of tools, and whether models are to be told of them."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[ToolGroup] = []

    def show(self, tools: Sequence[ToolView]) -> None:
        """Takes the catalogue; a reset only when tools came or went."""
        groups = _grouped(tools)
        if [_names(g) for g in groups] != [_names(g) for g in self.groups]:
            self.beginResetModel()
            self.groups = groups
            self.endResetModel()
            return
        self.groups = groups
        last = len(COLUMNS) - 1
        for row, group in enumerate(groups):
            parent = self.index(row, 0)
            self.dataChanged.emit(parent, self.index(row, last))
            end = len(group.tools) - 1
            self.dataChanged.emit(self.index(0, 0, parent), self.index(end, last, parent))

    def index_of(self, name: str) -> QModelIndex:
        """Returns where a tool stands; an invalid index if it is not there."""
        for row, group in enumerate(self.groups):
            for place, tool in enumerate(group.tools):
                if tool.name == name:
                    return self.index(place, 0, self.index(row, 0))
        return QModelIndex()

    def index(self, row: int, column: int, parent: Index = NO_PARENT) -> QModelIndex:
        """Returns the index of a cell."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else _NO_GROUP)

    def parent(self, index: Index = NO_PARENT) -> QModelIndex:  # pyright: ignore[reportIncompatibleMethodOverride] - QObject's
        """Returns the group of a tool."""
        group = int(index.internalId()) if index.isValid() else _NO_GROUP
        return QModelIndex() if group == _NO_GROUP else self.createIndex(group - 1, 0, _NO_GROUP)

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        """Returns how many groups, or tools of a group, there are."""
        if not parent.isValid():
            return len(self.groups)
        if parent.column() != 0 or parent.internalId() != _NO_GROUP:
            return 0
        return len(self.groups[parent.row()].tools)

    def columnCount(self, parent: Index = NO_PARENT) -> int:  # noqa: ARG002 - Qt names it
        """Returns the number of columns."""
        return len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Returns a column's title."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(COLUMNS):
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return COLUMNS[section] if role == Qt.ItemDataRole.DisplayRole else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Says that the first column has a tick."""
        return with_tick(super().flags(index), index)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Returns what a view asks of a cell."""
        entry = self._entry(index)
        if entry is None:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        if role == Role.VALUE:
            return entry
        if isinstance(entry, ToolGroup):
            return _group_data(entry, index.column(), role)
        return _tool_data(entry, index.column(), role)

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Asks for a tick to be set or taken; the desk's answer changes the rows."""
        entry = self._entry(index)
        if role != Qt.ItemDataRole.CheckStateRole or entry is None:
            return False
        is_offered = Qt.CheckState(value) is not Qt.CheckState.Unchecked
        tools = entry.tools if isinstance(entry, ToolGroup) else [entry]
        self.offer_asked.emit(tuple(t.name for t in tools if t.is_offered != is_offered), is_offered)
        return True

    def _entry(self, index: Index) -> ToolView | ToolGroup | None:
        if not index.isValid():
            return None
        group = int(index.internalId())
        if group == _NO_GROUP:
            return self.groups[index.row()] if index.row() < len(self.groups) else None
        tools = self.groups[group - 1].tools if group <= len(self.groups) else []
        return tools[index.row()] if index.row() < len(tools) else None


def _grouped(tools: Sequence[ToolView]) -> list[ToolGroup]:
    groups: dict[str, ToolGroup] = {}
    for tool in tools:
        groups.setdefault(tool.group, ToolGroup(tool.group)).tools.append(tool)
    known = [groups[name] for name in _GROUP_ORDER if name in groups]
    return [*known, *(group for name, group in groups.items() if name not in _GROUP_ORDER)]


def _names(group: ToolGroup) -> tuple[str, tuple[str, ...]]:
    return group.name, tuple(tool.name for tool in group.tools)


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _RIGHT else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _check(state: Qt.CheckState, column: int, role: int) -> object:
    return state if role == Qt.ItemDataRole.CheckStateRole and column == 0 else None


def _group_data(group: ToolGroup, column: int, role: int) -> object:
    if role == Role.LOOK:
        return Look("muted") if column else PLAIN
    if role != Qt.ItemDataRole.DisplayRole:
        return _check(group.check_state, column, role)
    offered = [tool for tool in group.tools if tool.is_offered]
    return {
        0: group.title,
        1: f"{len(offered)} of {wording.count(len(group.tools), 'tool')} offered",
        5: wording.tokens(sum(tool.tokens for tool in offered)),
    }.get(column, "")


def _tool_data(tool: ToolView, column: int, role: int) -> object:
    phrase = words.effect_phrase(tool.default)
    if role == Role.LOOK:
        if column == 2:
            return Look(phrase.tone, phrase.icon)
        return Look("muted") if not tool.is_offered else PLAIN
    if role == Role.FULL_TEXT:
        return tool.description if column <= 1 else _calls_words(tool) if column == 4 else None
    if role != Qt.ItemDataRole.DisplayRole:
        state = Qt.CheckState.Checked if tool.is_offered else Qt.CheckState.Unchecked
        return _check(state, column, role)
    return {
        0: tool.name,
        1: tool.description,
        2: phrase.text,
        3: f"{tool.rules}" if tool.rules else "–",
        4: calls_text(tool),
        5: wording.tokens(tool.tokens),
    }[column]


def calls_text(tool: ToolView) -> str:
    """Returns `12 / 3 / 1`: calls allowed, asked and denied; nothing when there were none."""
    if not tool.allowed + tool.asked + tool.denied:
        return "–"
    return f"{tool.allowed:,} / {tool.asked:,} / {tool.denied:,}"


def _calls_words(tool: ToolView) -> str:
    return f"{tool.allowed:,} allowed, {tool.asked:,} asked, {tool.denied:,} denied in the last 24 hours"
