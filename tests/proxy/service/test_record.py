"""What a record keeps of a request."""

from __future__ import annotations

import asyncio

import pytest

from proxy.context import RequestContext
from proxy.events import Exchange, FirstToken, ProxyEvent, RequestFinished
from proxy.messages import events
from proxy.messages.errors import ApiError, ErrorType
from proxy.service.record import CLIENT_LEFT, Announcer, RequestRecord, Tally


def record_into(announced: list[ProxyEvent], clock: list[float]) -> RequestRecord:
    announcer = Announcer(announced.append, lambda: clock[0], lambda: 1000.0 + clock[0], 100)
    return RequestRecord(RequestContext("req_1"), announcer, {})


def test_later_usage_overrides_earlier_field_by_field_and_null_overrides_nothing() -> None:
    tally = Tally()
    tally.add(
        events.message_start("m", "x", {"input_tokens": 5, "cache_read_input_tokens": 3, "output_tokens": 1})
    )
    delta = events.message_delta("end_turn", None, {"output_tokens": 9, "input_tokens": 50})
    delta["usage"]["cache_read_input_tokens"] = None
    tally.add(delta)
    assert (tally.count("input_tokens"), tally.count("output_tokens")) == (50, 9)
    assert (tally.count("cache_read_input_tokens"), tally.count("nothing")) == (3, 0)
    assert tally.stop_reason == "end_turn"


def test_the_first_content_is_announced_once_with_its_delay() -> None:
    announced: list[ProxyEvent] = []
    clock = [0.0]
    record = record_into(announced, clock)
    clock[0] = 1.5
    record.note(events.content_block_start(0, {"type": "text", "text": ""}))
    clock[0] = 2.5
    record.note(events.content_block_start(1, {"type": "tool_use", "id": "t", "name": "f", "input": {}}))
    record.finish(200)
    assert announced[0] == FirstToken("req_1", 1.5)
    finished = announced[1]
    assert isinstance(finished, RequestFinished)
    assert (finished.first_token_s, finished.duration_s, finished.at) == (1.5, 2.5, 1002.5)
    assert finished.tool_names == ("f",)
    assert isinstance(announced[2], Exchange)


def test_a_request_is_finished_once() -> None:
    announced: list[ProxyEvent] = []
    record = record_into(announced, [0.0])
    record.error = ApiError(ErrorType.OVERLOADED, "busy")
    record.finish(529)
    record.finish(200)
    finished = [event for event in announced if isinstance(event, RequestFinished)]
    assert [(event.outcome, event.status, event.error_type) for event in finished] == [
        ("error", 529, "overloaded_error")
    ]


def test_a_client_that_left_is_no_error() -> None:
    for failure in (asyncio.CancelledError(), ConnectionResetError()):
        announced: list[ProxyEvent] = []
        record_into(announced, [0.0]).finish(200, failure)
        finished = announced[0]
        assert isinstance(finished, RequestFinished)
        assert (finished.outcome, finished.status) == ("cancelled", CLIENT_LEFT)


@pytest.mark.parametrize(
    ("costs", "expected"), [((0.5, 0.25), 0.75), ((0.5, None), None), ((None, None), None)]
)
def test_the_rounds_of_an_answer_are_added_up(
    costs: tuple[float | None, float | None], expected: float | None
) -> None:
    announced: list[ProxyEvent] = []
    record = record_into(announced, [0.0])
    for number, cost in enumerate(costs):
        if number:
            record.begin_round()
        record.note(events.content_block_start(0, {"type": "tool_use", "id": "t", "name": f"f{number}"}))
        record.note(events.message_delta("tool_use", None, {"output_tokens": 5}))
        record.tally.cost_usd = cost
    record.finish(200)
    finished = next(each for each in announced if isinstance(each, RequestFinished))
    assert (finished.output_tokens, finished.tool_names, finished.cost_usd) == (10, ("f0", "f1"), expected)


def test_a_round_that_was_not_answered_does_not_hide_what_the_first_one_cost() -> None:
    announced: list[ProxyEvent] = []
    record = record_into(announced, [0.0])
    record.note(events.message_delta("tool_use", None, {"output_tokens": 5}))
    record.tally.cost_usd = 0.5
    record.begin_round()
    record.error = ApiError(ErrorType.OVERLOADED, "busy")
    record.finish(200)
    finished = next(each for each in announced if isinstance(each, RequestFinished))
    assert (finished.outcome, finished.output_tokens, finished.cost_usd) == ("error", 5, 0.5)
