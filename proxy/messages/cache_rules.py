"""The rules for cache breakpoints: how many, of which kind, in which order, and on what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from proxy.messages.errors import invalid_request
from proxy.messages.request import (
    ContentBlockParam,
    MessagesRequest,
    RedactedThinkingParam,
    ThinkingParam,
    ToolResultParam,
)

MAX_BREAKPOINTS = 4

_TTLS = ("5m", "1h")


def check_caching(request: MessagesRequest) -> None:
    """Checks every `cache_control` of a request, in the order tools, system, messages.

    Raises:
        ClientError: There are more than four, one is of an unknown kind or stands where none may stand, or a
            longer-lived one follows a shorter-lived one.
    """
    marks = list(_marks(request))
    has_short = False
    for at, mark in marks:
        ttl = _ttl(at, mark)
        if ttl == "1h" and has_short:
            raise invalid_request(
                f"{at}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
                "cache_control block. Note that blocks are processed in the following order: `tools`, "
                "`system`, `messages`."
            )
        has_short = has_short or ttl == "5m"
    automatic = (request.model_extra or {}).get("cache_control")
    count = len(marks) + (1 if automatic else 0)
    if count > MAX_BREAKPOINTS:
        raise invalid_request(
            f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {count}."
        )


def caches_for_an_hour(request: MessagesRequest) -> bool:
    """Whether a lawful request asks for a cache that is kept for an hour."""
    automatic = (request.model_extra or {}).get("cache_control")
    marks = (*(mark for _, mark in _marks(request)), automatic)
    return any(isinstance(mark, dict) and cast("dict[str, Any]", mark).get("ttl") == "1h" for mark in marks)


def _ttl(at: str, mark: Any) -> str:
    fields = cast("dict[str, Any]", mark) if isinstance(mark, dict) else {}
    if fields.get("type") != "ephemeral":
        raise invalid_request(f"{at}.cache_control: Input tag should be 'ephemeral'")
    ttl = fields.get("ttl") or "5m"
    if ttl not in _TTLS:
        raise invalid_request(f"{at}.cache_control.ephemeral.ttl: Input should be '5m' or '1h'")
    return str(ttl)


def _marks(request: MessagesRequest) -> Iterator[tuple[str, Any]]:
    for index, tool in enumerate(request.tools or []):
        if tool.cache_control:
            yield f"tools.{index}", tool.cache_control
    if isinstance(request.system, list):
        yield from _in_blocks(request.system, "system")
    for index, message in enumerate(request.messages):
        yield from _in_blocks(message.blocks(), f"messages.{index}.content")


def _in_blocks(blocks: list[ContentBlockParam], path: str) -> Iterator[tuple[str, Any]]:
    for place, block in enumerate(blocks):
        at = f"{path}.{place}"
        if isinstance(block, (ThinkingParam, RedactedThinkingParam)):
            if (block.model_extra or {}).get("cache_control"):
                raise invalid_request(f"{at}.{block.type}.cache_control: Extra inputs are not permitted")
            continue
        mark: Any = getattr(block, "cache_control", None)
        if mark:
            yield at, mark
        if isinstance(block, ToolResultParam) and isinstance(block.content, list):
            yield from _in_blocks(block.content, f"{at}.content")
