"""What a web search or a fetched page says to a model, read from the blocks a client keeps of it.

The model is told the same words when it gets a result and when the result comes back on a later turn, so
that the beginning of a conversation stays what it was.
"""

from __future__ import annotations

from proxy.dialects.loose_json import as_object, as_objects, as_text
from proxy.dialects.openai_chat_content import hidden_text
from proxy.messages.message import JsonObject

SEARCH_RESULT = "web_search_tool_result"
FETCH_RESULT = "web_fetch_tool_result"

_SEARCH_ERRORS = {
    "invalid_tool_input": "The query is missing or is no text.",
    "unavailable": "The search is not available now.",
    "max_uses_exceeded": "No further search is allowed in this request: answer with what is known.",
    "too_many_requests": "The search engine takes no more requests now; try again later.",
    "query_too_long": "The query is too long; search for less.",
    "request_too_large": "The request is too large.",
}
_FETCH_ERRORS = {
    "invalid_tool_input": "The url is missing or is no address.",
    "url_too_long": "The address is too long.",
    "url_not_allowed": "This address may not be fetched.",
    "url_not_in_prior_context": (
        "Only addresses that stand in the conversation already (from the user, a search or a page) may be "
        "fetched."
    ),
    "url_not_accessible": "The page could not be fetched.",
    "unsupported_content_type": "What is there is neither text nor a PDF.",
    "too_many_requests": "The server takes no more requests now; try again later.",
    "max_uses_exceeded": "No further page may be fetched in this request: answer with what is known.",
    "unavailable": "Pages cannot be fetched now.",
    "content_too_large": "The page is too large.",
}


def error_code(block: JsonObject) -> str | None:
    """Returns the error code of a result block; None: it is no error."""
    content = as_object(block.get("content"))
    return as_text(content.get("error_code")) or None


def told_result(block: JsonObject) -> tuple[list[JsonObject], bool]:
    """Returns what a model is told of a result block, as a tool_result's content, and if it is an error."""
    code = error_code(block)
    if block.get("type") == SEARCH_RESULT:
        if code is not None:
            return [_text(_SEARCH_ERRORS.get(code, f"The search failed: {code}."))], True
        return [_text(_search(as_objects(block.get("content"))))], False
    if code is not None:
        return [_text(_FETCH_ERRORS.get(code, f"The page could not be fetched: {code}."))], True
    return _page(as_object(block.get("content"))), False


def _search(rows: list[JsonObject]) -> str:
    if not rows:
        return "Nothing was found."
    return "\n\n".join(_row(number, row) for number, row in enumerate(rows, 1))


def _row(number: int, row: JsonObject) -> str:
    age = as_text(row.get("page_age"))
    lines = (
        f"{number}. {as_text(row.get('title'))}",
        as_text(row.get("url")),
        f"Published: {age}" if age else "",
        hidden_text(row.get("encrypted_content")),
    )
    return "\n".join(line for line in lines if line)


def _page(content: JsonObject) -> list[JsonObject]:
    document = as_object(content.get("content"))
    source = as_object(document.get("source"))
    heading = "\n".join(
        line for line in (as_text(document.get("title")), as_text(content.get("url"))) if line
    )
    if source.get("type") == "text":
        return [_text(f"{heading}\n\n{as_text(source.get('data'))}")]
    plain = {key: value for key, value in document.items() if key not in ("citations", "cache_control")}
    return [_text(heading), plain]


def _text(text: str) -> JsonObject:
    return {"type": "text", "text": text}
