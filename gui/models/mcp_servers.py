"""The table of MCP servers: one row each, with its state in words and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gui import mcp_words as words
from gui import wording
from gui.clock import now
from gui.models.ticked_table import TickedTable
from gui.models.value_table import Cell, Column
from proxy.mcp.values import ServerPhase, ServerStatus

_TONES = {"neutral": "muted", "info": "accent"}
_TIME_COLUMNS = (7, 8)


class McpServersModel(TickedTable[ServerStatus]):
    """Servers in file order; ticked is what starts with Signalbox."""

    def __init__(self, clock: Callable[[], float] = now) -> None:
        self._clock = clock
        super().__init__(
            "On",
            (
                Column("Name", lambda s: Cell(s.name)),
                Column("State", _state_cell),
                Column("Transport", lambda s: Cell(words.transport(s))),
                Column("Tools", _tools_cell, is_right=True),
                Column("~Tokens", _tokens_cell, is_right=True),
                Column("Restarts", _restarts_cell, is_right=True),
                Column("Uptime", self._uptime_cell),
                Column("Last call", self._last_call_cell),
                Column("Protocol", lambda s: _cell_or_dash(s.protocol)),
            ),
            key=lambda s: s.name,
            is_ticked=lambda s: s.is_enabled,
        )

    def tell_time(self) -> None:
        """Says that the columns with times look different now."""
        if self.values:
            first, last = _TIME_COLUMNS
            self.dataChanged.emit(self.index(0, first), self.index(len(self.values) - 1, last))

    def _uptime_cell(self, server: ServerStatus) -> Cell:
        if server.phase is not ServerPhase.CONNECTED or server.started_at is None:
            return Cell("–", tone="muted")
        up = self._clock() - server.started_at
        return Cell(wording.uptime(up) if up >= 60 else "< 1 min", full=wording.full_time(server.started_at))

    def _last_call_cell(self, server: ServerStatus) -> Cell:
        if server.last_call_at is None:
            return Cell("–", tone="muted")
        return Cell(
            words.ago(server.last_call_at, self._clock()), full=wording.full_time(server.last_call_at)
        )


def _state_cell(server: ServerStatus) -> Cell:
    phrase = words.phase_phrase(server)
    waiting = words.quarantined(server)
    if server.phase is ServerPhase.CONNECTED and waiting:
        text = f"{phrase.text} – {wording.count(len(waiting), 'tool')} to look at"
        return Cell(text, tone="warn", icon="warn", full=text)
    text = words.state_text(server)
    tone = _TONES.get(phrase.tone, phrase.tone)
    return Cell(text, tone=tone, icon=phrase.icon, full=words.visible(server.reason) or None)


def _tools_cell(server: ServerStatus) -> Cell:
    if not server.tools:
        return Cell("–", tone="muted")
    on = len(words.offered(server))
    full = f"{on} of {wording.count(len(server.tools), 'tool')} offered to models"
    return Cell(f"{on}/{len(server.tools)}", full=full)


def _tokens_cell(server: ServerStatus) -> Cell:
    offered: Sequence[int] = [tool.tokens for tool in words.offered(server)]
    return Cell(wording.tokens(sum(offered))) if offered else Cell("–", tone="muted")


def _restarts_cell(server: ServerStatus) -> Cell:
    return Cell(f"{server.restarts:,}", tone="warn" if server.restarts else "muted")


def _cell_or_dash(text: str) -> Cell:
    return Cell(words.one_line(text)) if text else Cell("–", tone="muted")
