"""The answer as the Messages API shapes it: a JSON object with known keys and room for unknown ones."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from typing_extensions import NotRequired, TypedDict

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object as read from the wire."""


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
