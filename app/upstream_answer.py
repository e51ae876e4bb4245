"""Reads what an upstream answered, in whatever dialect and however many pieces, as one Message of the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import cast

from proxy.config import DialectName
from proxy.dialects.base import StreamDecoder, Target
from proxy.dialects.profiles import Profile
from proxy.dialects.registry import dialect_for
from proxy.events import UpstreamExchange
from proxy.messages.errors import ClientError
from proxy.messages.events import StreamEvent, content_block_stop
from proxy.messages.fold import MessageFold
from proxy.messages.message import Message
from proxy.messages.request import MessagesRequest, parse_request
from proxy.messages.wire import InvalidJson, read_json

_BLOCK_ENDS = frozenset({"content_block_start", "content_block_stop"})
_PIECE_BYTES = 16 * 1024
_ANY_REQUEST = {"model": "?", "max_tokens": 1, "messages": [{"role": "user", "content": "."}]}


def answer_of(attempt: UpstreamExchange, client_request: str) -> str:
    """Returns the answer to an attempt as JSON over several lines; empty where none was begun.

    What broke off, in the stream or because only its beginning is kept, is told as far as it came.

    Args:
        attempt: With its bodies.
        client_request: What the client asked; what its answer means can depend on it.
    """
    if attempt.status != 200 or not attempt.reply or not attempt.dialect:
        return ""
    dialect = dialect_for(cast("DialectName", attempt.dialect))
    target = Target(attempt.provider, attempt.model, Profile())
    kind = next((text for name, text in attempt.reply_headers.items() if name.lower() == "content-type"), "")
    decoder = dialect.decoder(_request(client_request), target, kind, lambda prefix: f"{prefix}…")
    message = _folded(_events(decoder, attempt.reply.encode()))
    return "" if message is None else json.dumps(message, indent=2, ensure_ascii=False)


def _events(decoder: StreamDecoder, reply: bytes) -> Iterator[StreamEvent]:
    """In small pieces: other threads have their turn between two, and few events live at once."""
    for start in range(0, len(reply), _PIECE_BYTES):
        yield from decoder.feed(reply[start : start + _PIECE_BYTES])
        if decoder.is_cut_short:
            return
    yield from decoder.finish()


def _folded(made: Iterator[StreamEvent]) -> Message | None:
    fold = MessageFold()
    has_begun = False
    open_block: int | None = None
    for event in made:
        if event["type"] == "error":
            continue
        fold.add(event)
        has_begun = True
        if event["type"] in _BLOCK_ENDS:
            open_block = event["index"] if event["type"] == "content_block_start" else None
    if open_block is not None:
        fold.add(content_block_stop(open_block))
    return fold.message() if has_begun else None


def _request(text: str) -> MessagesRequest:
    """The client's request; any other where only its beginning is kept."""
    try:
        return parse_request(read_json(text.encode()))
    except (InvalidJson, ClientError, RecursionError):
        return parse_request(_ANY_REQUEST)
