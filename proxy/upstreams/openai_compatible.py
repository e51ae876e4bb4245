"""Calls a chat-completions server: the openai SDK makes the request, our aiohttp session carries it.

The SDK decides on address, method, authorisation and content type. All that is the same in every request, so
it makes one for each path and ours repeat it with their own bodies: making each anew costs 0.5 ms of 0.65,
and its typed chunks cost ten times as much as all the rest (benchmarks/upstream_client.py). Retries and the
meaning of error statuses are ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

import aiohttp
import httpx2

from proxy.config import ProviderConfig
from proxy.messages.message import JsonObject
from proxy.messages.wire import write_json
from proxy.upstreams.base import UpstreamAnswer
from proxy.upstreams.deadline import within
from proxy.upstreams.failures import Stage, failure_of
from proxy.upstreams.http_answer import USER_AGENT, HttpAnswer, make_session
from proxy.upstreams.openai_sdk import openai

NO_KEY = "none"
"""Sent where a server wants no key: the SDK and some servers insist on an Authorization header."""

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
        self._sketches: dict[str, _Sketch] = {}

    async def open(self, path: str, payload: JsonObject, headers: Mapping[str, str]) -> UpstreamAnswer:
        """Sends a request and waits for the status line.

        Raises:
            UpstreamError: No answer could be had.
        """
        try:
            sketch = self._sketches.get(path) or await self._sketch(path)
            session = self._session
            if session is None:
                session = self._session = make_session(self._provider)
            response = await within(
                self._provider.first_byte_timeout_s,
                session.request(
                    sketch.method,
                    sketch.url,
                    headers={**sketch.headers, **headers} if headers else sketch.headers,
                    data=write_json(payload),
                    allow_redirects=False,
                ),
            )
        except (
            openai.APIConnectionError,
            asyncio.TimeoutError,
            aiohttp.ClientError,
            OSError,
            ValueError,
        ) as exc:
            raise failure_of(exc, self._provider, Stage.OPEN) from exc
        return HttpAnswer(response, self._provider)

    async def aclose(self) -> None:
        """Closes the kept connections."""
        if self._session is not None:
            await self._session.close()

    async def _sketch(self, path: str) -> _Sketch:
        """Has the SDK make a request to a path, and keeps what is the same in every such request."""
        artist = _SketchTransport(fixed_headers(self._provider.base_url))
        client = sdk_client(self._provider, artist)
        try:
            await client.post(path, content=b"{}", cast_to=httpx2.Response)
        finally:
            await client.close()
        sketch = self._sketches[path] = artist.sketches[-1]
        return sketch


def sdk_client(provider: ProviderConfig, transport: httpx2.AsyncBaseTransport) -> openai.AsyncOpenAI:
    """Returns the SDK's client for a provider, which sends through `transport`."""
    key = provider.key
    return openai.AsyncOpenAI(
        api_key=key.get_secret_value() if key is not None else NO_KEY,
        base_url=provider.base_url,
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=transport, trust_env=False, follow_redirects=False),
    )


@dataclass(frozen=True, slots=True)
class _Sketch:
    """What all requests to one path share."""

    method: str
    url: str
    headers: Mapping[str, str]


class _SketchTransport(httpx2.AsyncBaseTransport):
    """Sends nothing: notes what the SDK would have sent, with our headers instead of its own."""

    def __init__(self, fixed: Mapping[str, str]) -> None:
        self._fixed = fixed
        self.sketches: list[_Sketch] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Notes a request and answers it."""
        headers = {name: value for name, value in request.headers.items() if name in _SDK_HEADERS}
        kept = MappingProxyType({**headers, **self._fixed})
        self.sketches.append(_Sketch(request.method, str(request.url), kept))
        return httpx2.Response(200, request=request)


def fixed_headers(base_url: str) -> dict[str, str]:
    """Returns the headers that go with every request to a server."""
    host = urlsplit(base_url).hostname or ""
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    for name, wanted in HOST_HEADERS.items():
        if host == name or host.endswith("." + name):
            headers.update(wanted)
    return headers
