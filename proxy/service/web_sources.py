"""Finds what an answer took from search results, so that its text can cite them.

A text cites a result where it names the result's address, or repeats words of its excerpt.
"""

from __future__ import annotations

import re

from proxy.dialects.loose_json import as_objects, as_text
from proxy.dialects.openai_chat_content import hidden_text, is_hidden
from proxy.dialects.own_calls import search_rows
from proxy.dialects.web_citations import MAX_CITED_CHARS, citation
from proxy.dialects.web_results import SEARCH_RESULT
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest

_QUOTED_WORDS = 8
"""So many words in a row are no accident."""
_WORD = re.compile(r"\w+")


class WebSources:
    """The results that a conversation has seen."""

    def __init__(self, request: MessagesRequest) -> None:
        self._request: MessagesRequest | None = request
        self._rows: dict[str, JsonObject] = {}

    def add(self, block: JsonObject) -> None:
        """Takes the rows of a search result; other blocks have none."""
        if block.get("type") == SEARCH_RESULT:
            self._take(as_objects(block.get("content")))

    def cite(self, text: str) -> list[JsonObject]:
        """Returns the citations of a text, in the order of the results."""
        if self._request is not None:
            earlier, self._request = self._request, None
            self._take(search_rows(earlier))
        found = ((row, _cited(text, row)) for row in self._rows.values())
        return [citation(row, cited) for row, cited in found if cited is not None]

    def _take(self, rows: list[JsonObject]) -> None:
        for row in rows:
            url = as_text(row.get("url"))
            if url and is_hidden(row.get("encrypted_content")):
                self._rows.setdefault(url, row)


def _cited(text: str, row: JsonObject) -> str | None:
    """Returns the words of a result that a text repeats, or the beginning of one it names; None: neither."""
    excerpt = hidden_text(row.get("encrypted_content"))
    quoted = _quoted(text, excerpt)
    if quoted:
        return quoted
    return excerpt[:MAX_CITED_CHARS] if _names(text, as_text(row.get("url"))) else None


def _names(text: str, url: str) -> bool:
    """The address stands in the text, and is not only the beginning of a longer one."""
    bare = url.rstrip("/")
    return re.search(re.escape(bare) + r"(?![\w/%?=&-]*\w)", text) is not None


def _quoted(text: str, excerpt: str) -> str:
    places = list(_WORD.finditer(excerpt))
    words = [place[0].casefold() for place in places]
    said = [word.casefold() for word in _WORD.findall(text)]
    runs = {tuple(said[i : i + _QUOTED_WORDS]) for i in range(len(said) - _QUOTED_WORDS + 1)}
    for i in range(len(words) - _QUOTED_WORDS + 1):
        if tuple(words[i : i + _QUOTED_WORDS]) not in runs:
            continue
        last = i + _QUOTED_WORDS
        while last < len(words) and tuple(words[last - _QUOTED_WORDS + 1 : last + 1]) in runs:
            last += 1
        return excerpt[places[i].start() : places[last - 1].end()][:MAX_CITED_CHARS]
    return ""
