"""`max_tokens: 0`: only where there is a cache to fill, and nothing that needs content."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.messages.errors import ClientError
from proxy.messages.request import MessagesRequest, parse_request
from proxy.service.prewarm import prewarmed

CACHED = {"type": "ephemeral"}
TURN = [{"role": "user", "content": [{"type": "text", "text": "long", "cache_control": CACHED}]}]


def request(**more: Any) -> MessagesRequest:
    return parse_request({"model": "m", "max_tokens": 0, "messages": TURN, **more})


def test_the_answer_is_empty_and_counts_what_was_sent() -> None:
    message = prewarmed(request(), 7, lambda prefix: prefix + "1")
    assert (message["id"], message["content"], message["stop_reason"]) == ("msg_1", [], "max_tokens")
    assert message["usage"].get("input_tokens") == 7


@pytest.mark.parametrize(
    "more",
    [
        {"system": [{"type": "text", "text": "x", "cache_control": CACHED}]},
        {"tools": [{"name": "f", "input_schema": {"type": "object"}, "cache_control": CACHED}]},
        {"cache_control": CACHED},
    ],
)
def test_whatever_is_marked_makes_a_cache(more: dict[str, Any]) -> None:
    plain = [{"role": "user", "content": "hi"}]
    assert prewarmed(request(messages=plain, **more), 7, str)["content"] == []
    with pytest.raises(ClientError, match="greater than or equal to 1 unless"):
        prewarmed(request(messages=plain), 7, str)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"stream": True}, "stream"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "thinking"),
        ({"output_config": {"format": {"type": "json_schema", "schema": {}}}}, r"output_config\.format"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
    ],
)
def test_what_needs_content_is_refused(more: dict[str, Any], what: str) -> None:
    with pytest.raises(ClientError, match=f"not allowed together with {what}"):
        prewarmed(request(**more), 7, str)
