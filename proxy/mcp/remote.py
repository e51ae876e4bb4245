"""The way to remote servers: no redirects, the system's certificates, plain HTTP to nearby ones only."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2
from typing_extensions import override

from proxy.mcp.values import McpProblem

_TIMEOUT_S = 30.0
_READ_TIMEOUT_S = 300.0
MAX_ANSWER_BYTES = 16 * 2**20
"""Of one message: of a whole answer, or of one event of a stream."""
_SIGN_IN = frozenset({401, 403})


class RemoteWatch:
    """What the server's HTTP side answered, for the reason in its state."""

    def __init__(self) -> None:
        self.refusal: str | None = None
        """`401: …` where it wants to know who asks."""
        self.trouble: str | None = None
        """The newest answer that was no success."""

    def note(self, response: httpx2.Response) -> None:
        """Takes an answer's status."""
        status = response.status_code
        if status in _SIGN_IN:
            told = response.headers.get("www-authenticate", "")[:200]
            self.refusal = f"the server answered {status}{f': {told}' if told else ''}"
        elif 300 <= status < 400:
            where = response.headers.get("location", "")[:200]
            self.trouble = f"the server redirects to {where}, which is not followed; use that address"
        elif status >= 400:
            self.trouble = f"the server answered {status}"


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends with an error where it grows too large; the SDK reads bodies whole."""

    def __init__(self, response: httpx2.Response, watch: RemoteWatch) -> None:
        self._inner = cast("httpx2.AsyncByteStream", response.stream)
        self._watch = watch
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        # The SDK bounds each event of a stream by itself.
        self._left = None if kind == "text/event-stream" else MAX_ANSWER_BYTES
        self._packed = response.headers.get("content-encoding", "identity").strip().lower()

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._packed not in {"", "identity"}:  # a few bytes could become gigabytes
            raise self._refused(f"the server answered in {self._packed}, which was not asked for")
        async for part in self._inner:
            if self._left is not None:
                self._left -= len(part)
                if self._left < 0:
                    raise self._refused(f"the server's answer is larger than {MAX_ANSWER_BYTES >> 20} MiB")
            yield part

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()

    def _refused(self, why: str) -> httpx2.StreamError:
        self._watch.trouble = why
        return httpx2.StreamError(why)  # the SDK makes it the one call's failure, not the connection's


class _Guarded(httpx2.AsyncBaseTransport):
    """A transport that no redirect leads away, that notes how the server answers, and bounds what it says."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, watch: RemoteWatch) -> None:
        self._inner = inner
        self._watch = watch

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await self._inner.handle_async_request(request)
        except httpx2.TransportError as exc:
            self._watch.trouble = f"it could not be reached: {exc or type(exc).__name__}"
            raise
        self._watch.note(response)
        if 300 <= response.status_code < 400:
            response.headers.pop("location", None)
            response.status_code = 502  # an answer like any other that is no success
        response.stream = _Bounded(response, self._watch)
        return response

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()


async def http_client(headers: Mapping[str, str], watch: RemoteWatch) -> httpx2.AsyncClient:
    """Returns a client for one server; whoever asks closes it."""
    return await asyncio.to_thread(_client, headers, watch)  # it reads certificates and modules from the disk


def _client(headers: Mapping[str, str], watch: RemoteWatch) -> httpx2.AsyncClient:
    inner = httpx2.AsyncHTTPTransport(verify=ssl.create_default_context(), trust_env=False)
    sent = httpx2.Headers(dict(headers))
    sent["accept-encoding"] = "identity"  # so that what is counted is what there is
    return httpx2.AsyncClient(
        headers=sent,
        transport=_Guarded(inner, watch),
        timeout=httpx2.Timeout(_TIMEOUT_S, read=_READ_TIMEOUT_S),
        follow_redirects=False,
        trust_env=False,
    )


async def check_address(url: str) -> None:
    """Sees that an address may be used: https, or http on this machine or in the private network.

    Raises:
        McpProblem: It may not.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return
    if parts.scheme != "http" or not host:
        raise McpProblem(f"url: {url} is no address of a server: it begins with https:// or http://")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise McpProblem(f"url: {host} was not found: {exc.strerror or exc}") from exc
    for *_, place in found:
        address = ip_address(str(place[0]).partition("%")[0])
        if not (address.is_private or address.is_loopback or address.is_link_local):
            raise McpProblem(
                f"url: {host} is reached over the internet ({address}), where http:// shows everything "
                "to everyone on the way; use https://"
            )


async def probe_url(url: str, timeout_s: float) -> str | None:
    """Returns why a health check's address did not answer 2xx; None: it did."""
    try:
        await check_address(url)
    except McpProblem as problem:
        return str(problem)
    watch = RemoteWatch()
    client = await http_client({}, watch)
    async with client:
        try:
            async with client.stream("GET", url, timeout=timeout_s) as response:
                return None if response.is_success else f"{url} answered {response.status_code}"
        except httpx2.HTTPError as exc:
            return f"{url} did not answer: {exc or type(exc).__name__}"


def client_factory(client: httpx2.AsyncClient) -> Any:
    """Returns what the SDK's transport for old servers makes its client with: ours."""

    def made(**_given: object) -> httpx2.AsyncClient:
        return client

    return made
