"""What must hold for every answer: lawful events, nothing lost, any cut of the bytes, no exception."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.anthropic_messages import AnthropicMessagesDialect
from proxy.messages.fold import fold
from proxy.messages.message import JsonObject
from tests.proxy.dialects.chat import (
    DIALECT,
    DONE,
    JSON,
    SSE,
    WEATHER,
    asked,
    called,
    chunk,
    counter,
    data,
    decode,
    judged,
    target,
)

ARGUMENTS = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=8), max_size=3)


def pieces_of(text: str, sizes: list[int]) -> list[str]:
    made: list[str] = []
    for size in sizes:
        made.append(text[:size])
        text = text[size:]
    return [*made, text]


@st.composite
def interleaved(draw: st.DrawFn) -> tuple[list[JsonObject], list[JsonObject]]:
    """Deltas of several calls in any order that keeps each call's own, and the calls they make."""
    calls = draw(st.lists(ARGUMENTS, min_size=1, max_size=4))
    queues: list[list[JsonObject]] = []
    for index, arguments in enumerate(calls):
        text = json.dumps(arguments)
        sizes = draw(st.lists(st.integers(0, 9), max_size=5))
        head: JsonObject = {"index": index, "id": f"c{index}", "function": {"name": "x", "arguments": ""}}
        tail = [{"index": index, "function": {"arguments": piece}} for piece in pieces_of(text, sizes)]
        queues.append([head, *tail])
    order: list[JsonObject] = []
    while any(queues):
        order.append(draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    return order, [called(f"c{i}", "x", **made) for i, made in enumerate(calls)]


@given(interleaved(), st.lists(st.integers(1, 4), max_size=5))
def test_any_interleaving_of_calls_gives_lawful_events_with_nothing_lost(
    case: tuple[list[JsonObject], list[JsonObject]], groups: list[int]
) -> None:
    deltas, calls = case
    chunks: list[bytes] = []
    for size in [*groups, len(deltas)]:
        chunks.append(chunk({"tool_calls": deltas[:size]}))
        deltas = deltas[size:]
    content = fold(decode([*chunks, DONE]))["content"]
    assert sorted(content, key=lambda block: block["id"]) == calls


KINDS = st.sampled_from(["content", "reasoning", "reasoning_content", "call"])


@given(st.lists(st.tuples(KINDS, st.text(min_size=1, max_size=6)), min_size=1, max_size=12))
def test_any_order_of_text_reasoning_and_calls_loses_nothing(parts: list[tuple[str, str]]) -> None:
    sent: dict[str, str] = {"content": "", "reasoning": "", "call": ""}
    chunks: list[bytes] = []
    for number, (kind, said) in enumerate(parts):
        if kind == "call":
            sent["call"] += said
            made: Any = {
                "index": number,
                "id": f"c{number}",
                "function": {"name": "x", "arguments": json.dumps({"a": said})},
            }
            chunks.append(chunk({"tool_calls": [made]}))
        else:
            sent[kind.removesuffix("_content")] += said
            chunks.append(chunk({kind: said}))
    blocks = fold(decode([*chunks, chunk({}, "stop"), DONE]))["content"]
    got = {kind: "".join(block.get(kind, "") for block in blocks) for kind in ("text", "thinking")}
    assert "".join(got["text"].split()) == "".join(sent["content"].split())
    assert got["thinking"] == sent["reasoning"]
    assert "".join(block["input"]["a"] for block in blocks if block["type"] == "tool_use") == sent["call"]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.sampled_from(["", "a", "{", "stop", "\ud83d", "<think>"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "index",
                    "id",
                    "function",
                    "name",
                    "arguments",
                    "type",
                    "text",
                    "thinking",
                    "data",
                    "signature",
                    "message",
                    "format",
                    "summary",
                    "url_citation",
                    "url",
                    "extra_content",
                    "image_url",
                    "code",
                    "metadata",
                    "raw",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
DELTAS = st.dictionaries(
    st.sampled_from(
        [
            "content",
            "reasoning",
            "reasoning_content",
            "reasoning_details",
            "tool_calls",
            "function_call",
            "annotations",
            "images",
            "refusal",
            "role",
        ]
    ),
    VALUES | st.lists(VALUES, max_size=3),
    max_size=4,
)
CHUNKS = st.dictionaries(
    st.sampled_from(["usage", "error", "x_groq", "search_results", "choices"]), VALUES, max_size=2
)
CHOICES = st.fixed_dictionaries(
    {"delta": DELTAS}, optional={"finish_reason": VALUES, "message": DELTAS, "stop_reason": VALUES}
)


def with_choice(more: JsonObject, choice: JsonObject) -> JsonObject:
    return {"choices": [choice], **more}


@given(
    st.lists(st.builds(with_choice, CHUNKS, CHOICES), max_size=5),
    st.booleans(),
)
def test_chunks_of_any_shape_give_lawful_events(chunks: list[JsonObject], is_done: bool) -> None:
    request = asked(
        stop_sequences=["a{"], tools=[WEATHER, {"type": "web_search_20250305", "name": "web_search"}]
    )
    decode([*map(data, chunks), DONE if is_done else b""], request, target("qwen/qwen3"))
    for whole in chunks:
        decode([json.dumps(whole).encode()], request, content_type=JSON)


BYTES = st.lists(
    st.sampled_from(
        [
            b"data: ",
            b"data:",
            b"\n",
            b"\r",
            b"\r\n",
            b"event: error\n",
            b"[DONE]",
            b": x\n",
            b"{",
            b"}",
            b'"a":',
            b"\xff",
            b'{"choices":[{"delta":{"content":"x"}}]}',
            b'{"type":"message_start","message":{}}',
            b'{"type":"ping"}',
        ]
    )
    | st.binary(max_size=6),
    max_size=25,
)


@given(BYTES, st.sampled_from([SSE, JSON, ""]))
def test_any_bytes_give_lawful_events(pieces: list[bytes], content_type: str) -> None:
    for dialect in (DIALECT, AnthropicMessagesDialect()):
        decoder = dialect.decoder(asked(), target(), content_type, counter())
        made = [event for piece in pieces for event in decoder.feed(piece)]
        made = judged(made + decoder.finish())
        again = dialect.decoder(asked(), target(), content_type, counter())
        assert again.feed(b"".join(pieces)) + again.finish() == made


@given(st.lists(st.text(max_size=12), max_size=4), st.lists(st.integers(1, 30), max_size=12))
def test_any_split_of_the_bytes_gives_the_same_events(said: list[str], sizes: list[int]) -> None:
    raw = b"".join(chunk({"reasoning": word, "content": word}) for word in said) + chunk({}, "stop") + DONE
    pieces: list[bytes] = []
    rest = raw
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    assert decode([*pieces, rest]) == decode([raw])
