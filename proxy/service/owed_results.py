"""Calls that were kept from the client, remembered so that the model finds them again on the next turn. Pure.

A denied call and our result for it are no part of what the client keeps. Both are remembered as blocks of
ours (`dialects.own_calls`) with the neighbour that the client does keep, and put back beside it whenever the
client sends the conversation again; where the neighbour is gone, they stay away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from proxy.dialects.loose_json import as_object
from proxy.dialects.own_calls import mcp_call, mcp_result
from proxy.messages.message import JsonObject
from proxy.messages.request import ContentBlockParam, MessageParam, MessagesRequest, OtherBlock
from proxy.messages.wire import write_json

MAX_OWED = 500
"""In one conversation; the oldest are forgotten first."""

Side = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Told:
    """One answer of the model, as it was and as the client was told it."""

    content: Sequence[JsonObject]
    """The upstream's blocks."""
    denials: Mapping[str, str]
    """What the model was told instead of results, by the id of each call the client never saw."""
    shown: Mapping[str, JsonObject]
    """The blocks shown in place of calls of ours, by the call's id."""
    results: Sequence[JsonObject]
    """Result blocks the client was shown after it."""


@dataclass(frozen=True, slots=True)
class _Piece:
    block: JsonObject
    answer: int
    call_id: str | None = None
    """Of a block that was kept back."""


def owed_by(answers: Iterable[Told]) -> dict[str, Mapping[str, Any]]:
    """Returns what to remember of the answers that one request came to, by call id."""
    pieces = [piece for number, answer in enumerate(answers) for piece in _pieces(answer, number)]
    owed: dict[str, dict[str, Any]] = {}
    for index, piece in enumerate(pieces):
        if piece.call_id is None:
            continue
        entry = owed.setdefault(piece.call_id, {"answer": piece.answer})
        part = "use" if piece.block["type"] == "mcp_tool_use" else "result"
        entry[part] = piece.block
        entry[f"{part}_at"] = _anchor(pieces, index)
    return {call_id: entry for call_id, entry in owed.items() if entry["use_at"] and entry["result_at"]}


def remember(kept: dict[str, Mapping[str, Any]], owed: Mapping[str, Mapping[str, Any]]) -> None:
    """Adds to what a conversation owes."""
    kept.update(owed)
    for call_id in list(kept)[: max(0, len(kept) - MAX_OWED)]:
        del kept[call_id]


def joined(request: MessagesRequest, owed: Mapping[str, Mapping[str, Any]]) -> MessagesRequest:
    """Returns the request with what is owed put back into the turns it belongs to."""
    if not owed:
        return request
    places = _Places(owed)
    messages = [places.filled(message) for message in request.messages]
    return request.model_copy(update={"messages": messages}) if places.found else request


def _pieces(answer: Told, number: int) -> list[_Piece]:
    made: list[_Piece] = []
    for block in answer.content:
        call_id = str(block.get("id"))
        if block.get("type") == "tool_use" and call_id in answer.denials:
            use = mcp_call(call_id, str(block.get("name")), as_object(block.get("input")))
            made.append(_Piece(use, number, call_id))
        else:
            made.append(_Piece(answer.shown.get(call_id, block), number))
    made += [_Piece(block, number) for block in answer.results]
    for call_id, text in answer.denials.items():
        result = mcp_result(call_id, [{"type": "text", "text": text}], is_error=True)
        made.append(_Piece(result, number, call_id))
    return made


def _anchor(pieces: Sequence[_Piece], index: int) -> tuple[Side, str] | None:
    """The nearest block that the client keeps: the next one, else the one before."""
    kept = [place for place, each in enumerate(pieces) if each.call_id is None]
    following = next((place for place in kept if place > index), None)
    nearest = following if following is not None else (kept[-1] if kept else None)
    if nearest is None:
        return None
    earlier = next((pieces[place].block for place in reversed(kept) if place < nearest), None)
    return "after" if following is None else "before", _mark(earlier, pieces[nearest].block)


def _mark(earlier: Mapping[str, Any] | None, block: Mapping[str, Any]) -> str:
    """Tells a block by itself and by the one before it: a model says the same more than once."""
    return f"{'' if earlier is None else fingerprint(earlier)}>{fingerprint(block)}"


def fingerprint(block: Mapping[str, Any]) -> str:
    """Returns what tells a block of a conversation from the others, whatever a client adds to it."""
    kind = str(block.get("type"))
    for key in ("id", "tool_use_id", "signature", "data", "text", "thinking"):
        value = block.get(key)
        if value and isinstance(value, str):
            return f"{kind}:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return f"{kind}:{hashlib.sha256(write_json(dict(block))).hexdigest()}"


class _Places:
    """Where in a conversation the owed blocks go; each goes in once."""

    def __init__(self, owed: Mapping[str, Mapping[str, Any]]) -> None:
        self.found = False
        self._at: dict[tuple[Side, str], list[JsonObject]] = {}
        parts = [(entry["answer"], part, entry) for part in ("use", "result") for entry in owed.values()]
        for _, part, entry in sorted(parts, key=lambda each: each[0]):  # stable: calls before results
            self._at.setdefault(entry[f"{part}_at"], []).append(entry[part])

    def filled(self, message: MessageParam) -> MessageParam:
        if message.role != "assistant":
            return message
        made: list[ContentBlockParam] = []
        earlier: JsonObject | None = None
        for block in message.blocks():
            fields = block.model_dump(exclude_unset=True)
            mark = _mark(earlier, fields)
            made += self._taken("before", mark)
            made.append(block)
            made += self._taken("after", mark)
            earlier = fields
        if len(made) == len(message.blocks()):
            return message
        self.found = True
        return message.model_copy(update={"content": made})

    def _taken(self, side: Side, mark: str) -> list[ContentBlockParam]:
        return [OtherBlock.model_validate(block) for block in self._at.pop((side, mark), [])]
