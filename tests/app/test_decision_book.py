"""What the book makes of answers about requests that came too often."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from app.decision_book import DecisionBook
from proxy.events import ToolDecided
from proxy.permissions.approval import RepeatedRequest
from proxy.permissions.values import ToolCall

REPEATED = RepeatedRequest("ci", "big", "claude-opus-5-5", 6, 60.0, 1_860_000, "0" * 64)
ANSWER = ToolDecided(
    request_id="req_1",
    at=1234.0,
    call_id="",
    tool="Repeated request",
    arguments=json.dumps(asdict(REPEATED)),
    runner="client",
    decision="allow",
    reason="it comes too often",
    rule=None,
    source=None,
    decided_by="user (window)",
)


def book() -> DecisionBook:
    return DecisionBook(lambda text: text.replace("ci", "[redacted]"), lambda: 1240.0)


def test_such_an_answer_is_told_in_words_and_redacted() -> None:
    view = book().view(ANSWER)
    assert (view.is_request, view.decision, view.by) == (True, "allow", "user (window)")
    assert view.shown.splitlines() == [
        "6 times within 60 seconds",
        "token: [redacted]",
        "alias: big (asked for claude-opus-5-5)",
        "cost so far: $1.86",
    ]


def test_what_cannot_be_read_is_shown_as_it_is() -> None:
    view = book().view(replace(ANSWER, arguments='{"times": 3}'))
    assert (view.is_request, view.shown) == (True, '{"times": 3}')


def test_a_call_that_only_bears_the_name_is_a_call() -> None:
    assert not book().view(replace(ANSWER, call_id="toolu_1")).is_request


def test_new_rules_are_tried_on_calls_alone() -> None:
    kept = book()
    kept.add(ANSWER)
    kept.add(replace(ANSWER, tool="Bash", call_id="toolu_1", arguments='{"command": "ls"}'))
    assert kept.recent_calls() == [ToolCall("Bash", {"command": "ls"})]
    assert [each.tool for each in kept.of_request("req_1")] == ["Repeated request", "Bash"]
