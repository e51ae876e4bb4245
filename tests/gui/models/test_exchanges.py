"""A request's steps: attempts in order, tools between them, whatever is known of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gui.models.exchanges import Step, StepsModel, call_facts, facts_of, status_cell, steps_of
from gui.models.requests import RequestRow
from gui.permission_desk import DecisionView
from proxy.events import Exchange, RequestFinished, RequestRouted, ToolResult, UpstreamExchange
from proxy.store.ledger_values import AttemptRow
from tests.gui.scenes import START, exchange

CALL = DecisionView(
    START + 5, "Bash", "npm test", "allow", "rule", "a rule matches", "Bash(npm *)", "signalbox", "c",
    "req_1", "toolu_0", ran=True, exit_code=0, result_bytes=1_240, duration_s=0.02,
)  # fmt: skip
ATTEMPT = UpstreamExchange(1, 1, "one", "m", "why", START)


def _row(*rounds: int, finished: RequestFinished | None = None) -> RequestRow:
    row = RequestRow("req_1", START, finished=finished)
    row.routes = [RequestRouted("req_1", None, "one", "m", "why", (), each) for each in rounds]
    return row


def _texts(*steps: Step) -> list[str]:
    model = StepsModel()
    model.show(steps)
    return [
        "|".join(str(model.index(row, column).data()) for column in range(model.columnCount()))
        for row in range(model.rowCount())
    ]


def test_tools_stand_between_the_attempts_with_what_they_gave_back() -> None:
    repeated = replace(CALL, call_id="", is_request=True)
    steps = steps_of(_row(), exchange("req_1"), (repeated, CALL))
    assert _texts(*steps) == [
        "1|openrouter / claude-sonnet-4|529 overloaded|310 ms",
        "2|openrouter / claude-sonnet-4|529 overloaded|280 ms",
        "3|local / qwen3-coder:30b|200 ok|2.6 s",
        "|Bash|exit 0|20 ms",
        "4|local / qwen3-coder:30b|200 ok|1.9 s",
    ]
    assert steps[3].result.startswith("> lamp")


def test_a_result_belongs_to_its_own_call() -> None:
    attempt = replace(ATTEMPT, results=(ToolResult("toolu_9", "Bash", "of another"),))
    steps = steps_of(_row(), Exchange("req_1", upstream=(attempt,)), (CALL,))
    assert [step.result for step in steps] == ["", ""]


@pytest.mark.parametrize(
    ("rounds", "finished", "words"),
    [
        ((1,), None, ["under way"]),
        ((1, 1), RequestFinished("req_1", START, "ok", 200, 1.0), ["failed", "ok"]),
        ((1, 2), RequestFinished("req_1", START, "ok", 200, 1.0), ["ok", "ok"]),
        (
            (1, 1),
            RequestFinished("req_1", START, "error", 529, 1.0, error_type="overloaded_error"),
            ["failed", "overloaded"],
        ),
        ((1,), RequestFinished("req_1", START, "cancelled", 499, 1.0), ["cancelled"]),
    ],
)
def test_without_both_sides_the_routes_say_what_they_can(
    rounds: tuple[int, ...], finished: RequestFinished | None, words: list[str]
) -> None:
    steps = steps_of(_row(*rounds, finished=finished), None, (CALL,))
    assert [status_cell(step.attempt).text for step in steps if step.attempt] == words
    assert len(steps) == len(rounds)


def test_the_ledger_knows_how_each_attempt_ended() -> None:
    row = _row(1, 1)
    row.attempts = (
        AttemptRow("req_1", 1, "one", "m", "first", "overloaded_error", 3),
        AttemptRow("req_1", 2, "two", "n", "second", "ok", 31),
    )
    assert _texts(*steps_of(row, None, ())) == ["1|one / m|overloaded|3 ms", "2|two / n|ok|31 ms"]


def test_the_facts_of_an_attempt_are_one_line_of_what_is_known() -> None:
    assert facts_of(ATTEMPT) == ""
    whole = replace(
        ATTEMPT,
        round=2,
        key="key 1 of 2",
        first_byte_s=0.41,
        duration_s=2.6,
        input_tokens=1_204,
        output_tokens=61,
        cache_write_tokens=5,
        stop_reason="tool_use",
    )
    assert facts_of(whole) == (
        "round 2  ·  key 1 of 2  ·  first byte after 410 ms  ·  took 2.6 s  ·  "
        "1,204 tokens in, 61 out, 5 cached  ·  stopped by tool_use"
    )


@pytest.mark.parametrize(
    ("changes", "status", "facts"),
    [
        ({}, "exit 0", "allowed by Bash(npm *)  ·  ran by Signalbox  ·  took 20 ms  ·  gave back 1.2 kB"),
        ({"exit_code": 2}, "exit 2", None),
        ({"decision": "deny", "rule": None, "ran": False}, "denied", "denied by rule  ·  not run"),
        ({"runner": "client", "ran": False}, "to the client", None),
    ],
)
def test_a_call_tells_its_decision_and_its_end(
    changes: dict[str, object], status: str, facts: str | None
) -> None:
    call = replace(CALL, **changes)
    assert _texts(Step(decision=call))[0].split("|")[2] == status
    assert facts is None or call_facts(call) == facts
