"""Listens in on a transport: the JSON-RPC trace, and what a server said word for word."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Generic, Literal, TypeVar

import mcp_types
from mcp.client._transport import ReadStream, Transport, TransportStreams, WriteStream
from mcp.shared.message import SessionMessage
from typing_extensions import Self

Direction = Literal["sent", "received"]
Heard = Callable[[Direction, SessionMessage], None]
Incoming = SessionMessage | Exception
_Inner = TypeVar("_Inner", ReadStream[Incoming], WriteStream[SessionMessage])


class RawAnswers:
    """The complete answers to requests of some methods, before a model drops what it does not know."""

    def __init__(self, *methods: str) -> None:
        """Keeps the newest answer to each of these methods."""
        self._methods = frozenset(methods)
        self._asked: dict[Any, str] = {}
        self.newest: dict[str, dict[str, Any]] = {}

    def hear(self, direction: Direction, message: SessionMessage) -> None:
        """Takes a message."""
        heard = message.message
        if direction == "sent":
            if isinstance(heard, mcp_types.JSONRPCRequest) and heard.method in self._methods:
                self._asked[heard.id] = heard.method
        elif isinstance(heard, mcp_types.JSONRPCResponse):
            method = self._asked.pop(heard.id, None)
            if method is not None:
                self.newest[method] = heard.result
        elif isinstance(heard, mcp_types.JSONRPCError):
            self._asked.pop(heard.id, None)


@asynccontextmanager
async def tapped(inner: Transport, heard: Heard) -> AsyncGenerator[TransportStreams]:
    """A transport whose every message is heard by somebody else too."""
    async with inner as (reading, writing):
        yield _Reading(reading, heard), _Writing(writing, heard)


class _Tapped(Generic[_Inner]):
    """A stream that somebody listens to."""

    def __init__(self, inner: _Inner, heard: Heard) -> None:
        self._inner = inner
        self._heard = heard

    async def aclose(self) -> None:
        """Closes the stream."""
        await self._inner.aclose()

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        return await self._inner.__aexit__(exc_type, exc_val, exc_tb)


class _Reading(_Tapped[ReadStream[Incoming]]):
    """What comes in."""

    @property
    def last_context(self) -> Any:
        """Of whoever sent the last message."""
        return getattr(self._inner, "last_context", None)

    async def receive(self) -> Incoming:
        """Returns the next message."""
        return self._told(await self._inner.receive())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Incoming:
        return self._told(await self._inner.__anext__())

    def _told(self, message: Incoming) -> Incoming:
        if isinstance(message, SessionMessage):
            self._heard("received", message)
        return message


class _Writing(_Tapped[WriteStream[SessionMessage]]):
    """What goes out."""

    async def send(self, item: SessionMessage, /) -> None:
        """Sends a message."""
        self._heard("sent", item)
        await self._inner.send(item)
