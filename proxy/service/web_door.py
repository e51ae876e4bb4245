"""The web as the server tools see it: search hits and pages in the shapes of the protocol."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from proxy.dialects.loose_json import as_object
from proxy.dialects.openai_chat_content import hide_text
from proxy.messages.message import JsonObject
from proxy.permissions.values import Policy, ToolCall, Verdict
from proxy.service.server_tools import WebRefused
from proxy.tools.web.values import FetchedPage, FetchError, HandedBack, SearchError, SearchResult

if TYPE_CHECKING:  # they load parsers of pages, which few requests need
    from proxy.tools.web.reader import WebReader
    from proxy.tools.web.searcher import WebSearcher

_MAX_REDIRECTS = 5
_CHARS_PER_TOKEN = 4

JudgeCall = Callable[[ToolCall], Awaitable[Verdict]]


class WebDoor:
    """Searches and fetches for one request."""

    def __init__(
        self, searcher: WebSearcher, reader: WebReader, policy: Callable[[], Policy], judge: JudgeCall
    ) -> None:
        self._searcher = searcher
        self._reader = reader
        self._policy = policy
        self._judge = judge

    async def search(self, query: str, settings: Mapping[str, Any]) -> Sequence[JsonObject]:
        """Returns the rows of a `web_search_tool_result`.

        Raises:
            WebRefused: There are none to be had.
        """
        try:
            found = await self._searcher.search(
                query,
                allowed_domains=_names(settings.get("allowed_domains")),
                blocked_domains=_names(settings.get("blocked_domains")),
            )
        except SearchError as error:
            raise WebRefused(error.code) from error
        return [_row(each) for each in found]

    async def fetch(self, url: str, settings: Mapping[str, Any]) -> JsonObject:
        """Returns the `web_fetch_result` of a page.

        Raises:
            WebRefused: It cannot be had.
        """
        use_cache = settings.get("use_cache") is not False
        for _ in range(_MAX_REDIRECTS):
            if not _within(url, settings):
                raise WebRefused("url_not_allowed")
            try:
                answer = await self._reader.read(url, self._policy(), use_cache=use_cache)
            except FetchError as error:
                raise WebRefused(error.code) from error
            if not isinstance(answer, HandedBack):
                return _fetched(answer, settings)
            url = answer.location
            verdict = await self._judge(ToolCall("WebFetch", {"url": url}))
            if verdict.decision != "allow":
                raise WebRefused("url_not_allowed")
        raise WebRefused("url_not_accessible")


def _row(result: SearchResult) -> JsonObject:
    return {
        "type": "web_search_result",
        "url": result.url,
        "title": result.title,
        "encrypted_content": hide_text(result.snippet),
        "page_age": result.page_age,
    }


def _fetched(page: FetchedPage, settings: Mapping[str, Any]) -> JsonObject:
    document: JsonObject = {"type": "document", "source": _source(page, settings)}
    if page.title:
        document["title"] = page.title
    if as_object(settings.get("citations")).get("enabled"):
        document["citations"] = {"enabled": True}
    return {
        "type": "web_fetch_result",
        "url": page.url,
        "retrieved_at": page.retrieved_at,
        "content": document,
    }


def _source(page: FetchedPage, settings: Mapping[str, Any]) -> JsonObject:
    most = settings.get("max_content_tokens")
    room = most * _CHARS_PER_TOKEN if isinstance(most, int) and most > 0 else None
    if page.body is not None and room is None:
        data = base64.b64encode(page.body).decode()
        return {"type": "base64", "media_type": "application/pdf", "data": data}
    text = page.markdown if page.note is None else f"{page.markdown}\n\n[{page.note}]"
    return {"type": "text", "media_type": "text/plain", "data": text if room is None else text[:room]}


def _names(value: object) -> tuple[str, ...]:
    return (
        tuple(each for each in cast("list[object]", value) if isinstance(each, str))
        if isinstance(value, list)
        else ()
    )


def _within(url: str, settings: Mapping[str, Any]) -> bool:
    """Whether the request's own lists of domains allow an address."""
    allowed, blocked = _names(settings.get("allowed_domains")), _names(settings.get("blocked_domains"))
    if allowed:
        return any(_is_below(url, domain) for domain in allowed)
    return not any(_is_below(url, domain) for domain in blocked)


def _is_below(url: str, domain: str) -> bool:
    parts = urlsplit(url)
    host, _, folder = domain.lower().partition("/")
    host = host.removeprefix("*.")
    name = (parts.hostname or "").rstrip(".")
    if name != host and not name.endswith(f".{host}"):
        return False
    return not folder or f"{parts.path}/".startswith(f"/{folder.rstrip('/')}/")
