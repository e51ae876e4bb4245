"""Listens in on a transport: the JSON-RPC trace, and what a server said word for word."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal

import mcp_types
from mcp.client._transport import ReadStream, Transport, TransportStreams, WriteStream
from mcp.shared.message import SessionMessage
from typing_extensions import Self

Direction = Literal["sent", "received"]
Heard = Callable[[Direction, SessionMessage], None]
Incoming = SessionMessage | Exception


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


class TappedTransport:
    """A transport whose every message is heard by somebody else too."""

    def __init__(self, inner: Transport, heard: Heard) -> None:
        """Wraps a transport."""
        self._inner = inner
        self._heard = heard

    async def __aenter__(self) -> TransportStreams:
        """Opens the inner transport."""
        reading, writing = await self._inner.__aenter__()
        return _Reading(reading, self._heard), _Writing(writing, self._heard)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        """Closes the inner transport."""
        return await self._inner.__aexit__(exc_type, exc_val, exc_tb)


class _Reading:
    """What comes in."""

    def __init__(self, inner: ReadStream[Incoming], heard: Heard) -> None:
        self._inner = inner
        self._heard = heard

    @property
    def last_context(self) -> Any:
        """Of whoever sent the last message."""
        return getattr(self._inner, "last_context", None)

    async def receive(self) -> Incoming:
        """Returns the next message."""
        return self._told(await self._inner.receive())

    async def aclose(self) -> None:
        """Closes the stream."""
        await self._inner.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Incoming:
        return self._told(await self._inner.__anext__())

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

    def _told(self, message: Incoming) -> Incoming:
        if isinstance(message, SessionMessage):
            self._heard("received", message)
        return message


class _Writing:
    """What goes out."""

    def __init__(self, inner: WriteStream[SessionMessage], heard: Heard) -> None:
        self._inner = inner
        self._heard = heard

    async def send(self, item: SessionMessage, /) -> None:
        """Sends a message."""
        self._heard("sent", item)
        await self._inner.send(item)

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
