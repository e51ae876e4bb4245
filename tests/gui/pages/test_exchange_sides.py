"""A step's side is its body, or the reason why there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gui.models.exchanges import Step
from gui.models.requests import RequestRow
from gui.pages.exchange_sides import CUT, READING, Side, side_of, why_not_kept
from gui.request_desk import BodiesKept, ExchangeRead
from proxy.events import Exchange, RequestFinished, RequestRefused, UpstreamExchange
from tests.gui.models.test_exchanges import CALL
from tests.gui.pages.test_requests_earlier import ROW

ATTEMPT = UpstreamExchange(
    1, 1, "one", "m", "why", 0.0, status=200, request='{"a":1}', reply="data: x", reply_headers={"h": "v"}
)
WHY = "not kept"


def _side(
    attempt: UpstreamExchange, *, answer: str = "", is_sent: bool = False, is_raw: bool = False
) -> Side:
    read = ExchangeRead("req_1", 1, Exchange("req_1", upstream=(attempt,)), answer)
    return side_of(Step(attempt), read, WHY, is_sent=is_sent, is_raw=is_raw)


def test_what_came_back_is_one_message_or_as_it_went_over_the_wire() -> None:
    assert _side(ATTEMPT, answer="{}") == Side("{}", file_name="answer-1.json", can_be_raw=True)
    assert _side(ATTEMPT, answer="{}", is_raw=True) == Side(
        "data: x", "h: v", "", "came-back-1.txt", can_be_raw=True
    )
    assert _side(ATTEMPT) == Side("data: x", "h: v", "", "came-back-1.txt")


def test_what_was_sent_and_that_a_body_was_too_long() -> None:
    cut = replace(ATTEMPT, is_cut=True, request_headers={"anthropic-beta": "x"})
    assert _side(cut, is_sent=True) == Side('{"a":1}', "anthropic-beta: x", CUT, "sent-1.json")
    assert _side(cut).note == CUT


@pytest.mark.parametrize(
    ("attempt", "is_sent", "hint"),
    [
        (replace(ATTEMPT, is_dropped=True), True, "Its bodies made room for those of the attempts after it."),
        (replace(ATTEMPT, n=2), True, READING),
        (replace(ATTEMPT, request="", reply="", status=None), True, "Nothing was sent."),
        (
            replace(ATTEMPT, request="", reply="", status=None),
            False,
            "Nothing was sent, so nothing came back.",
        ),
        (replace(ATTEMPT, reply="", status=None), False, "Nothing came back."),
    ],
)
def test_why_there_is_no_body(attempt: UpstreamExchange, is_sent: bool, hint: str) -> None:
    assert _side(attempt, is_sent=is_sent) == Side(hint=hint)


def test_an_empty_answer_shows_its_headers() -> None:
    empty = _side(replace(ATTEMPT, reply="", status=500))
    assert (empty.head, empty.note, empty.hint) == ("h: v", "The answer had no body.", "")


def test_before_it_was_read_and_where_it_is_not_kept() -> None:
    step = Step(ATTEMPT)
    assert side_of(step, None, WHY, is_sent=True, is_raw=False) == Side(hint=READING)
    assert side_of(step, ExchangeRead("req_1"), WHY, is_sent=True, is_raw=False) == Side(hint=WHY)
    assert side_of(None, ExchangeRead("req_1"), WHY, is_sent=True, is_raw=False) == Side(hint=WHY)
    counted = ExchangeRead("req_1", 0, Exchange("req_1", client_request="{}"))
    assert side_of(None, counted, WHY, is_sent=True, is_raw=False) == Side(hint="No provider was asked.")


@pytest.mark.parametrize(
    ("changes", "result", "is_sent", "side"),
    [
        ({}, "done", True, Side("npm test", file_name="toolu_0-call.txt")),
        ({"result_bytes": 4}, "done", False, Side("done", file_name="toolu_0-result.txt")),
        (
            {},
            "done",
            False,
            Side(
                "done",
                note="Its beginning; all of it stands in what was sent next.",
                file_name="toolu_0-result.txt",
            ),
        ),
        ({}, "", False, Side(hint="The result stands in what was sent next.")),
        ({"ran": False}, "", False, Side(hint="Signalbox did not run this call.")),
    ],
)
def test_of_a_tool_the_call_was_sent_and_the_result_came_back(
    changes: dict[str, object], result: str, is_sent: bool, side: Side
) -> None:
    step = Step(decision=replace(CALL, **changes), result=result)
    assert side_of(step, None, WHY, is_sent=is_sent, is_raw=False) == side


OK = RequestFinished("req_1", 0.0, "ok", 200, 1.0)


@pytest.mark.parametrize(
    ("request_", "kept", "words"),
    [
        (
            RequestRow("req_1", 0.0, refused=RequestRefused("req_1", 0.0, 401, "no token")),
            "off",
            "at the door",
        ),
        (RequestRow("req_1", 0.0), "off", "Bodies are not kept. Turn them on"),
        (RequestRow("req_1", 0.0), "all", "Still on its way"),
        (RequestRow("req_1", 0.0, finished=OK), "errors", "Only bodies of requests that fail"),
        (RequestRow("req_1", 0.0, finished=replace(OK, outcome="error")), "errors", "took its place"),
        (RequestRow("req_1", 0.0, finished=OK, earlier=ROW), "all", "Not kept on disk"),
        (RequestRow("req_1", 0.0, finished=OK), "all", "took its place"),
    ],
)
def test_the_reason_is_the_one_that_helps(request_: RequestRow, kept: BodiesKept, words: str) -> None:
    assert words in why_not_kept(request_, kept)
