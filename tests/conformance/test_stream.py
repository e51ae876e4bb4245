"""The grammar of streamed answers, what the SDK makes of them, and how they fail."""

from __future__ import annotations

import asyncio
import json

import anthropic
import pytest

from proxy.messages.errors import ErrorType, UpstreamError
from proxy.messages.stream_state import StreamState
from proxy.server.limits import Limits
from tests.conformance.front import call, chat, events_in, kinds, said, serving
from tests.proxy.scripted import BODY, DONE, USAGE, Reply, delta, line

pytestmark = pytest.mark.expects_log("breaker_changed")
"""Upstreams that fail are left alone for a while; what tests provoke here may be enough for that."""

MIXED = chat(
    delta(role="assistant", content="", reasoning="Let me see."),
    delta(content="I call "),
    delta(content="two."),
    call(0, "call_a", "f", '{"a"'),
    call(1, "call_b", "g", '{"b":'),
    call(0, None, None, ":1}"),
    call(1, None, None, "2}"),
    delta("tool_calls"),
    usage={"prompt_tokens": 30, "completion_tokens": 12},
)
"""Reasoning, text and two calls whose pieces come interleaved."""


@pytest.mark.conformance(
    "stream.order", "stream.event-name-is-type", "stream.no-done", "stream.ends-with-message-stop"
)
async def test_a_stream_has_its_events_in_the_order_of_the_api() -> None:
    async with serving(said("Hel", "lo")) as front:
        events = await front.events()
    assert kinds(events) == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


@pytest.mark.conformance("stream.message-start", "answer.id", "answer.model-as-asked")
async def test_message_start_holds_an_empty_message() -> None:
    async with serving() as front:
        message = (await front.events())[0]["message"]
    assert message["id"].startswith("msg_")
    usage = message.pop("usage")
    assert usage["output_tokens"] in (0, 1)
    assert {**message, "id": ""} == {
        "id": "",
        "type": "message",
        "role": "assistant",
        "model": "big",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
    }


@pytest.mark.conformance(
    "stream.one-block-at-a-time", "stream.indices", "stream.deltas-fit", "tools.parallel-interleaved"
)
async def test_blocks_never_interleave_and_their_indices_count_up() -> None:
    async with serving(MIXED) as front:
        events = await front.events()
    judge = StreamState()
    for event in events:
        judge.advance(event)
    judge.finish()
    blocks = [event["content_block"]["type"] for event in events if event["type"] == "content_block_start"]
    assert blocks == ["thinking", "text", "tool_use", "tool_use"]
    inputs = ["", ""]
    for event in events:
        if event["type"] == "content_block_delta" and event["delta"]["type"] == "input_json_delta":
            inputs[event["index"] - 2] += event["delta"]["partial_json"]
    assert [json.loads(each) for each in inputs] == [{"a": 1}, {"b": 2}]


@pytest.mark.conformance("stream.block-start-shapes", "stream.tool-input-begins-empty")
async def test_blocks_begin_empty() -> None:
    async with serving(MIXED) as front:
        events = await front.events()
    starts = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    assert starts[0] == {"type": "thinking", "thinking": "", "signature": ""}
    assert starts[1] == {"type": "text", "text": ""}
    called = {"type": "tool_use", "id": "", "name": "f", "input": {}, "caller": {"type": "direct"}}
    assert {**starts[2], "id": ""} == called
    first = next(e for e in events if e["type"] == "content_block_delta" and e["index"] == 2)
    assert first["delta"] == {"type": "input_json_delta", "partial_json": ""}


@pytest.mark.conformance("stream.signature-last", "thinking.signed")
async def test_a_thinking_block_ends_with_its_signature() -> None:
    async with serving(MIXED) as front:
        events = await front.events()
    deltas = [e["delta"] for e in events if e["type"] == "content_block_delta" and e["index"] == 0]
    assert [each["type"] for each in deltas] == ["thinking_delta", "signature_delta"]
    assert deltas[-1]["signature"]


@pytest.mark.conformance("stream.message-delta", "usage.late")
async def test_message_delta_says_how_it_ended_and_what_it_used() -> None:
    async with serving(MIXED) as front:
        (last,) = [event for event in await front.events() if event["type"] == "message_delta"]
    assert last["delta"]["stop_reason"] == "tool_use"
    assert last["delta"]["stop_sequence"] is None
    assert (last["usage"]["input_tokens"], last["usage"]["output_tokens"]) == (30, 12)


@pytest.mark.conformance("stream.sdk-same-as-whole")
@pytest.mark.parametrize("reply", [said("Hel", "lo"), MIXED])
async def test_the_sdk_accumulates_the_stream_to_the_whole_answer(reply: Reply) -> None:
    async with serving(reply) as front:
        streamed, whole = await front.streamed(), await front.create()
    one, other = streamed.to_dict(), whole.to_dict()
    for message in (one, other):
        for block in message["content"]:
            block.pop("id", None)
            block.pop("parsed_output", None)
            block.pop("citations", None)
    assert one["content"] == other["content"]
    assert (one["stop_reason"], one["usage"]["output_tokens"]) == (
        other["stop_reason"],
        other["usage"]["output_tokens"],
    )


@pytest.mark.conformance("stream.ping-in-silence")
async def test_silence_is_bridged_by_pings_while_the_upstream_lives() -> None:
    gates = [asyncio.Event(), asyncio.Event()]
    comment = b": PROCESSING\n\n"
    reply = Reply((comment, gates[0], comment, gates[1], delta(content="late"), delta("stop"), DONE))
    limits = Limits(first_ping_s=0.02, next_ping_s=0.02)
    async with serving(reply, limits=limits) as front, front.proxy.post({**BODY, "stream": True}) as response:
        for gate in gates:
            assert await response.content.readuntil(b"\n\n") == b'event: ping\ndata: {"type":"ping"}\n\n'
            gate.set()
        assert kinds(events_in(await response.text()))[-1] == "message_stop"


@pytest.mark.conformance("stream.ping-times")
def test_the_first_ping_comes_within_three_seconds_and_then_every_ten() -> None:
    assert Limits().first_ping_s <= 3
    assert Limits().next_ping_s <= 10


@pytest.mark.conformance("stream.error-after-content", "stream.error-is-last", "errors.sdk-mid-stream")
async def test_a_failure_after_content_is_an_error_event_and_the_last() -> None:
    error = line({"error": {"code": 429, "message": "slow down"}})
    async with serving(Reply((delta(content="Hel"), error, DONE))) as front:
        events = await front.events()
        with pytest.raises(anthropic.APIStatusError) as caught:
            await front.streamed()
    assert kinds(events)[-1] == "error"
    assert "message_stop" not in kinds(events)
    assert events[-1]["error"] == {"type": "rate_limit_error", "message": "slow down"}
    assert events[-1]["request_id"].startswith("req_")
    assert (caught.value.type, caught.value.status_code) == ("rate_limit_error", 200)


@pytest.mark.conformance("stream.truncated-is-an-error")
@pytest.mark.parametrize("pieces", [(delta(content="Hel"),), (delta(content="Hel"), b'data: {"cho')])
async def test_an_answer_that_breaks_off_is_an_error(pieces: tuple[bytes, ...]) -> None:
    async with serving(Reply(pieces)) as front:
        events = await front.events()
        with pytest.raises(anthropic.APIStatusError):
            await front.create()
    assert kinds(events)[-1] == "error"
    assert events[-1]["error"]["type"] == "overloaded_error"


@pytest.mark.conformance("stream.early-failure-keeps-status")
async def test_a_failure_before_content_keeps_its_status() -> None:
    busy = UpstreamError(ErrorType.OVERLOADED, "busy", retry_after_s=2)
    async with serving(busy) as front, front.proxy.post({**BODY, "stream": True}) as response:
        assert (response.status, response.headers["retry-after"]) == (529, "2")
        assert (await response.json())["error"]["type"] == "overloaded_error"


@pytest.mark.conformance("stream.error-in-200-before-content")
async def test_an_error_inside_of_a_200_before_content_is_a_status_too() -> None:
    error = line({"error": {"code": 402, "message": "more credits"}})
    async with serving(Reply((b": PROCESSING\n\n", error))) as front:
        status, told = await front.told({**BODY, "stream": True})
    assert (status, told["error"]["type"]) == (402, "billing_error")


@pytest.mark.conformance("stream.cancel")
async def test_a_client_that_leaves_ends_the_upstreams_answer() -> None:
    reply = Reply((delta(content="Hel"), asyncio.Event()))
    async with serving(reply) as front:
        response = await front.proxy.post({**BODY, "stream": True})
        await response.content.readuntil(b"\n\n")
        response.close()
        await asyncio.wait_for(reply.is_closed.wait(), 5)


@pytest.mark.conformance("stream.unicode")
async def test_line_separators_and_emoji_arrive_whole() -> None:
    text = "a\u2028b\u0085c \N{GRINNING FACE} d"
    halves = (
        b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"\\ude00"}}]}\n\n',
    )
    async with serving(chat(delta(content=text), *halves, delta("stop"))) as front:
        message = await front.streamed()
    assert message.content[0].text == text + "\N{GRINNING FACE}"


@pytest.mark.conformance("stream.finish-twice")
async def test_a_second_finish_reason_and_usage_after_it_change_nothing() -> None:
    again = line(
        {
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2},
        }
    )
    async with serving(Reply((delta(content="Hi"), delta("stop"), again, DONE))) as front:
        events = await front.events()
    assert kinds(events).count("content_block_stop") == 1
    assert events[-2]["usage"]["output_tokens"] == 2


@pytest.mark.conformance("stream.without-done")
async def test_the_end_of_the_body_after_a_finish_reason_is_a_normal_end() -> None:
    async with serving(Reply((delta(content="Hi"), delta("stop"), USAGE))) as front:
        assert kinds(await front.events())[-1] == "message_stop"
