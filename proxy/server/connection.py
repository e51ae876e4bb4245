"""Guards each TCP connection: how long it may take, how many there may be, and what a broken request is told.

aiohttp ends neither a slow header nor a slow body nor a silent connection, and its own answer to a broken
request repeats what was sent (measured with 3.14.5). So its protocol class is extended here: a sweep once a
second looks at every connection, which costs nothing per received piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import StreamReader, web

from proxy.context import NewId
from proxy.messages.errors import ApiError, ClientError, ErrorType
from proxy.messages.wire import write_json
from proxy.server.limits import Limits
from proxy.server.responses import ProxyRequest, error_response

MAX_LINE_BYTES = 16 * 1024
"""Longest request line and header; Claude Code's beta header has about 500 bytes."""


@dataclass(slots=True)
class ConnectionState:
    """Where one connection stands; times are the loop's."""

    idle_since: float
    is_known: bool = False
    """It has shown the token."""
    requests: int = 0
    """Requests being handled now (0 or 1)."""
    headers_since: float | None = None
    """When the first byte of headers that are not complete yet came."""
    body: StreamReader | None = None
    """The body that is being read."""
    body_since: float = 0.0
    body_length: int | None = None
    body_received: int = 0

    def request_begins(self) -> None:
        """Headers are complete and the request is being handled."""
        self.requests += 1
        self.headers_since = None

    def request_ends(self, now: float) -> None:
        """The request was handled."""
        self.requests -= 1
        self.idle_since = now
        self.headers_since = None

    def body_begins(self, body: StreamReader, length: int | None, now: float) -> None:
        """The body is going to be read."""
        self.body, self.body_since, self.body_length, self.body_received = body, now, length, 0

    def body_ends(self) -> None:
        """The body was read, or given up."""
        self.body = None

    def is_overdue(self, limits: Limits, now: float) -> bool:
        """Whether the connection has taken too long, outside of a request or within its headers."""
        if self.requests:
            return False
        if self.headers_since is not None:
            return now - self.headers_since >= limits.header_s
        return now - self.idle_since >= limits.idle_s

    def is_body_overdue(self, limits: Limits, now: float) -> bool:
        """Whether the body being read comes too slowly."""
        if self.body is None:
            return False
        elapsed = now - self.body_since
        if self.body_length is not None and self.body_length <= limits.small_body_bytes:
            return elapsed >= limits.small_body_s
        return elapsed >= limits.body_grace_s and self.body_received / elapsed < limits.body_min_rate


class GuardedConnection(web.RequestHandler):
    """One client's connection."""

    __slots__ = ("_guard", "_now", "state")

    def __init__(self, server: GuardedServer, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=cast("Any", None),  # ours is proxy.service.record
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            lingering_time=0,
            auto_decompress=False,
        )
        self._guard = server.guard
        self._now = loop.time
        self.state = ConnectionState(loop.time())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes the connection, or says that there are too many."""
        self.state = ConnectionState(self._now())
        if self._guard.admit(self):
            super().connection_made(transport)
            return
        self.force_close()  # so that what it sends is not read
        refused = cast("asyncio.Transport", transport)
        refused.write(self._guard.full_answer())
        refused.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forgets the connection."""
        self._guard.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feeds the parser; the first byte of a request starts the clock of its headers."""
        if not self.state.requests and self.state.headers_since is None:
            self.state.headers_since = self._now()
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answers what the HTTP parser could not read, without repeating any of it."""
        del request, exc, message
        error = ClientError(ErrorType.INVALID_REQUEST, "This is not a valid HTTP/1.1 request.", status=status)
        response = error_response(error, self._guard.refuse(error))
        response.force_close()
        return response


class ConnectionGuard:
    """Knows all connections and looks them over once a sweep."""

    def __init__(self, limits: Limits, new_id: NewId, refused: Callable[[str, ApiError], None]) -> None:
        self._limits = limits
        self._new_id = new_id
        self._refused = refused
        self._connections: set[GuardedConnection] = set()
        self._timer: asyncio.TimerHandle | None = None

    def admit(self, connection: GuardedConnection) -> bool:
        """Takes a new connection in; closes the longest idle one where there are too many."""
        if len(self._connections) >= self._limits.max_connections and not self._make_room():
            return False
        self._connections.add(connection)
        if self._timer is None:
            self._arm()
        return True

    def forget(self, connection: GuardedConnection) -> None:
        """Notes that a connection ended."""
        self._connections.discard(connection)

    def refuse(self, error: ApiError) -> str:
        """Announces a refused request and returns the id made for it."""
        request_id = self._new_id("req_")
        self._refused(request_id, error)
        return request_id

    def full_answer(self) -> bytes:
        """Returns the whole answer for a connection that is one too many."""
        error = ApiError(ErrorType.OVERLOADED, "Too many connections.", status=503, retry_after_s=1)
        request_id = self.refuse(error)
        body = write_json(error.body(request_id))
        return (
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
            b"Cache-Control: no-store\r\nRetry-After: 1\r\nConnection: close\r\n"
            b"request-id: %s\r\nContent-Length: %d\r\n\r\n%s" % (request_id.encode(), len(body), body)
        )

    def close(self) -> None:
        """Ends the sweeps."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def sweep(self, now: float) -> None:
        """Closes what took too long, and strangers beyond the limit."""
        for connection in list(self._connections):
            state = connection.state
            if state.is_body_overdue(self._limits, now) and state.body is not None:
                state.body.set_exception(
                    ClientError(ErrorType.INVALID_REQUEST, "The request body came too slowly.", status=408)
                )
            elif state.is_overdue(self._limits, now):
                connection.force_close()
        strangers = self._idle(now, lambda state: not state.is_known)
        for connection in strangers[: max(0, len(strangers) - self._limits.max_strangers)]:
            connection.force_close()

    def _idle(self, now: float, wanted: Callable[[ConnectionState], bool]) -> list[GuardedConnection]:
        """The connections without a request that may be closed to make room, longest idle first."""
        found = [
            each
            for each in self._connections
            if not each.state.requests
            and now - each.state.idle_since >= self._limits.stranger_grace_s
            and wanted(each.state)
        ]
        return sorted(found, key=lambda each: (each.state.is_known, each.state.idle_since))

    def _make_room(self) -> bool:
        idle = self._idle(asyncio.get_running_loop().time(), lambda _state: True)
        if not idle:
            return False
        self._connections.discard(idle[0])
        idle[0].force_close()
        return True

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._limits.sweep_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._connections:
            self.sweep(asyncio.get_running_loop().time())
            self._arm()


class GuardedServer(web.Server):
    """Makes guarded connections for the listening sockets."""

    def __init__(
        self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], guard: ConnectionGuard
    ) -> None:
        loop = asyncio.get_running_loop()

        def make_request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> ProxyRequest:
            return ProxyRequest(message, payload, protocol, writer, task, loop)

        super().__init__(handler, request_factory=make_request, handler_cancellation=True)
        self.guard = guard
        self._running_loop = loop

    def __call__(self) -> web.RequestHandler:
        """Returns the protocol of a new connection."""
        return GuardedConnection(self, self._running_loop)
