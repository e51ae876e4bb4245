"""Calls that Signalbox ran itself: as blocks a client keeps, and back as calls and results for an upstream.

A client is shown such a call as `mcp_tool_use` or `server_tool_use` with its result behind it, all in one
assistant turn; an upstream knows calls and results only, in turns of their own. The block's id holds the id
the upstream gave the call, behind a mark, so the way back needs no memory. Blocks that others made (the
upstream's own search, a real MCP connector) are not touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from proxy.dialects.loose_json import as_object, as_objects, as_text
from proxy.dialects.web_results import FETCH_RESULT, SEARCH_RESULT, told_result
from proxy.messages.message import JsonObject
from proxy.messages.request import (
    ContentBlockParam,
    MessageParam,
    MessagesRequest,
    OtherBlock,
    ToolResultParam,
    ToolUseParam,
)

MCP_MARK = "mcptoolu_sbx_"
SERVER_MARK = "srvtoolu_sbx_"
OWN_SERVER = "signalbox"
"""`server_name` of the built-in tools; that of an MCP server's tools is the server's name."""

_CALLS = ("mcp_tool_use", "server_tool_use")
_RESULTS = ("mcp_tool_result", SEARCH_RESULT, FETCH_RESULT)


def shown_id(mark: str, call_id: str) -> str:
    """Returns the id under which a client is shown the call of this id."""
    return mark + call_id


def call_id_of(shown: str) -> str | None:
    """Returns the call's own id; None: the call was not run by Signalbox."""
    for mark in (MCP_MARK, SERVER_MARK):
        if shown.startswith(mark):
            return shown[len(mark) :]
    return None


def mcp_call(call_id: str, name: str, arguments: JsonObject, server_name: str = OWN_SERVER) -> JsonObject:
    """Returns a tool call as a client is shown it."""
    return {
        "type": "mcp_tool_use",
        "id": shown_id(MCP_MARK, call_id),
        "name": name,
        "input": arguments,
        "server_name": server_name,
    }


def mcp_result(call_id: str, content: Sequence[Mapping[str, object]], *, is_error: bool) -> JsonObject:
    """Returns a tool's result as a client is shown it."""
    return {
        "type": "mcp_tool_result",
        "tool_use_id": shown_id(MCP_MARK, call_id),
        "is_error": is_error,
        "content": [dict(block) for block in content],
    }


def result_param(block: JsonObject) -> ToolResultParam:
    """Returns the result that an upstream is told for a result block of ours."""
    call_id = call_id_of(as_text(block.get("tool_use_id"))) or ""
    if block.get("type") == "mcp_tool_result":
        content, is_error = block.get("content"), bool(block.get("is_error"))
    else:
        content, is_error = told_result(block)
    made: JsonObject = {"type": "tool_result", "tool_use_id": call_id}
    if content:
        made["content"] = content
    if is_error:
        made["is_error"] = True
    if block.get("cache_control"):
        made["cache_control"] = block["cache_control"]
    return ToolResultParam.model_validate(made)


def replayed(request: MessagesRequest) -> MessagesRequest:
    """Returns the request with calls of ours as calls and results; itself where there are none."""
    if not has_own_calls(request):
        return request
    return request.model_copy(update={"messages": _Replay(request.messages).messages()})


def has_own_calls(request: MessagesRequest) -> bool:
    """An assistant's turn holds a call that Signalbox ran, or its result."""
    for message in request.messages:  # plain loops: every request pays for this
        content = message.content
        if type(content) is list and message.role == "assistant":
            for block in content:
                if type(block) is OtherBlock and _own_id(block) is not None:
                    return True
    return False


def open_calls(request: MessagesRequest) -> list[JsonObject]:
    """Returns the calls of ours that have no result yet, as blocks, in order; only the last turn has any."""
    results = set(_results(request.messages))
    last = next((each for each in reversed(request.messages) if each.role == "assistant"), None)
    if last is None:
        return []
    fields = [block.model_dump() for block in last.blocks() if isinstance(block, OtherBlock)]
    return [
        block
        for block in fields
        if block["type"] == "server_tool_use"
        and (own := call_id_of(as_text(block.get("id")))) is not None
        and own not in results
    ]


def _own_id(block: OtherBlock) -> str | None:
    """Returns the id of the call that a block makes or answers, where it is one of ours."""
    extra = block.model_extra or {}
    if block.type in _CALLS:
        return call_id_of(as_text(extra.get("id")))
    if block.type in _RESULTS:
        return call_id_of(as_text(extra.get("tool_use_id")))
    return None


def _results(messages: Sequence[MessageParam]) -> dict[str, OtherBlock]:
    return {
        own: block
        for message in messages
        if message.role == "assistant"
        for block in message.blocks()
        if isinstance(block, OtherBlock) and block.type in _RESULTS and (own := _own_id(block)) is not None
    }


@dataclass(slots=True)
class _Step:
    """One answer of the model: what it said and called until results came back."""

    blocks: list[ContentBlockParam] = field(default_factory=list["ContentBlockParam"])
    results: list[ToolResultParam] = field(default_factory=list[ToolResultParam])
    has_client_calls: bool = False
    is_answered: bool = False

    @property
    def is_over(self) -> bool:
        return self.is_answered and not self.has_client_calls


class _Replay:
    """Rewrites a conversation, turn by turn."""

    def __init__(self, messages: Sequence[MessageParam]) -> None:
        self._turns = list(_merged(messages))
        self._results = _results(messages)
        self._made: list[MessageParam] = []
        self._owed: list[ToolResultParam] = []
        """Results that the next user turn begins with."""

    def messages(self) -> list[MessageParam]:
        for turn in self._turns:
            if turn.role == "assistant":
                self._settle()
                self._assistant(turn)
            elif turn.role == "user" and self._owed:
                owed, self._owed = self._owed, []
                self._made.append(turn.model_copy(update={"content": [*owed, *turn.blocks()]}))
            else:
                self._made.append(turn)
        self._settle()
        return self._made

    def _settle(self) -> None:
        if self._owed:
            self._made.append(MessageParam(role="user", content=list(self._owed)))
            self._owed = []

    def _assistant(self, turn: MessageParam) -> None:
        step = _Step()
        for block in turn.blocks():
            if not isinstance(block, OtherBlock) or (own := _own_id(block)) is None:
                step = self._next(step)
                step.blocks.append(block)
                step.has_client_calls = step.has_client_calls or isinstance(block, ToolUseParam)
            elif block.type in _RESULTS:
                step.is_answered = True
            elif own in self._results:
                step = self._next(step)
                step.blocks.append(_call_param(own, block))
                step.results.append(result_param(self._results[own].model_dump(exclude_unset=True)))
        self._end(step)

    def _next(self, step: _Step) -> _Step:
        if not step.is_over:
            return step
        self._end(step)
        self._settle()
        return _Step()

    def _end(self, step: _Step) -> None:
        if step.blocks:
            self._made.append(MessageParam(role="assistant", content=step.blocks))
            self._owed += step.results


def _merged(messages: Sequence[MessageParam]) -> Iterator[MessageParam]:
    """Assistant turns that follow each other are one: some clients send each block as a turn of its own."""
    pending: MessageParam | None = None
    for message in messages:
        if message.role != "assistant":
            if pending is not None:
                yield pending
                pending = None
            yield message
        elif pending is None:
            pending = message
        else:
            pending = MessageParam(role="assistant", content=[*pending.blocks(), *message.blocks()])
    if pending is not None:
        yield pending


def _call_param(call_id: str, block: OtherBlock) -> ToolUseParam:
    extra = block.model_extra or {}
    made: JsonObject = {
        "type": "tool_use",
        "id": call_id,
        "name": as_text(extra.get("name")),
        "input": as_object(extra.get("input")),
    }
    if extra.get("cache_control"):
        made["cache_control"] = extra["cache_control"]
    return ToolUseParam.model_validate(made)


def search_rows(request: MessagesRequest) -> list[JsonObject]:
    """Returns all search hits that the conversation holds, so that an answer can cite them."""
    return [
        row
        for message in request.messages
        if message.role == "assistant"
        for block in message.blocks()
        if isinstance(block, OtherBlock) and block.type == SEARCH_RESULT
        for row in as_objects((block.model_extra or {}).get("content"))
    ]
