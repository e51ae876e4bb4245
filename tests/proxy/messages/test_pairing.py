"""The rules that bind tool calls to their results."""

from __future__ import annotations

import re
from typing import Any

import pytest

from proxy.messages.errors import ClientError
from proxy.messages.pairing import check_pairing
from proxy.messages.request import parse_request


def check(*turns: tuple[str, Any]) -> None:
    messages = [{"role": role, "content": content} for role, content in turns]
    check_pairing(parse_request({"model": "m", "max_tokens": 1, "messages": messages}).messages)


def call(*ids: str) -> tuple[str, Any]:
    return "assistant", [{"type": "tool_use", "id": each, "name": "f", "input": {}} for each in ids]


def result(*ids: str) -> tuple[str, Any]:
    return "user", [{"type": "tool_result", "tool_use_id": each} for each in ids]


def test_results_in_any_order_and_spread_over_one_turn_are_fine() -> None:
    check(("user", "go"), call("a", "b"), result("b", "a"), call("c"), result("c"), ("user", "more"))
    check(("user", "go"), call("a", "b"), result("a"), result("b"))


def test_a_system_message_does_not_part_a_call_from_its_result() -> None:
    check(("user", "go"), call("a"), result("a"), ("system", "note"), ("assistant", "done"))
    check(("user", "go"), call("a"), ("system", "note"), result("a"))


def test_a_conversation_may_end_with_a_call() -> None:
    check(("user", "go"), call("a"))


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        (
            (("user", "go"), call("a", "b"), result("a")),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: b.",
        ),
        (
            (("user", "go"), call("a"), ("user", "hello?"), ("assistant", "hm"), result("a")),
            "messages.1: `tool_use` ids were found without `tool_result` blocks",
        ),
        ((result("x"),), "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: x."),
        ((("user", "go"), call("a"), result("a", "a")), "messages.2.content.1: unexpected `tool_use_id`"),
        ((("user", "go"), call("a", "a")), "messages.1.content.1: `tool_use` ids must be unique"),
        (
            (("user", "go"), call("a"), result("a"), call("a"), result("a")),
            "messages.3.content.0: `tool_use` ids must be unique",
        ),
    ],
)
def test_a_broken_pair_is_refused_in_the_words_of_the_real_api(turns: Any, message: str) -> None:
    with pytest.raises(ClientError, match=re.escape(message)):
        check(*turns)
