"""The envelope that carries an upstream's reasoning through a client, in a thinking block's `signature`.

A signature is opaque to clients and comes back verbatim, so what an upstream wants to see again travels in
it: `sbx1.` and base64url(zlib(JSON)). An envelope opens only for the provider and the model family it was
made by; the reasoning of another model means nothing to this one, or is refused by it.

Kinds (`fmt`): `details` (OpenRouter's reasoning_details array), `field` (a plain reasoning string),
`parts` (Mistral's thinking parts), `tags` (`<think>` text), `calls` (extra_content of Gemini's tool calls).
"""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import Any, Literal, cast

import orjson

from proxy.dialects.loose_json import as_text
from proxy.messages.message import JsonObject
from proxy.messages.wire import write_json

PREFIX = "sbx1."
FIELDS = ("reasoning", "reasoning_content")
"""The names under which upstreams give reasoning as a plain string."""
CLAUDE_FORMAT = "anthropic-claude-v1"
"""`format` of details whose signature is a genuine Anthropic one."""

MAX_ENVELOPE_BYTES = 16 * 2**20
"""A client could send a small envelope that inflates without end."""

Kind = Literal["details", "field", "parts", "tags", "calls"]
_KINDS = frozenset({"details", "field", "parts", "tags", "calls"})


@dataclass(frozen=True, slots=True)
class Envelope:
    """An upstream's reasoning as it gave it."""

    provider: str
    family: str
    fmt: Kind
    content: list[Any]
    """details, parts: the objects; field: [its name, its text]; tags: [text]; calls: id and extra_content."""


def seal(envelope: Envelope) -> str:
    """Returns the envelope as a signature."""
    packed: JsonObject = {
        "v": 1,
        "up": envelope.provider,
        "family": envelope.family,
        "fmt": envelope.fmt,
        "d": envelope.content,
    }
    return PREFIX + base64.urlsafe_b64encode(zlib.compress(write_json(packed), 6)).decode()


def is_ours(signature: str) -> bool:
    """The signature is an envelope, not a genuine signature."""
    return signature.startswith(PREFIX)


def unseal(signature: str) -> Envelope | None:
    """Returns the envelope in a signature; None: there is none, or it is damaged."""
    if not is_ours(signature):
        return None
    try:
        squeezed = base64.urlsafe_b64decode(signature[len(PREFIX) :])
        inflater = zlib.decompressobj()
        packed = orjson.loads(inflater.decompress(squeezed, MAX_ENVELOPE_BYTES))
    except (binascii.Error, zlib.error, ValueError):
        return None
    return _read(packed)


def _read(packed: Any) -> Envelope | None:
    if not isinstance(packed, dict):
        return None
    fields = cast("JsonObject", packed)
    provider, family, fmt, content = (fields.get(key) for key in ("up", "family", "fmt", "d"))
    if fields.get("v") != 1 or fmt not in _KINDS:
        return None
    if not isinstance(provider, str) or not isinstance(family, str) or not isinstance(content, list):
        return None
    items = cast("list[Any]", content)
    return Envelope(provider, family, fmt, items) if _fits(fmt, items) else None


def _fits(fmt: Kind, items: list[Any]) -> bool:
    """A client can write any envelope it likes: only the shapes we make are opened."""
    match fmt:
        case "field":
            return len(items) == 2 and items[0] in FIELDS and isinstance(items[1], str)
        case "tags":
            return len(items) == 1 and isinstance(items[0], str)
        case "calls":
            return all(isinstance(item, dict) and _is_call(cast("JsonObject", item)) for item in items)
        case _:
            return all(isinstance(item, dict) for item in items)


def _is_call(item: JsonObject) -> bool:
    return isinstance(item.get("id"), str) and "extra_content" in item


_TEXT_KEYS = {"reasoning.text": "text", "reasoning.summary": "summary", "reasoning.encrypted": "data"}


def text_of(detail: JsonObject) -> str:
    """Returns what a human can read of a detail."""
    key = _TEXT_KEYS.get(as_text(detail.get("type")))
    text = detail.get(key) if key in ("text", "summary") else None
    return text if isinstance(text, str) else ""


def continues(detail: JsonObject, piece: JsonObject) -> bool:
    """`piece` is more of `detail`: same type and index, and no other id."""
    if any(detail.get(key) != piece.get(key) for key in ("type", "index")):
        return False
    return not (detail.get("id") and piece.get("id") and detail["id"] != piece["id"])


def extend(detail: JsonObject, piece: JsonObject) -> None:
    """Adds a later piece of a streamed detail to it, in place."""
    key = _TEXT_KEYS.get(as_text(detail.get("type")))
    for name, value in piece.items():
        if name == key and isinstance(value, str):
            detail[name] = (detail.get(name) or "") + value
        elif value is not None or name not in detail:
            detail[name] = value
