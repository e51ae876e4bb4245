"""Estimates how many tokens a request has, from its characters, images and tools; no tokenizer is asked.

Rates measured over English prose and code with several tokenizers: about 4 characters a token in Latin
script, about 1 in Chinese, Japanese and Korean. An image is counted by its pixels where they can be read
from the file, as the Vision page of the Messages API says: width x height / 750, at most 1,600.
"""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any, cast

from proxy.messages.request import MessagesRequest
from proxy.messages.wire import write_json

CHARS_PER_TOKEN = 3.8
TOKENS_PER_MESSAGE = 4
"""The role and the marks around a turn."""
TOKENS_PER_TOOL = 12
"""The frame a tool's declaration gets."""
TOOL_USE_PROMPT = 300
"""What the API adds once any tool is declared (Tool use page: 290 to 350, by model)."""
MAX_IMAGE_TOKENS = 1600
BYTES_PER_PDF_TOKEN = 30
"""A page of text has about 2,000 tokens and, compressed, about 60 KB."""

_WIDE_FROM = "\u2e80"
"""From here on a character is about a token: CJK, kana, Hangul, emoji."""


def estimate_tokens(request: MessagesRequest) -> int:
    """Returns an estimate of the request's input tokens, at least 1."""
    return estimate_body(request.model_dump(exclude_none=True))


def estimate_body(body: dict[str, Any]) -> int:
    """Returns the same for a request body as received; unknown fields count nothing."""
    total = _content(body.get("system"))
    for message in body.get("messages") or ():
        total += TOKENS_PER_MESSAGE + _content(message.get("content"))
    tools = body.get("tools") or ()
    for tool in tools:
        total += TOKENS_PER_TOOL + _text(write_json(tool).decode())
    if tools:
        total += TOOL_USE_PROMPT
    return max(1, math.ceil(total))


def _content(content: Any) -> float:
    if isinstance(content, str):
        return _text(content)
    if not isinstance(content, list):
        return 0
    return sum(_block(cast("dict[str, Any]", block)) for block in cast("list[Any]", content))


def _block(block: dict[str, Any]) -> float:
    match block.get("type"):
        case "text":
            return _text(str(block.get("text", "")))
        case "image":
            return _image(block.get("source"))
        case "document":
            return _document(block)
        case "thinking":
            return _text(str(block.get("thinking", "")))
        case "redacted_thinking":
            return 0
        case "tool_use":
            return TOKENS_PER_MESSAGE + _text(
                str(block.get("name", "")) + write_json(block.get("input")).decode()
            )
        case "tool_result":
            return TOKENS_PER_MESSAGE + _content(block.get("content"))
        case _:
            return _text(write_json(block).decode())


def _text(text: str) -> float:
    wide = 0 if text.isascii() else sum(char >= _WIDE_FROM for char in text)
    return (len(text) - wide) / CHARS_PER_TOKEN + wide


def _document(block: dict[str, Any]) -> float:
    source: Any = block.get("source")
    if not isinstance(source, dict):
        return 0
    described = cast("dict[str, Any]", source)
    data = described.get("data")
    if isinstance(data, str):
        is_text = described.get("type") == "text"
        return _text(data) if is_text else len(data) * 3 / 4 / BYTES_PER_PDF_TOKEN
    return _content(described.get("content")) or MAX_IMAGE_TOKENS


def _image(source: Any) -> float:
    data: Any = cast("dict[str, Any]", source).get("data") if isinstance(source, dict) else None
    if not isinstance(data, str):
        return MAX_IMAGE_TOKENS
    size = _png_size(data)
    return MAX_IMAGE_TOKENS if size is None else min(MAX_IMAGE_TOKENS, size[0] * size[1] / 750)


def _png_size(data: str) -> tuple[int, int] | None:
    """Width and height of a PNG stand in its first 24 bytes; other kinds are taken for large."""
    try:
        head = base64.b64decode(data[:32], validate=True)
    except (binascii.Error, ValueError):
        return None
    if not head.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
