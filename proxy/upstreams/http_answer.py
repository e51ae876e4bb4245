"""What both HTTP upstreams share: the session they call through, and its answer as it arrives.

Requests go straight (proxies of the environment are ignored), certificates are verified, nothing is
followed, and an answer that falls silent or goes on for ever is ended.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Mapping

import aiohttp

from proxy.config import ProviderConfig
from proxy.upstreams.failures import Stage, failure_of

USER_AGENT = "Signalbox"

READ_BYTES = 64 * 1024
"""Of asyncio's 256 KiB this saves an mmap and munmap a read (measured)."""
KEEP_ALIVE_S = 15.0
"""Kept connections are used again this long; servers behind load balancers close theirs after 20 to 60 s."""

codecs.lookup("idna")  # else the first TLS connection imports that codec, on the loop


def make_session(provider: ProviderConfig) -> aiohttp.ClientSession:
    """Returns the session for one provider; must be called on the running loop."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
        timeout=aiohttp.ClientTimeout(connect=provider.connect_timeout_s),  # look-up and TLS included
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        read_bufsize=READ_BYTES,
    )


class HttpAnswer:
    """One answer over HTTP. The watch over its silence costs a clock reading for each received piece."""

    def __init__(self, response: aiohttp.ClientResponse, provider: ProviderConfig) -> None:
        self._response = response
        self._provider = provider
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._patience_s = provider.first_byte_timeout_s
        self._ends_at = self._heard_at + provider.total_timeout_s
        self._cut_as: Stage | None = None
        self._watch(self._patience_s)
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}

    async def read(self) -> bytes:
        """Returns what has arrived of the body since, once it has; empty: it is over.

        Raises:
            UpstreamError: The connection broke, fell silent for too long or took too long.
        """
        self._heard_at = self._loop.time()  # a client that reads slowly is not the upstream's silence
        try:
            piece = await self._response.content.readany()
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as exc:
            raise failure_of(exc, self._provider, self._cut_as or Stage.BODY) from exc
        self._heard_at = self._loop.time()
        self._patience_s = self._provider.idle_timeout_s
        return piece

    async def aclose(self) -> None:
        """Ends the answer: a finished one leaves its connection for the next request, another is cut."""
        self._timer.cancel()
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()

    def _watch(self, delay_s: float) -> None:
        """Looks again then, or as soon as the patience could end after a first piece, which sets no timer."""
        left_s = self._ends_at - self._loop.time()
        delay_s = min(delay_s, self._provider.idle_timeout_s, left_s)
        self._timer = self._loop.call_later(max(0.0, delay_s), self._look)

    def _look(self) -> None:
        now = self._loop.time()
        silence = now - self._heard_at
        if now >= self._ends_at:
            self._cut(Stage.TOTAL)
        elif silence < self._patience_s:
            self._watch(self._patience_s - silence)
        else:
            self._cut(Stage.SILENT if self._response.content.total_bytes else Stage.UNBEGUN)

    def _cut(self, stage: Stage) -> None:
        self._cut_as = stage
        self._response.close()
