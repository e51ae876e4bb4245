"""The sessions of MCP clients of the era with a handshake: who they are, what of theirs runs, until idle."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from proxy.context import NewId
from proxy.mcp.gateway_changes import ChangeStream

MAX_SESSIONS = 128
IDLE_S = 30 * 60.0

Running = dict[str | int, "asyncio.Future[Any]"]


@dataclass(slots=True)
class Session:
    """One client's session."""

    id: str
    token_name: str
    version: str
    """The revision of the protocol that was agreed on."""
    client: str
    """What the client calls itself."""
    used_at: float
    running: Running = field(default_factory=dict[str | int, "asyncio.Future[Any]"])
    """Calls under way, by the client's ids, so that it can cancel them."""
    changes: ChangeStream | None = None
    """The stream on which it is told of changes, while it is open."""

    @property
    def is_busy(self) -> bool:
        """Something of it is under way."""
        return bool(self.running) or self.changes is not None

    def cancel(self, request_id: object) -> None:
        """Cancels a call that the client no longer wants."""
        if isinstance(request_id, str | int):
            call = self.running.get(request_id)
            if call is not None:
                call.cancel()


class Sessions:
    """The sessions that are kept, the least recently used first."""

    def __init__(
        self, new_id: NewId, clock: Callable[[], float], on_end: Callable[[Session], object]
    ) -> None:
        """Makes an empty memory.

        Args:
            new_id: Makes session ids, which nobody can guess.
            clock: Seconds, for idleness.
            on_end: Ends what a session that is over still holds.
        """
        self._new_id = new_id
        self._clock = clock
        self._on_end = on_end
        self._kept: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def open(self, token_name: str, version: str, client: str) -> Session:
        """Returns a new session; where there are too many, one of the token that has most of them ends.

        Of its sessions it is the one that was idle longest: no client drives out those of another token.
        """
        self._expire()
        while len(self._kept) >= MAX_SESSIONS:
            crowd = Counter(each.token_name for each in self._kept.values()).most_common(1)[0][0]
            theirs = [each for each in self._kept.values() if each.token_name == crowd]
            self.end(next((each for each in theirs if not each.is_busy), theirs[0]))
        session = Session(self._new_id("mcp_"), token_name, version, client, self._clock())
        self._kept[session.id] = session
        return session

    def find(self, session_id: str, token_name: str) -> Session | None:
        """Returns a session of the client with this token; that of another client is none."""
        self._expire()
        session = self._kept.get(session_id)
        if session is None or session.token_name != token_name:
            return None
        session.used_at = self._clock()
        self._kept.move_to_end(session_id)
        return session

    def end(self, session: Session) -> None:
        """Ends a session and all that runs for it."""
        self._kept.pop(session.id, None)
        for call in tuple(session.running.values()):
            call.cancel()
        if session.changes is not None:
            session.changes.end()
        self._on_end(session)

    def _expire(self) -> None:
        before = self._clock() - IDLE_S
        for session in [each for each in self._kept.values() if each.used_at < before and not each.is_busy]:
            self.end(session)
