"""Reads what an upstream answered, in whatever dialect and however many pieces, as one Message of the API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from proxy.config import DialectName
from proxy.dialects.base import Target
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
    made = decoder.feed(attempt.reply.encode())
    message = _folded([*made, *(() if decoder.is_cut_short else decoder.finish())])
    return "" if message is None else json.dumps(message, indent=2, ensure_ascii=False)


def _folded(made: Sequence[StreamEvent]) -> Message | None:
    fold = MessageFold()
    open_block: int | None = None
    told = [event for event in made if event["type"] != "error"]
    for event in told:
        fold.add(event)
        if event["type"] in _BLOCK_ENDS:
            open_block = event["index"] if event["type"] == "content_block_start" else None
    if open_block is not None:
        fold.add(content_block_stop(open_block))
    return fold.message() if told else None


def _request(text: str) -> MessagesRequest:
    """The client's request; any other where only its beginning is kept."""
    try:
        return parse_request(read_json(text.encode()))
    except (InvalidJson, ClientError, RecursionError):
        return parse_request(_ANY_REQUEST)
