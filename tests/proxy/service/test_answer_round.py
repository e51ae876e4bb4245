"""One answer on its way to the client: what passes, what is shown differently, what is held."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.own_calls import SERVER_MARK, mcp_call, shown_id
from proxy.dialects.unfold import unfold
from proxy.messages import events
from proxy.messages.events import StreamEvent
from proxy.messages.fold import fold
from proxy.messages.message import JsonObject
from proxy.messages.stream_state import StreamState
from proxy.service.answer_round import AnswerRound
from proxy.service.own_tools import ModelCall, ToolPlan

FREE, JUDGED, OURS, SERVED = "Free", "Judged", "Ours", "web_search"


class Shown:
    """A tool of ours that is only shown here."""

    may_run_beside_others = True

    def __init__(self, *, is_server_tool: bool) -> None:
        self.is_server_tool = is_server_tool

    def shown(self, call: JsonObject) -> JsonObject:
        if self.is_server_tool:
            return {**call, "type": "server_tool_use", "id": shown_id(SERVER_MARK, call["id"])}
        return mcp_call(call["id"], call["name"], call["input"])

    async def run(self, call: ModelCall) -> JsonObject:
        raise NotImplementedError

    def refused(self, call: ModelCall, why: str) -> JsonObject:
        raise NotImplementedError


PLAN = ToolPlan({OURS: Shown(is_server_tool=False), SERVED: Shown(is_server_tool=True)}, frozenset({FREE}))


def message(blocks: Sequence[JsonObject]) -> JsonObject:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": list(blocks),
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def use(name: str, call_id: str, arguments: JsonObject) -> JsonObject:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def through(
    answer: AnswerRound, made: Sequence[StreamEvent], denied: frozenset[str] = frozenset()
) -> list[StreamEvent]:
    """Everything that leaves, the kept ending behind it."""
    left: list[StreamEvent] = []
    for event in made:
        left += answer.take(event)
        if answer.held is not None:
            left += answer.settle("no" if answer.held.id in denied else None)
    assert answer.ending is not None
    return [*left, answer.ending, events.message_stop()]


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({min(each, len(text)) for each in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(places)]


def cut_up(made: Sequence[StreamEvent], cuts: list[int]) -> list[StreamEvent]:
    """The same stream with its deltas in pieces, and pings between."""
    out: list[StreamEvent] = []
    for event in made:
        delta: JsonObject = event.get("delta") or {}
        key = {"text_delta": "text", "input_json_delta": "partial_json"}.get(delta.get("type", ""))
        if key is None:
            out.append(event)
            continue
        for piece in pieces(delta[key], cuts):
            out += [events.ping(), {**event, "delta": {**delta, key: piece}}]
    return out


names = st.sampled_from([FREE, JUDGED, OURS, SERVED])
arguments = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=5), max_size=2)
block = st.one_of(
    st.text(min_size=1, max_size=12).map(lambda text: {"type": "text", "text": text}),
    st.just({"type": "thinking", "thinking": "hm", "signature": "sig"}),
    st.builds(use, names, st.just(""), arguments),
)


@given(
    blocks=st.lists(block, max_size=8),
    cuts=st.lists(st.integers(0, 30), max_size=4),
    denied=st.sets(st.integers(0, 8)),
    first_index=st.integers(0, 3),
)
def test_whatever_the_order_nothing_is_lost_and_nothing_denied_leaves(
    blocks: list[JsonObject], cuts: list[int], denied: set[int], first_index: int
) -> None:
    content = [
        {**each, "id": f"c{i}"} if each["type"] == "tool_use" else each for i, each in enumerate(blocks)
    ]
    kept_back = frozenset(
        each["id"] for i, each in enumerate(content) if each.get("name") == JUDGED and i in denied
    )
    answer = AnswerRound(PLAN, first_index, is_first=True)
    left = through(answer, cut_up(unfold(message(content)), cuts), kept_back)
    judge = StreamState(open_index=first_index - 1)
    for event in left:
        judge.advance(event)
    judge.finish()
    expected = [_as_shown(each) for each in content if each.get("id") not in kept_back]
    assert fold(left)["content"] == expected
    assert answer.content == content
    assert set(answer.denials) == kept_back
    assert answer.next_index == first_index + len(expected)
    called = [each.id for each in (*answer.own_calls, *answer.client_calls)]
    assert sorted([*called, *kept_back]) == sorted(each["id"] for each in content if "id" in each)


def _as_shown(each: JsonObject) -> JsonObject:
    tool = PLAN.own.get(each.get("name", ""))
    return each if tool is None else tool.shown(each)


def test_a_later_answer_goes_on_where_the_one_before_stopped() -> None:
    answer = AnswerRound(PLAN, 2, is_first=False)
    left = through(answer, unfold(message([{"type": "text", "text": "more"}])))
    assert [each["type"] for each in left] == [
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert {each.get("index") for each in left[:3]} == {2}


def test_the_input_of_a_server_tool_streams_and_that_of_an_mcp_tool_comes_whole() -> None:
    answer = AnswerRound(PLAN, 0, is_first=True)
    content = [use(SERVED, "a", {"q": 1}), use(OURS, "b", {"q": 2})]
    left = through(answer, unfold(message(content)))
    kinds = [(each["type"], each.get("index")) for each in left[1:-2]]
    assert kinds == [
        ("content_block_start", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_stop", 1),
    ]


def test_an_event_that_nobody_knows_and_an_error_pass() -> None:
    answer = AnswerRound(PLAN, 0, is_first=True)
    strange: StreamEvent = {"type": "news"}
    error: StreamEvent = {"type": "error", "error": {"type": "api_error", "message": "m"}}
    assert [*answer.take(strange), *answer.take(error)] == [strange, error]


def test_an_ending_told_in_two_events_is_one() -> None:
    answer = AnswerRound(PLAN, 0, is_first=True)
    start, *_ = unfold(message([]))
    answer.take(start)
    answer.take(events.message_delta("tool_use", None, {"output_tokens": 1}))
    answer.take({"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 5}})
    assert answer.stop_reason == "tool_use"
    assert answer.ending is not None
    assert answer.ending["usage"] == {"output_tokens": 5}


def test_a_text_is_cited_once_unless_the_upstream_cites_it_itself() -> None:
    cited = {"type": "web_search_result_location", "url": "u"}
    texts: list[str] = []

    def cite(text: str) -> list[JsonObject]:
        texts.append(text)
        return [cited]

    theirs = {"type": "text", "text": "b", "citations": [{"type": "other"}]}
    answer = AnswerRound(PLAN, 0, is_first=True, cite=cite)
    left = through(answer, unfold(message([{"type": "text", "text": "a"}, theirs])))
    assert texts == ["a"]
    assert [each.get("citations") for each in fold(left)["content"]] == [[cited], [{"type": "other"}]]


def test_without_text_and_calls_nothing_is_asked() -> None:
    answer = AnswerRound(PLAN, 0, is_first=True)
    assert answer.stop_reason is None
    assert json.dumps(answer.denials) == "{}"


def test_an_input_that_came_with_the_beginning_of_its_block_is_read_too() -> None:
    answer = AnswerRound(PLAN, 0, is_first=True)
    start, *_ = unfold(message([]))
    answer.take(start)
    for came in ({"a": 1}, "none"):
        answer.take(events.content_block_start(0, {**use(FREE, "c", {}), "input": came}))
        answer.take(events.content_block_stop(0))
    assert [each.input for each in answer.client_calls] == [{"a": 1}, {}]
