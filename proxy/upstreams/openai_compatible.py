"""Calls a chat-completions server: the openai SDK makes the request, our aiohttp session carries it.

The SDK owns address, authorisation and error classes; retries are ours, so it makes none. Its answer is taken
as raw bytes: its typed chunks cost ten times as much as all the rest (benchmarks/upstream_client.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import httpx2
import openai

from proxy.config import ProviderConfig
from proxy.messages.message import JsonObject
from proxy.messages.wire import write_json
from proxy.upstreams.base import UpstreamAnswer
from proxy.upstreams.failures import Stage, failure_of
from proxy.upstreams.http_answer import USER_AGENT, HttpAnswer, make_session

NO_KEY = "none"
"""Sent where a server wants no key: the SDK and some servers insist on an Authorization header."""
MAX_ERROR_BYTES = 64 * 1024

HOST_HEADERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "openrouter.ai": MappingProxyType(
            {"HTTP-Referer": "http://localhost/signalbox", "X-OpenRouter-Title": "Signalbox"}
        )
    }
)
"""Headers that a service asks of programs, by its host: OpenRouter names the program by these two."""

_SDK_HEADERS = frozenset({"authorization", "content-type", "accept"})
"""What of the SDK's headers goes out; it also sends what kind of machine this is, and what its own
environment variables say."""


class OpenAICompatible:
    """One provider that speaks chat completions."""

    def __init__(self, provider: ProviderConfig) -> None:
        self._provider = provider
        self._session: aiohttp.ClientSession | None = None
        self._client: openai.AsyncOpenAI | None = None

    async def open(self, path: str, payload: JsonObject, headers: Mapping[str, str]) -> UpstreamAnswer:
        """Sends a request and waits for the status line.

        Raises:
            UpstreamError: No answer could be had.
        """
        client = self._client or self._connect()
        try:
            sent = await asyncio.wait_for(
                client.post(
                    path,
                    content=write_json(payload),
                    cast_to=httpx2.Response,
                    options={"headers": dict(headers)},
                    stream=True,
                    stream_cls=openai.AsyncStream[Any],
                ),
                self._provider.first_byte_timeout_s,
            )
        except openai.APIStatusError as exc:
            return _ErrorAnswer(exc.response)
        except (openai.APIConnectionError, asyncio.TimeoutError, aiohttp.ClientError, OSError) as exc:
            raise failure_of(exc, self._provider, Stage.OPEN) from exc
        response = cast("httpx2.Response", sent)  # cast_to asks the SDK for the bare response
        return HttpAnswer(response.extensions[_RESPONSE], self._provider)

    async def aclose(self) -> None:
        """Closes the kept connections."""
        if self._session is not None:
            await self._session.close()

    def _connect(self) -> openai.AsyncOpenAI:
        session = self._session = make_session(self._provider)
        key = self._provider.key
        self._client = openai.AsyncOpenAI(
            api_key=key.get_secret_value() if key is not None else NO_KEY,
            base_url=self._provider.base_url,
            max_retries=0,
            http_client=httpx2.AsyncClient(
                transport=_SessionTransport(session, fixed_headers(self._provider.base_url)),
                trust_env=False,
                follow_redirects=False,
            ),
        )
        return self._client


_RESPONSE = "signalbox_response"


class _SessionTransport(httpx2.AsyncBaseTransport):
    """Carries the SDK's requests over our session, with our headers instead of the SDK's."""

    def __init__(self, session: aiohttp.ClientSession, fixed: Mapping[str, str]) -> None:
        self._session = session
        self._fixed = fixed

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends one request; the body of a good answer stays unread, for whoever reads it raw."""
        headers = {name: value for name, value in request.headers.items() if name in _SDK_HEADERS}
        try:
            response = await self._session.request(
                request.method,
                str(request.url),
                headers={**headers, **self._fixed},
                data=request.content,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError) as exc:
            raise httpx2.TransportError(str(exc)) from exc
        return httpx2.Response(
            response.status,
            headers=response.raw_headers,
            stream=_ErrorBody(response),
            request=request,
            extensions={_RESPONSE: response},
        )


class _ErrorBody(httpx2.AsyncByteStream):
    """The body of an answer that the SDK reads itself, which is one with an error status."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_ERROR_BYTES
        try:
            while left > 0 and (piece := await self._response.content.readany()):
                yield piece[:left]
                left -= len(piece)
        finally:
            self._response.close()

    async def aclose(self) -> None:
        self._response.close()


class _ErrorAnswer:
    """An answer with an error status, whose short body the SDK has read."""

    def __init__(self, response: httpx2.Response) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers.items())
        self._body = response.content

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yields the body."""
        yield self._body

    async def aclose(self) -> None:
        """Does nothing: the connection is closed already."""


def fixed_headers(base_url: str) -> dict[str, str]:
    """Returns the headers that go with every request to a server."""
    host = urlsplit(base_url).hostname or ""
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    for name, wanted in HOST_HEADERS.items():
        if host == name or host.endswith("." + name):
            headers.update(wanted)
    return headers
