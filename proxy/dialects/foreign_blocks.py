"""Takes out of a conversation what only other upstreams understand, the same way every time."""

from __future__ import annotations

from typing import Any, cast

from proxy.dialects.loose_json import as_object, as_objects, as_text
from proxy.dialects.losses import Losses
from proxy.dialects.openai_chat_content import hidden_text, is_hidden
from proxy.dialects.reasoning_details import is_ours
from proxy.messages.message import JsonObject


def without_foreign_blocks(messages: list[JsonObject], losses: Losses) -> list[JsonObject]:
    """Returns the messages without reasoning and search tokens that Anthropic never made.

    A message nothing is left of goes too; the neighbours of one role that remain are merged by the API.
    """
    kept: list[JsonObject] = []
    for i, message in enumerate(messages):
        content = message.get("content")
        if not isinstance(content, list):
            kept.append(message)
            continue
        blocks = cast("list[Any]", content)
        ours = {as_text(block.get("tool_use_id")) for block in as_objects(blocks) if _is_our_search(block)}
        left = _left(blocks, ours, f"messages.{i}.content", losses)
        if left or not blocks:
            kept.append({**message, "content": left})
    return kept


def _left(blocks: list[Any], ours: set[str], path: str, losses: Losses) -> list[Any]:
    left: list[Any] = []
    for j, block in enumerate(blocks):
        fields = as_object(block)
        if is_ours(as_text(fields.get("signature")) or as_text(fields.get("data"))):
            losses.add(f"{path}.{j}", "left out: another model's reasoning means nothing to this one")
        elif fields.get("type") == "server_tool_use" and fields.get("id") in ours:
            losses.add(f"{path}.{j}", "left out: another upstream ran this search")
        elif _is_our_search(fields):
            losses.add(f"{path}.{j}", "told as text: another upstream ran this search")
            left.append({"type": "text", "text": _told(fields)})
        else:
            left.append(_without_our_citations(fields, f"{path}.{j}", losses) or block)
    return left


def _is_our_search(block: JsonObject) -> bool:
    if block.get("type") != "web_search_tool_result":
        return False
    return any(is_hidden(row.get("encrypted_content")) for row in as_objects(block.get("content")))


def _told(block: JsonObject) -> str:
    rows = as_objects(block.get("content"))
    lines = (
        f"[{row.get('title')}]({row.get('url')})\n{hidden_text(row.get('encrypted_content'))}" for row in rows
    )
    return "Search results:\n" + "\n".join(line.rstrip() for line in lines)


def _without_our_citations(block: JsonObject, path: str, losses: Losses) -> JsonObject | None:
    citations = as_objects(block.get("citations"))
    genuine = [citation for citation in citations if not is_hidden(citation.get("encrypted_index"))]
    if len(genuine) == len(citations):
        return None
    losses.add(f"{path}.citations", "left out: another upstream made them")
    rest = {key: value for key, value in block.items() if key != "citations"}
    return {**rest, "citations": genuine} if genuine else rest
