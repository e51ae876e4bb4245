"""Tells open streams that a list changed: what waits is a set of kinds, so nothing piles up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal

Kind = Literal["tools", "resources", "prompts"]
KINDS: tuple[Kind, ...] = ("tools", "resources", "prompts")
MAX_STREAMS = 64
"""Open at once, of all clients together."""


class ChangeStream:
    """What one client has yet to be told."""

    def __init__(self, wanted: Iterable[Kind] = KINDS) -> None:
        self.wanted = frozenset(wanted)
        self._pending: set[Kind] = set()
        self._is_ended = False
        self._wake = asyncio.Event()

    @property
    def is_ended(self) -> bool:
        """Nothing more will come."""
        return self._is_ended

    def tell(self, kinds: Iterable[Kind]) -> None:
        """Notes that lists changed."""
        self._pending |= self.wanted.intersection(kinds)
        if self._pending:
            self._wake.set()

    def end(self) -> None:
        """Lets whoever waits go."""
        self._is_ended = True
        self._wake.set()

    async def next(self, patience_s: float) -> tuple[Kind, ...]:
        """Returns the lists that changed; none where it ended or nothing changed in that many seconds."""
        if not self._pending and not self._is_ended:
            try:
                await asyncio.wait_for(self._wake.wait(), patience_s)
            except asyncio.TimeoutError:
                return ()
        self._wake.clear()
        told: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind in self._pending)
        self._pending.clear()
        return told


class Changes:
    """All open streams."""

    def __init__(self) -> None:
        self._streams: set[ChangeStream] = set()

    def __len__(self) -> int:
        return len(self._streams)

    def open(self, wanted: Iterable[Kind] = KINDS) -> ChangeStream | None:
        """Returns a new stream; None where there are too many."""
        if len(self._streams) >= MAX_STREAMS:
            return None
        stream = ChangeStream(wanted)
        self._streams.add(stream)
        return stream

    def close(self, stream: ChangeStream) -> None:
        """Ends a stream."""
        self._streams.discard(stream)
        stream.end()

    def tell(self, *kinds: Kind) -> None:
        """Tells all streams that lists changed."""
        for stream in self._streams:
            stream.tell(kinds)

    def end_all(self) -> None:
        """Ends all streams."""
        while self._streams:
            self._streams.pop().end()
