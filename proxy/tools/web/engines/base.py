"""What a search engine is, and how all of them make their requests."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import aiohttp
import orjson
from yarl import URL

from proxy.permissions.responses import judge_kind
from proxy.tools.web.unpack import Broken, TooLong, Unpacker
from proxy.tools.web.values import SearchError, SearchResult

_TIMEOUT_S = 15.0
_MAX_ANSWER_BYTES = 2 * 1024 * 1024
_CHUNK = 64 * 1024
_TAGS = re.compile(r"<[^<>]{0,200}>")


@dataclass(frozen=True, slots=True)
class SearchScope:
    """Within which domains to search; engines do what they can, the searcher filters afterwards."""

    allowed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()


NO_SCOPE = SearchScope()


class SearchEngine(Protocol):
    """A service that finds pages."""

    @property
    def name(self) -> str:
        """How people call it."""
        ...

    async def search(self, query: str, limit: int, scope: SearchScope = NO_SCOPE) -> list[SearchResult]:
        """Finds pages, best first.

        Args:
            query: The words.
            limit: At most so many results.
            scope: Domains to keep to or to leave out, as far as the service can.

        Raises:
            SearchError: It does not answer, or not with results.
        """
        ...

    async def aclose(self) -> None:
        """Closes its connections."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a service."""

    url: str
    query: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = None
    json: Any = None
    headers: Mapping[str, str] | None = None


class EngineClient:
    """The connections of one engine: no redirects, no cookies, no proxies, short answers."""

    def __init__(self, name: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        """Makes a client; nothing is opened yet.

        Args:
            name: The engine's, for what went wrong.
            timeout_s: For a whole request.
        """
        self._name = name
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, request: Request) -> bytes:
        """Returns the body of an answer with status 200.

        Raises:
            SearchError: There is none.
        """
        try:
            return await asyncio.wait_for(self._ask(request), self._timeout_s)
        except asyncio.TimeoutError as error:
            raise SearchError(
                "unavailable", f"{self._name} took longer than {self._timeout_s:g} s"
            ) from error
        except (aiohttp.ClientError, OSError, Broken) as error:
            raise SearchError("unavailable", f"{self._name} cannot be reached") from error
        except TooLong as error:
            raise SearchError("unavailable", f"{self._name} answered with more than 2 MiB") from error

    async def ask_json(self, request: Request) -> Mapping[str, Any]:
        """Returns the JSON object an answer holds.

        Raises:
            SearchError: There is none.
        """
        body = await self.ask(request)
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise SearchError("unavailable", f"{self._name} did not answer with JSON") from error
        if not isinstance(value, dict):
            raise SearchError("unavailable", f"{self._name} did not answer with an object")
        return cast("dict[str, Any]", value)

    async def aclose(self) -> None:
        """Closes what is open; a later request opens anew."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _ask(self, request: Request) -> bytes:
        method = "GET" if request.form is None and request.json is None else "POST"
        body = orjson.dumps(request.json) if request.json is not None else request.form
        headers = dict(request.headers or {})
        if request.json is not None:
            headers["Content-Type"] = "application/json"
        async with self._open_session().request(
            method, URL(request.url), params=request.query, data=body, headers=headers, allow_redirects=False
        ) as response:
            self._check_status(response.status)
            encoding = response.headers.get("Content-Encoding", "")
            if judge_kind("text/plain", encoding) is not None:
                raise Broken
            unpacker = Unpacker(encoding, _MAX_ANSWER_BYTES)
            async for chunk in response.content.iter_chunked(_CHUNK):
                unpacker.feed(chunk)
            return unpacker.finish()

    def _check_status(self, status: int) -> None:
        if status == 200:
            return
        if status in {202, 429}:  # DuckDuckGo answers 202 with a puzzle to whom it takes for a robot
            raise SearchError("too_many_requests", f"{self._name} wants fewer searches: try again later")
        if status in {401, 403}:
            raise SearchError(
                "unavailable", f"{self._name} refuses the search ({status}): check its key and address"
            )
        if status in {400, 422}:
            raise SearchError("invalid_tool_input", f"{self._name} does not understand the search ({status})")
        raise SearchError("unavailable", f"{self._name} answers {status}")

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "gzip, deflate"},
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


def with_sites(query: str, scope: SearchScope) -> str:
    """Returns a query with the operators that most engines know."""
    sites = " OR ".join(f"site:{domain}" for domain in scope.allowed)
    without = " ".join(f"-site:{domain}" for domain in scope.blocked)
    return " ".join(
        part for part in (query, f"({sites})" if len(scope.allowed) > 1 else sites, without) if part
    )


def results_of(entries: object, limit: int, *, snippet: str, age: Sequence[str] = ()) -> list[SearchResult]:
    """Reads results out of a list of JSON objects with `title` and `url`; what is no result is left out.

    Args:
        entries: The list.
        limit: At most so many.
        snippet: The field that holds the words of a page.
        age: The fields that may hold its age, best first.
    """
    found: list[SearchResult] = []
    for each in cast("list[object]", entries) if isinstance(entries, list) else []:
        if not isinstance(each, dict):
            continue
        entry = cast("dict[str, Any]", each)
        url, title = entry.get("url"), entry.get("title")
        if isinstance(url, str) and isinstance(title, str):
            ages = (entry.get(field) for field in age)
            known_age = next((value for value in ages if isinstance(value, str) and value), None)
            found.append(SearchResult(plain(title), url, plain(str(entry.get(snippet) or "")), known_age))
    return found[:limit]


def plain(text: str) -> str:
    """Returns a service's words without the marks it puts around the words searched for."""
    return " ".join(_TAGS.sub("", text).split())
