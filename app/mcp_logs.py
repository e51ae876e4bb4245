"""What people read of MCP servers' logs and states: without secrets, each line judged once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from app.redaction import Redactor
from proxy.mcp.values import LogEntry, ServerStatus

_MANY_LINES = "-----BEGIN "
"""Begins the one kind of secret that a server's log holds in several lines."""


class ShownLogs:
    """The logs as they were shown last: only new lines are judged, all of them after a key was added."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._mark = redactor.mark
        self._shown: dict[str, dict[LogEntry, LogEntry]] = {}

    def log(self, server: str, entries: Sequence[LogEntry]) -> tuple[LogEntry, ...]:
        """Returns a server's lines without secrets."""
        if self._redactor.mark is not self._mark:
            self._mark = self._redactor.mark
            self._shown.clear()
        if any(_MANY_LINES in entry.text for entry in entries):
            entries = tuple(self._without_blocks(entries))
        before = self._shown.get(server, {})
        now = {entry: before.get(entry) or self._line(entry) for entry in entries}
        self._shown[server] = now
        return tuple(now[entry] for entry in entries)

    def status(self, status: ServerStatus) -> ServerStatus:
        """Returns how a server stands, without secrets in the reason: that may be its last words."""
        reason = self._redactor.text(status.reason)
        return status if reason == status.reason else replace(status, reason=reason)

    def _line(self, entry: LogEntry) -> LogEntry:
        text = self._redactor.text(entry.text)
        return entry if text == entry.text else replace(entry, text=text)

    def _without_blocks(self, entries: Sequence[LogEntry]) -> Iterator[LogEntry]:
        """The lines of each kind as one text; where lines went, the later ones move up to earlier times."""
        texts: dict[str, Iterator[str]] = {}
        for kind in {entry.kind for entry in entries}:
            whole = "\n".join(entry.text for entry in entries if entry.kind == kind)
            texts[kind] = iter(self._redactor.text(whole).split("\n"))
        for entry in entries:
            text = next(texts[entry.kind], None)
            if text is not None:
                yield replace(entry, text=text)
