"""Answers `max_tokens: 0`, which warms a prompt cache and asks for no content, without an upstream."""

from __future__ import annotations

from typing import Any, cast

from proxy.context import NewId
from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.message import Message
from proxy.messages.request import MessagesRequest


def prewarmed(request: MessagesRequest, input_tokens: int, new_id: NewId) -> Message:
    """Returns the empty answer (Messages API, `max_tokens`: 0 is allowed to fill the prompt cache).

    Raises:
        ClientError: Nothing in the request is to be cached, or it asks for what needs content.
    """
    if not _wants_cache(request.model_dump(exclude_none=True)):
        raise ClientError(
            ErrorType.INVALID_REQUEST,
            "max_tokens: must be greater than or equal to 1 unless something is marked with cache_control",
        )
    for is_wrong, what in (
        (request.stream, "stream"),
        (request.thinking is not None and request.thinking.type == "enabled", "thinking"),
        (
            request.output_config is not None and request.output_config.format is not None,
            "output_config.format",
        ),
        (request.tool_choice is not None and request.tool_choice.type in ("any", "tool"), "tool_choice"),
    ):
        if is_wrong:
            raise ClientError(ErrorType.INVALID_REQUEST, f"max_tokens: 0 is not allowed together with {what}")
    return {
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [],
        "stop_reason": "max_tokens",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {"input_tokens": input_tokens, "output_tokens": 0},
    }


def _wants_cache(value: Any) -> bool:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return "cache_control" in fields or any(_wants_cache(each) for each in fields.values())
    return isinstance(value, list) and any(_wants_cache(each) for each in cast("list[Any]", value))
