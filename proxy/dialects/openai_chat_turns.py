"""An assistant's turn as a chat message: its text, its calls, and its reasoning in the form it came in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from proxy.dialects.openai_chat_content import Encoding, cache_hint, server_tool_text, text_part
from proxy.dialects.reasoning_details import CLAUDE_FORMAT, Envelope, is_ours, unseal
from proxy.messages.message import JsonObject
from proxy.messages.request import (
    ContentBlockParam,
    OtherBlock,
    RedactedThinkingParam,
    TextParam,
    ThinkingParam,
    ToolUseParam,
)
from proxy.messages.wire import write_json

_GENUINE = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
"""Anthropic's signatures are base64; anything else was made by somebody else."""


@dataclass(slots=True)
class _Reasoning:
    """What an assistant's turn thought, sorted by the form it goes back in."""

    details: list[JsonObject] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    parts: list[JsonObject] = field(default_factory=list)
    tags: str = ""
    calls: dict[str, Any] = field(default_factory=dict)
    """extra_content by the client's id of the call."""


def assistant_draft(
    blocks: list[tuple[str, ContentBlockParam]], work: Encoding
) -> tuple[list[JsonObject], JsonObject]:
    """Returns the parts and the further fields of an assistant's message."""
    parts: list[JsonObject] = []
    calls: list[ToolUseParam] = []
    reasoning = _Reasoning()
    for path, block in blocks:
        if isinstance(block, TextParam):
            parts += _text(block, path, bool(calls) and bool(parts), work)
        elif isinstance(block, ToolUseParam):
            calls.append(block)
        elif isinstance(block, (ThinkingParam, RedactedThinkingParam)):
            _recall(block, path, reasoning, work)
        elif isinstance(block, OtherBlock):
            work.losses.add(path, f"told as text: the upstream knows no {block.type} block")
            parts.append(text_part(server_tool_text(block)))
        else:
            work.losses.add(path, f"left out: an assistant's turn holds no {block.type} block")
    extra: JsonObject = {}
    if calls:
        extra["tool_calls"] = [_call(block, reasoning, work) for block in calls]
    return _add_reasoning(parts, extra, reasoning, work), extra


def _text(block: TextParam, path: str, after_call: bool, work: Encoding) -> list[JsonObject]:
    if not block.text:
        return []
    if (block.model_extra or {}).get("citations"):
        work.losses.add(f"{path}.citations", "left out: chat completions take no citations back")
    text = f"\n\n{block.text}" if after_call else block.text
    return [text_part(text, cache_hint(block.cache_control, path, work))]


def _call(block: ToolUseParam, reasoning: _Reasoning, work: Encoding) -> JsonObject:
    call: JsonObject = {
        "id": work.ids.take(block.id),
        "type": "function",
        "function": {"name": work.names.sent(block.name), "arguments": write_json(block.input).decode()},
    }
    if block.id in reasoning.calls:
        call["extra_content"] = reasoning.calls[block.id]
    return call


def _recall(
    block: ThinkingParam | RedactedThinkingParam, path: str, reasoning: _Reasoning, work: Encoding
) -> None:
    signature = block.signature if isinstance(block, ThinkingParam) else block.data
    if is_ours(signature):
        _open(unseal(signature), path, reasoning, work)
    elif not work.profile.claude_signatures:
        work.losses.add(path, "left out: another model's reasoning means nothing to this one")
    elif not _GENUINE.fullmatch(signature):
        work.losses.add(path, "left out: its signature is not genuine")
    else:
        place = {"format": CLAUDE_FORMAT, "index": len(reasoning.details)}
        if isinstance(block, ThinkingParam):
            reasoning.details.append(
                {"type": "reasoning.text", "text": block.thinking, "signature": signature, **place}
            )
        else:
            reasoning.details.append({"type": "reasoning.encrypted", "data": signature, **place})


def _open(envelope: Envelope | None, path: str, reasoning: _Reasoning, work: Encoding) -> None:
    if envelope is None:
        work.losses.add(path, "left out: its signature is damaged")
        return
    if (envelope.provider, envelope.family) != (work.target.provider, work.profile.family):
        work.losses.add(path, "left out: another model's reasoning means nothing to this one")
        return
    if work.profile.reasoning_back == "none":
        work.losses.add(path, "left out: the upstream takes no reasoning back")
        return
    match envelope.fmt:
        case "details":
            reasoning.details += envelope.content
        case "field":
            name, text = envelope.content
            reasoning.fields[name] = reasoning.fields.get(name, "") + text
        case "parts":
            reasoning.parts += envelope.content
        case "tags":
            reasoning.tags += envelope.content[0]
        case _:
            reasoning.calls.update({item["id"]: item["extra_content"] for item in envelope.content})


def _add_reasoning(
    parts: list[JsonObject], extra: JsonObject, reasoning: _Reasoning, work: Encoding
) -> list[JsonObject]:
    profile = work.profile
    tags = reasoning.tags
    if profile.reasoning_back == "tags":
        tags += "".join(reasoning.fields.values())
        reasoning.fields.clear()
    extra.update(reasoning.fields)
    if reasoning.details:
        extra["reasoning_details"] = reasoning.details
    if profile.reasoning_on_tool_turn and "tool_calls" in extra:
        extra.setdefault(profile.reasoning_field, "")
    if tags:
        parts = [text_part(f"<think>{tags}</think>"), *parts]
    return [*reasoning.parts, *parts]
