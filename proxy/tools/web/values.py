"""What the web gives back: pages, redirects to be judged first, search results, and why there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FetchErrorCode = Literal[
    "invalid_tool_input",
    "url_too_long",
    "url_not_allowed",
    "url_not_accessible",
    "unsupported_content_type",
    "too_many_requests",
    "unavailable",
    "content_too_large",
]
"""The error codes of `web_fetch_tool_result_error` that a fetch can end with."""
SearchErrorCode = Literal[
    "invalid_tool_input", "unavailable", "too_many_requests", "query_too_long", "request_too_large"
]
"""The error codes of `web_search_tool_result_error` that a search can end with."""


class FetchError(Exception):
    """A page could not be had; the text says why, for the model and for people."""

    def __init__(self, code: FetchErrorCode, text: str) -> None:
        super().__init__(text)
        self.code: FetchErrorCode = code


class SearchError(Exception):
    """A search gave nothing; the text says why, for the model and for people."""

    def __init__(self, code: SearchErrorCode, text: str) -> None:
        super().__init__(text)
        self.code: SearchErrorCode = code


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page as it came, unpacked."""

    url: str
    """Where it came from, after redirects."""
    media_type: str
    charset: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class PageText:
    """A page's words."""

    title: str | None
    markdown: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The page sends elsewhere, and nobody allowed that: to be called for anew, and judged."""

    url: str
    """What was asked for."""
    location: str
    """Where it leads; complete."""
    status: int
    reason: str
    """Why it was not followed."""


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A page that a model can read."""

    url: str
    """Where it came from, after redirects."""
    title: str | None
    markdown: str
    """The page's text; of a PDF the text that could be taken out of it."""
    media_type: str
    """As the server named it: `text/html`, `application/pdf`."""
    retrieved_at: str
    """ISO 8601, in UTC."""
    body: bytes | None = None
    """Of a PDF: the file itself, for a `document` block with a base64 source."""
    note: str | None = None
    """What a reader must know, such as that the page was cut."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One result; its words are somebody else's, and its address gets no rights by standing here."""

    title: str
    url: str
    snippet: str
    page_age: str | None = None
    """As the engine says it: `April 3, 2026`, `2 days ago`, an ISO date."""
