"""The sources an upstream's own web search gives, as search results and citations of the Messages API."""

from __future__ import annotations

from proxy.context import NewId
from proxy.dialects.blocks import WholeBlock
from proxy.dialects.loose_json import as_object, as_objects, as_text
from proxy.dialects.openai_chat_content import hide_text
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest, TextParam
from proxy.messages.wire import write_json

MAX_CITED_CHARS = 150
"""The real API cites at most so many characters of a source."""
_MAX_QUERY = 400


class Sources:
    """What was found, each address once."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def take(self, annotations: object) -> list[JsonObject]:
        """Returns the sources among annotations (or plain search results) that are new."""
        found: list[JsonObject] = []
        for annotation in as_objects(annotations):
            source = as_object(annotation.get("url_citation")) or annotation
            url = as_text(source.get("url"))
            if url and url not in self._seen:
                self._seen.add(url)
                found.append(source)
        return found


def excerpt(source: JsonObject) -> str:
    """Returns what a source holds that may be cited."""
    return as_text(source.get("content"))[:MAX_CITED_CHARS]


def citation(source: JsonObject, cited: str) -> JsonObject:
    """Returns the citation of a passage of a source."""
    url = as_text(source.get("url"))
    return {
        "type": "web_search_result_location",
        "url": url,
        "title": as_text(source.get("title")),
        "encrypted_index": hide_text(url),
        "cited_text": cited,
    }


def is_placed(source: JsonObject) -> bool:
    """The source says which part of the text it stands for."""
    start, end = source.get("start_index"), source.get("end_index")
    return isinstance(start, int) and isinstance(end, int) and end > start


def search_blocks(request: MessagesRequest, sources: list[JsonObject], new_id: NewId) -> list[WholeBlock]:
    """Returns the call of the web search and its result; the upstream does not tell what it searched for."""
    call_id = new_id("srvtoolu_")
    call: JsonObject = {"type": "server_tool_use", "id": call_id, "name": "web_search", "input": {}}
    rows: list[JsonObject] = [
        {
            "type": "web_search_result",
            "url": as_text(source.get("url")),
            "title": as_text(source.get("title")),
            "encrypted_content": hide_text(as_text(source.get("content")) or as_text(source.get("snippet"))),
            "page_age": None,
        }
        for source in sources
    ]
    result: JsonObject = {"type": "web_search_tool_result", "tool_use_id": call_id, "content": rows}
    query = write_json({"query": _query(request)}).decode()
    return [WholeBlock(call, query), WholeBlock(result)]


def _query(request: MessagesRequest) -> str:
    """The user's last words; clients that search in a side request put `query:` before what they look for."""
    texts = [
        block.text
        for message in request.messages
        if message.role == "user"
        for block in message.blocks()
        if isinstance(block, TextParam)
    ]
    last = texts[-1] if texts else ""
    return (last.rpartition("query:")[2] or last).strip()[:_MAX_QUERY]
