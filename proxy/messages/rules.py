"""The rules of the Messages API that the shape of a request does not hold, in the API's own words.

They are checked for upstreams that would answer a breach unreadably or not at all; one that speaks the
protocol itself judges for itself. The texts are those clients know from the real API.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proxy.messages.cache_rules import check_caching
from proxy.messages.errors import invalid_request
from proxy.messages.request import (
    ContentBlockParam,
    DocumentParam,
    ImageParam,
    MessageParam,
    MessagesRequest,
    TextParam,
    ToolResultParam,
    ToolUseParam,
)
from proxy.messages.tool_rules import check_closed, check_tools

NEWEST = "2026-10-21"
"""The API version that takes no documents in assistant turns and no citations in user turns."""
INTERLEAVED = "interleaved-thinking-2025-05-14"
"""With this beta a thinking budget may be larger than max_tokens."""
MIN_BUDGET = 1024

EFFORTS = ("low", "medium", "high", "xhigh", "max")
_THINKING = ("adaptive", "between_tools", "disabled", "enabled")
_IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_SAMPLING = ("temperature", "top_p", "top_k")


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a request was sent, as its headers say."""

    version: str = "2023-06-01"
    betas: frozenset[str] = frozenset()
    is_count: bool = False
    """Tokens are to be counted: nothing is generated, so max_tokens says nothing."""


def check_rules(request: MessagesRequest, terms: Terms) -> None:
    """Checks a request.

    Raises:
        ClientError: It breaks a rule of the API (400).
    """
    _check_system(request)
    check_tools(request)
    _check_thinking(request, terms)
    _check_sampling(request)
    _check_output(request)
    for index, message in enumerate(request.messages):
        _check_message(message, index, terms, is_last=index == len(request.messages) - 1)
    check_caching(request)
    _check_choices(request, terms)
    for stop in request.stop_sequences or []:
        if not stop.strip():
            raise invalid_request("stop_sequences: each stop sequence must contain non-whitespace")


def _check_choices(request: MessagesRequest, terms: Terms) -> None:
    """Fields that take one of few words, and one that counting does not take."""
    extra = request.model_extra or {}
    if request.service_tier not in (None, "auto", "standard_only"):
        raise invalid_request("service_tier: Input should be 'auto' or 'standard_only'")
    if extra.get("speed") not in (None, "standard", "fast"):
        raise invalid_request("speed: Input should be 'standard' or 'fast'")
    if terms.is_count and extra.get("mcp_servers"):
        raise invalid_request("mcp_servers: Extra inputs are not permitted")


def _check_system(request: MessagesRequest) -> None:
    if not isinstance(request.system, list):
        return
    for i, block in enumerate(request.system):
        if not isinstance(block, TextParam):
            raise invalid_request(
                f"system.{i}: Input tag '{block.type}' does not match any of the expected tags: 'text'"
            )
        _check_text(block, f"system.{i}", "system")


def _check_thinking(request: MessagesRequest, terms: Terms) -> None:
    thinking = request.thinking
    if thinking is None:
        return
    if thinking.type not in _THINKING:
        known = ", ".join(repr(each) for each in _THINKING)
        raise invalid_request(
            f"thinking: Input tag '{thinking.type}' found using 'type' does not match any of the expected "
            f"tags: {known}"
        )
    if thinking.type == "enabled":
        _check_budget(request, thinking.budget_tokens, terms)


def _check_budget(request: MessagesRequest, budget: int | None, terms: Terms) -> None:
    if budget is None:
        raise invalid_request("thinking.enabled.budget_tokens: Field required")
    if budget < MIN_BUDGET:
        raise invalid_request(
            f"thinking.enabled.budget_tokens: Input should be greater than or equal to {MIN_BUDGET}"
        )
    if budget >= request.max_tokens and INTERLEAVED not in terms.betas and not terms.is_count:
        raise invalid_request("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if request.tool_choice is not None and request.tool_choice.type in ("any", "tool"):
        raise invalid_request("Thinking may not be enabled when tool_choice forces tool use.")
    if request.temperature not in (None, 1):
        raise invalid_request("`temperature` may only be set to 1 when thinking is enabled.")
    if request.top_k is not None:
        raise invalid_request("`top_k` must be unset when thinking is enabled.")
    if request.top_p is not None and request.top_p < 0.95:
        raise invalid_request(
            "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled."
        )


def _check_sampling(request: MessagesRequest) -> None:
    # The newest version has no sampling at all, but an upstream of another kind does, and clients that
    # know it send it under that version too: refusing would take something away for nothing.
    for name in _SAMPLING:
        value: float | None = getattr(request, name)
        if value is None:
            continue
        if value < 0:
            raise invalid_request(f"{name}: Input should be greater than or equal to 0")
        if name != "top_k" and value > 1:
            raise invalid_request(f"{name}: Input should be less than or equal to 1")


def _check_output(request: MessagesRequest) -> None:
    config = request.output_config
    if config is None:
        return
    if config.effort is not None and config.effort not in EFFORTS:
        raise invalid_request(
            "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"
        )
    schema = (config.format or {}).get("schema")
    if isinstance(schema, dict):
        check_closed(schema, "output_config.format.schema")


def _check_message(message: MessageParam, index: int, terms: Terms, *, is_last: bool) -> None:
    if message.role == "system":
        return  # may be empty, and is judged by nobody but its model
    _check_not_empty(message, index, is_last=is_last)
    blocks = message.blocks()
    for place, block in enumerate(blocks):
        at = f"messages.{index}.content.{place}"
        if isinstance(block, TextParam):
            _check_text(block, at, "messages")
        _check_block(block, at, message.role, terms)
    if message.role == "user":
        _check_results_first(blocks, index)
    elif is_last:
        _check_prefill(blocks)


def _check_not_empty(message: MessageParam, index: int, *, is_last: bool) -> None:
    if not message.content and not (is_last and message.role == "assistant"):
        raise invalid_request(
            f"messages.{index}: all messages must have non-empty content except for the optional final "
            "assistant message"
        )


def _check_text(block: TextParam, at: str, where: str) -> None:
    if not block.text:
        if block.cache_control:
            raise invalid_request(f"{at}.text: cache_control cannot be set for empty text blocks")
        raise invalid_request(f"{where}: text content blocks must be non-empty")
    if not block.text.strip() and where == "messages":
        raise invalid_request("messages: text content blocks must contain non-whitespace text")


def _check_block(block: ContentBlockParam, at: str, role: str, terms: Terms) -> None:
    if isinstance(block, ToolResultParam):
        if role != "user":
            raise invalid_request(f"{at}: `tool_result` blocks can only be in `user` messages")
        inner = block.content if isinstance(block.content, list) else []
        for place, each in enumerate(inner):
            _check_source(each, f"{at}.tool_result.content.{place}")
    elif isinstance(block, ToolUseParam):
        _check_call(block, at, role)
    elif terms.version >= NEWEST:
        _check_newest(block, at, role)
    _check_source(block, at)


def _check_call(block: ToolUseParam, at: str, role: str) -> None:
    if role != "assistant":
        raise invalid_request(f"{at}: `tool_use` blocks can only be in `assistant` messages")
    if not _ID.fullmatch(block.id):
        raise invalid_request(f"{at}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")


def _check_newest(block: ContentBlockParam, at: str, role: str) -> None:
    """What the newest version no longer takes."""
    if isinstance(block, DocumentParam) and role == "assistant":
        raise invalid_request(f"{at}: `document` blocks are not permitted in `assistant` messages")
    cites = isinstance(block, TextParam) and (block.model_extra or {}).get("citations")
    if cites and role == "user":
        raise invalid_request(f"{at}.text.citations: citations are not permitted in `user` messages")


def _check_source(block: ContentBlockParam, at: str) -> None:
    if not isinstance(block, (ImageParam, DocumentParam)) or block.source.get("type") != "base64":
        return
    kind: Any = block.source.get("media_type")
    if isinstance(block, ImageParam) and kind not in _IMAGE_TYPES:
        known = f"{', '.join(repr(each) for each in _IMAGE_TYPES[:-1])} or {_IMAGE_TYPES[-1]!r}"
        raise invalid_request(f"{at}.image.source.base64.media_type: Input should be {known}")
    if isinstance(block, DocumentParam) and kind != "application/pdf":
        raise invalid_request(f"{at}.document.source.base64.media_type: Input should be 'application/pdf'")
    if not isinstance(block.source.get("data"), str):
        raise invalid_request(f"{at}.{block.type}.source.base64.data: Field required")


def _check_results_first(blocks: Sequence[ContentBlockParam], index: int) -> None:
    has_other = False
    for block in blocks:
        if not isinstance(block, ToolResultParam):
            has_other = True
        elif has_other:
            raise invalid_request(
                f"messages.{index}: `tool_result` blocks must come first in the content of a message, before "
                "any other block."
            )


def _check_prefill(blocks: Sequence[ContentBlockParam]) -> None:
    last = blocks[-1] if blocks else None
    if isinstance(last, TextParam) and last.text != last.text.rstrip():
        raise invalid_request("messages: final assistant content cannot end with trailing whitespace")
