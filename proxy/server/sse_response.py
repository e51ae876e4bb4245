"""Sends a streamed answer: events in, bytes out, with a ping where the upstream lives but has no content.

A ping vouches for what was heard: the status that begins an answer allows one, and each further one needs a
byte of the upstream's since, if only a comment. An upstream that fell silent gets none, so clients see the
silence that there is; Claude Code bears five minutes of it, and our deadlines are not longer. The one ping
for the status is for clients that read for four seconds only, and costs a later failure its status: Claude
Code then asks again without streaming, and gets it. While tools run here, we live ourselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

from aiohttp import web

from proxy.messages import events
from proxy.messages.events import StreamEvent
from proxy.messages.sse import encode_event
from proxy.server.limits import Limits
from proxy.service.record import RequestRecord
from proxy.tasks import spawn

_PING = encode_event(events.ping())


class SseResponse:
    """One event stream to a client; HTTP 200 leaves with its first byte."""

    def __init__(self, request: web.BaseRequest, record: RequestRecord, limits: Limits) -> None:
        self._request = request
        self._record = record
        self._limits = limits
        self._now = asyncio.get_running_loop().time
        self._last_byte_at = 0.0
        self._has_pinged = False
        self._vouched_for = -1
        """How many pieces had been heard at the last ping; -1: a status came since."""
        self._is_writing = False
        self.has_ended = False
        """The event that ends the answer was sent; what may still be missing is the end of the body."""
        self._is_over = False
        """No ping may leave any more."""
        self._timer: asyncio.TimerHandle | None = None
        self._response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "request-id": record.context.request_id,
            }
        )

    @property
    def has_begun(self) -> bool:
        """The status line left, so an error can only be told inside the stream."""
        return self._response.prepared

    async def relay(self, batches: AsyncGenerator[Sequence[StreamEvent] | None, None]) -> web.StreamResponse:
        """Sends all batches; the first one, even empty, starts the clock of the pings, and None stops it.

        Raises:
            ApiError: The answer failed; nothing of it was sent unless `has_begun`.
        """
        try:
            async with aclosing(batches):
                async for batch in batches:
                    if batch:
                        await self.send(batch)
                    elif batch is None:
                        self._disarm()  # a ping would say that an upstream lives
                    elif self._timer is None:
                        self._last_byte_at = self._now()
                        self._vouched_for = -1
                        self._arm(self._limits.first_ping_s)
        finally:
            self._is_over = True
            self._disarm()
        return self._response

    async def send(self, batch: Sequence[StreamEvent]) -> None:
        """Sends events as one piece; waits where the client reads slowly."""
        data = encode_event(batch[0]) if len(batch) == 1 else b"".join(map(encode_event, batch))
        self._record.client_told(data)
        self.has_ended = batch[-1]["type"] in ("message_stop", "error")
        await self._write(data)
        self._has_pinged = False

    async def fail(self, error: StreamEvent) -> web.StreamResponse:
        """Ends a stream that has begun with an error."""
        await self.send([error])
        return await self.finish()

    async def finish(self) -> web.StreamResponse:
        """Ends the stream."""
        await self._response.write_eof()
        return self._response

    async def _write(self, data: bytes) -> None:
        self._is_writing = True
        try:
            if not self._response.prepared:
                self._response.headers.update(self._record.answer_headers)
                await self._response.prepare(self._request)
            await self._response.write(data)
        finally:
            self._is_writing = False
        self._last_byte_at = self._now()

    def _arm(self, delay_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._look)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Pings after enough silence if there is news, else looks again; nothing runs per event."""
        patience = self._limits.next_ping_s if self._has_pinged else self._limits.first_ping_s
        silence = self._now() - self._last_byte_at
        if silence < patience:
            self._arm(patience - silence)
            return
        if self._record.pieces_heard == self._vouched_for and not self._record.is_at_work:
            self._arm(self._limits.first_ping_s)
            return
        if not self._is_writing:  # else the client does not read, and a ping would only wait behind
            self._has_pinged = True
            self._vouched_for = self._record.pieces_heard
            spawn(self._ping(), name="ping")
        self._arm(self._limits.next_ping_s)

    async def _ping(self) -> None:
        if self._is_over or self._is_writing:  # since the same turn of the loop: it failed, or its end leaves
            return
        with suppress(ConnectionError):  # the client left; the answer's own task is told as well
            await self._write(_PING)
