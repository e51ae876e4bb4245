"""An approval is bound to one exact call."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proxy.permissions.approval import (
    REPEATED_REQUEST,
    ApprovalAnswer,
    ApprovalRequest,
    RepeatedRequest,
    digest_of,
)
from proxy.permissions.values import ToolCall, Verdict

_ARGUMENTS = st.dictionaries(st.text(), st.text() | st.booleans() | st.integers(), max_size=3)


@given(_ARGUMENTS, _ARGUMENTS)
def test_two_calls_share_a_digest_only_if_they_are_the_same(
    one: dict[str, object], other: dict[str, object]
) -> None:
    same = digest_of(ToolCall("Bash", one)) == digest_of(ToolCall("Bash", other))

    assert same == (repr(sorted(one.items(), key=repr)) == repr(sorted(other.items(), key=repr)))


def test_tool_and_folder_belong_to_the_call() -> None:
    call = ToolCall("Read", {"file_path": "x"})

    assert digest_of(call) == digest_of(ToolCall("Read", {"file_path": "x"}))
    assert (
        len(
            {
                digest_of(each)
                for each in (call, ToolCall("Write", call.input), ToolCall("Read", call.input, "/a"))
            }
        )
        == 3
    )


def test_the_order_of_arguments_is_no_difference_and_lone_surrogates_have_a_digest() -> None:
    assert digest_of(ToolCall("T", {"a": 1, "b": 2})) == digest_of(ToolCall("T", {"b": 2, "a": 1}))
    assert len(digest_of(ToolCall("T", {"a": "\ud800"}))) == 64


def test_an_answer_holds_for_the_one_call_unless_it_says_more() -> None:
    answer = ApprovalAnswer("allow", "window")

    assert (answer.scope, answer.rule, answer.message) == ("once", None, "")


def test_what_waits_is_named_by_its_tool_or_as_a_repeated_request() -> None:
    asked = ApprovalRequest(
        "apr_1",
        ToolCall("Bash", {}),
        "d",
        Verdict("ask", "why"),
        None,
        "req_1",
        "client",
        None,
        None,
        0.0,
        1.0,
    )
    repeated = RepeatedRequest("local", "big", "m", times=6, within_s=60.0, cost_micro_usd=0, body_sha256="0")
    assert (asked.what, replace(asked, call=repeated).what) == ("Bash", REPEATED_REQUEST)
