"""Whatever models say and call, round after round: one lawful answer, and nothing lost for the next turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.config import ToolConfig
from proxy.context import RequestContext
from proxy.dialects.own_calls import SERVER_MARK, mcp_call, mcp_result, replayed, shown_id
from proxy.dialects.unfold import unfold
from proxy.messages.events import StreamEvent
from proxy.messages.fold import fold
from proxy.messages.message import JsonObject
from proxy.messages.pairing import check_pairing
from proxy.messages.request import MessagesRequest, parse_request
from proxy.messages.stream_state import StreamState
from proxy.service.owed_results import joined
from proxy.service.own_tools import ModelCall, ToolPlan
from proxy.service.record import Announcer, RequestRecord
from proxy.service.server_tools import KnownText
from proxy.service.tool_door import Prepared
from proxy.service.tool_loop import ToolLoop
from proxy.tools.conversation import Conversation
from proxy.tools.run_values import RunScope
from tests.proxy.scripted import BODY

FREE, DENIED, OURS, SERVED = "Free", "Denied", "Ours", "web_search"
GO_ON: JsonObject = {"role": "user", "content": "go on"}


class Ours:
    """A tool of ours whose result is its call's name."""

    may_run_beside_others = True

    def __init__(self, *, is_server_tool: bool) -> None:
        self.is_server_tool = is_server_tool

    def shown(self, call: JsonObject) -> JsonObject:
        if not self.is_server_tool:
            return mcp_call(call["id"], call["name"], call["input"])
        return {**call, "type": "server_tool_use", "id": shown_id(SERVER_MARK, call["id"])}

    async def run(self, call: ModelCall) -> JsonObject:
        if not self.is_server_tool:
            return mcp_result(call.id, [{"type": "text", "text": call.id}], is_error=False)
        shown = shown_id(SERVER_MARK, call.id)
        return {"type": "web_search_tool_result", "tool_use_id": shown, "content": []}

    def refused(self, call: ModelCall, why: str) -> JsonObject:
        raise AssertionError(why)


class Judge:
    """Denies one tool."""

    async def denial(self, call: ModelCall) -> str | None:
        return f"no {call.id}" if call.name == DENIED else None


PLAN = ToolPlan({OURS: Ours(is_server_tool=False), SERVED: Ours(is_server_tool=True)}, frozenset({FREE}))


class Model:
    """Gives its answers in turn, and keeps what it was asked."""

    def __init__(self, rounds: list[list[JsonObject]]) -> None:
        self.rounds = rounds
        self.asked: list[MessagesRequest] = []
        self.record: RequestRecord | None = None

    async def answer(self, request: MessagesRequest) -> AsyncGenerator[list[StreamEvent] | None, None]:
        content = self.rounds[len(self.asked)]
        self.asked.append(request)
        check_pairing(request.messages)
        calls = any(block["type"] == "tool_use" for block in content)
        message: JsonObject = {
            "id": f"msg_{len(self.asked)}",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": content,
            "stop_reason": "tool_use" if calls else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
        yield []
        assert self.record is not None
        for event in unfold(message):
            self.record.note(event)
            yield [event]


async def answered(model: Model, request: MessagesRequest, owed: Conversation) -> list[StreamEvent]:
    context = RequestContext("req_1")
    scope = RunScope(context, Conversation(("local", "c")))
    prepared = Prepared(request, PLAN, scope, Judge(), owed, KnownText(request))
    record = model.record = RequestRecord(context, Announcer(lambda _: None, float, float, 0), {})
    loop = ToolLoop(prepared, model.answer, record, ToolConfig(max_rounds=100), float)
    return [event async for batch in loop.batches() for event in batch or ()]


texts = st.text("ab ", min_size=1, max_size=4).filter(str.strip)
names = st.sampled_from([FREE, DENIED, OURS, SERVED])
block = st.one_of(
    texts.map(lambda text: {"type": "text", "text": text}),
    st.just({"type": "thinking", "thinking": "hm", "signature": "c2ln"}),
    names.map(lambda name: {"type": "tool_use", "id": "", "name": name, "input": {"n": 1}}),
)
rounds = st.lists(st.lists(block, min_size=1, max_size=5), min_size=1, max_size=4)


def named(made: list[list[JsonObject]]) -> list[list[JsonObject]]:
    """Every call gets an id of its own, every text and thought is one of its kind; the last only says."""
    out: list[list[JsonObject]] = []
    for i, content in enumerate(made):
        out.append([])
        for j, each in enumerate(content):
            mark = f"{i}-{j}"
            own: Mapping[str, Any] = {
                "tool_use": {"id": f"c{mark}"},
                "text": {"text": f"{each.get('text')}{mark}"},
                "thinking": {"signature": f"c2ln{i}{j}"},
            }[each["type"]]
            out[-1].append({**each, **own})
    return [*out, [{"type": "text", "text": "the end"}]]


@settings(max_examples=150, deadline=None)
@given(rounds)
async def test_one_lawful_answer_and_the_next_turn_begins_with_all_that_was_said(
    made: list[list[JsonObject]],
) -> None:
    script = named(made)
    model, owed = Model(script), Conversation(("local", ""))
    request = parse_request(BODY)
    left = await answered(model, request, owed)
    judge = StreamState()
    for event in left:
        judge.advance(event)
    judge.finish()
    message = fold(left)
    said = script[: len(model.asked)]
    _nothing_denied_left(message["content"])
    assert message["usage"].get("output_tokens") == len(said)

    mine = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": each, "content": each} for each in mine]
    turns: list[JsonObject] = [
        *BODY["messages"],
        {"role": "assistant", "content": message["content"]},
        {"role": "user", "content": results} if mine else GO_ON,
    ]
    later = replayed(joined(parse_request({**BODY, "messages": turns}), owed.owed_results))
    check_pairing(later.messages)
    assert _blocks(later, "assistant") == _expected(said, has_client_calls=bool(mine))
    if len(said) > 1:
        earlier = model.asked[-1].model_dump(exclude_unset=True)["messages"]
        assert later.model_dump(exclude_unset=True)["messages"][: len(earlier)] == earlier


def _nothing_denied_left(content: list[JsonObject]) -> None:
    assert all(block.get("name") != DENIED for block in content)


def _blocks(request: MessagesRequest, role: str) -> list[JsonObject]:
    return [
        block.model_dump(exclude_unset=True)
        for message in request.messages
        if message.role == role
        for block in message.blocks()
    ]


def _expected(said: list[list[JsonObject]], *, has_client_calls: bool) -> list[JsonObject]:
    """All blocks as the models made them; calls that wait beside the client's are made when they have run."""
    *before, last = said
    waiting = [block for block in last if not (has_client_calls and block.get("name") == SERVED)]
    return [block for content in before for block in content] + waiting
