"""Requests one page behind the fetch guard: what was judged is what is connected to, hop by hop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

import aiohttp
from yarl import URL

from proxy.permissions.responses import MAX_BODY_BYTES, MAX_SECONDS, judge_kind, judge_length, media_type
from proxy.permissions.url_syntax import MAX_URL_CHARS, Target
from proxy.permissions.urls import NetworkFacts, UrlVerdict, judge_hop, judge_url
from proxy.permissions.values import Policy
from proxy.tools.web.resolver import JudgingResolver, Lookup, interface_addresses, system_lookup
from proxy.tools.web.unpack import Broken, TooLong, Unpacker
from proxy.tools.web.values import Fetched, FetchError, FetchErrorCode, HandedBack

USER_AGENT = "Signalbox-WebFetch/1.0"
_ACCEPT = "text/markdown, text/html;q=0.9, text/*;q=0.8, application/pdf;q=0.7, */*;q=0.1"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 64 * 1024
_MAX_FIELD = 32 * 1024
"""Of one header: some sites' content security policies are longer than aiohttp's 8 KiB."""
_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class _Redirect:
    location: str
    status: int


class Fetcher:
    """Fetches pages; one for the whole program, closed by `aclose`."""

    def __init__(
        self,
        facts: Callable[[], NetworkFacts],
        *,
        lookup: Lookup = system_lookup,
        own_addresses: Callable[[], frozenset[str]] = interface_addresses,
        tls: ssl.SSLContext | None = None,
        timeout_s: float = MAX_SECONDS,
    ) -> None:
        """Makes a fetcher; nothing is opened yet.

        Args:
            facts: What the settings and the key store say at this moment: secrets, hosts of the user's own.
            lookup: Who knows the addresses of names.
            own_addresses: Who knows this machine's; called in a thread.
            tls: Whom to trust; None: whom the system trusts.
            timeout_s: For the whole of a fetch.
        """
        self._facts = facts
        self._lookup = lookup
        self._own_addresses = own_addresses
        self._tls = tls
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, url: str, policy: Policy) -> Fetched | HandedBack:
        """Fetches a page whose call was judged, and allowed by a rule or by the user.

        What denies the URL denies it here too. A redirect is followed where a rule allows it or it stays with
        the host; where it would have to be asked about, it is handed back.

        Raises:
            FetchError: There is no page, or it may not be read.
        """
        try:
            return await asyncio.wait_for(self._follow(url, policy), self._timeout_s)
        except asyncio.TimeoutError as error:
            raise FetchError(
                "url_not_accessible", f"the page took longer than {self._timeout_s:g} s"
            ) from error

    async def aclose(self) -> None:
        """Closes what is open; a later fetch opens anew."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def known_facts(self) -> NetworkFacts:
        """Returns what must be known to judge an address, this machine's own ones included."""
        facts = self._facts()
        own = await asyncio.to_thread(self._own_addresses)
        return replace(facts, own_addresses=facts.own_addresses | own)

    async def _follow(self, url: str, policy: Policy) -> Fetched | HandedBack:
        if len(url.strip()) > MAX_URL_CHARS:
            raise FetchError("url_too_long", f"the URL is longer than {MAX_URL_CHARS:,} characters")
        facts = await self.known_facts()
        target = _allowed(judge_url(url, policy, facts), "invalid_tool_input")
        hop = 0
        while True:
            answer = await self._request(target)
            if isinstance(answer, Fetched):
                return answer
            hop += 1
            verdict = judge_hop(answer.location, target, hop, policy, facts)
            following = _allowed(verdict, "url_not_allowed")
            if verdict.decision == "ask":
                return HandedBack(target.url, following.url, answer.status, verdict.part.reason)
            target = following

    async def _request(self, target: Target) -> Fetched | _Redirect:
        """Requests a page, once more where the connection fails: looked up and judged anew."""
        try:
            return await self._try(target)
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            raise _not_accessible(target, "its certificate is not valid or its encryption fails") from error
        except (aiohttp.ClientConnectionError, ConnectionError):
            pass
        except aiohttp.ClientError as error:
            raise _not_accessible(target, "its answer is not proper HTTP") from error
        try:
            return await self._try(target)
        except (aiohttp.ClientError, OSError) as error:
            raise _not_accessible(target, "the connection fails") from error

    async def _try(self, target: Target) -> Fetched | _Redirect:
        url = URL(target.url, encoded=True)  # as judged: yarl shall neither decode nor quote it again
        async with self._open_session().get(url, allow_redirects=False) as response:
            locations = response.headers.getall("Location", [])
            if response.status in _REDIRECTS and len(locations) == 1:
                return _Redirect(locations[0], response.status)
            if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                raise _not_accessible(target, f"it answers {_status_words(response.status)}")
            return Fetched(
                target.url,
                media_type(response.headers.get("Content-Type", "")),
                response.charset,
                await _body(target, response),
            )

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=JudgingResolver(self._lookup, self.known_facts),
                    use_dns_cache=False,
                    force_close=True,  # no connection outlives the judgement it was opened under
                    limit=_CONNECTIONS,
                    ssl=self._tls or True,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT, "Accept": _ACCEPT, "Accept-Encoding": "gzip, deflate"},
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,
                trust_env=False,
                max_field_size=_MAX_FIELD,
            )
        return self._session


def _allowed(verdict: UrlVerdict, unreadable: FetchErrorCode) -> Target:
    if verdict.target is None:
        raise FetchError(unreadable, verdict.part.reason)
    if verdict.decision == "deny":
        raise FetchError("url_not_allowed", verdict.part.reason)
    return verdict.target


async def _body(target: Target, response: aiohttp.ClientResponse) -> bytes:
    encodings = ", ".join(response.headers.getall("Content-Encoding", []))
    content_type = response.headers.get("Content-Type", "")
    refusal = judge_kind(content_type, encodings)
    if refusal is not None:
        raise FetchError("unsupported_content_type", f"{target.url}: {refusal}")
    refusal = judge_length(response.headers.get("Content-Length", ""))
    if refusal is not None:
        raise FetchError("content_too_large", f"{target.url}: {refusal}")
    unpacker = Unpacker(encodings, MAX_BODY_BYTES)
    try:
        async for chunk in response.content.iter_chunked(_CHUNK):
            unpacker.feed(chunk)
        return unpacker.finish()
    except TooLong as error:
        raise FetchError("content_too_large", f"{target.url}: the page is longer than 10 MiB") from error
    except Broken as error:
        raise _not_accessible(target, "it is not packed as it says") from error
    except aiohttp.ClientPayloadError as error:
        raise _not_accessible(target, "it breaks off") from error


def _not_accessible(target: Target, why: str) -> FetchError:
    return FetchError("url_not_accessible", f"{target.url} cannot be read: {why}")


def _status_words(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
