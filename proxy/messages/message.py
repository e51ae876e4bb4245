"""The answer as the Messages API shapes it: a JSON object with known keys and room for unknown ones."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from typing_extensions import NotRequired, TypedDict

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object as read from the wire."""

StopReason: TypeAlias = Literal[
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
]


class Usage(TypedDict, total=False):
    """Token counts; `input_tokens` is the uncached part only, `output_tokens` includes thinking."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    cache_creation: JsonObject
    output_tokens_details: JsonObject
    server_tool_use: JsonObject | None
    service_tier: str


class TextBlock(TypedDict):
    """A run of the model's text."""

    type: Literal["text"]
    text: str
    citations: NotRequired[list[JsonObject] | None]


class ThinkingBlock(TypedDict):
    """A run of the model's reasoning; `signature` is opaque to the client and comes back verbatim."""

    type: Literal["thinking"]
    thinking: str
    signature: str


class RedactedThinkingBlock(TypedDict):
    """Reasoning without readable text."""

    type: Literal["redacted_thinking"]
    data: str


class ToolUseBlock(TypedDict):
    """A call of a client tool."""

    type: Literal["tool_use"]
    id: str
    name: str
    input: JsonObject
    caller: NotRequired[JsonObject]


ContentBlock: TypeAlias = TextBlock | ThinkingBlock | RedactedThinkingBlock | ToolUseBlock | JsonObject


class Message(TypedDict):
    """A whole answer."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[JsonObject]
    stop_reason: str | None
    stop_sequence: str | None
    stop_details: NotRequired[JsonObject | None]
    container: NotRequired[JsonObject | None]
    usage: Usage
