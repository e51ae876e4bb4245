"""How streamed chat completions become events."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.dialects.profiles import Profile
from proxy.messages.fold import fold
from tests.proxy.dialects.chat import (
    DIALECT,
    DONE,
    USAGE,
    answer,
    asked,
    chunk,
    counter,
    data,
    decode,
    target,
    tool,
    with_profile,
)


def test_the_worked_example_gives_exactly_these_events() -> None:
    made = decode(
        [
            b": OPENROUTER PROCESSING\n\n",
            chunk({"role": "assistant", "content": "The file"}),
            chunk({"role": "assistant", "content": " says hello."}),
            chunk({"role": "assistant", "content": ""}, "stop"),
            chunk({"role": "assistant", "content": ""}, "stop", usage=USAGE),
            DONE,
        ]
    )
    zero = {
        "input_tokens": 0,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 0,
    }
    assert made == [
        {
            "type": "message_start",
            "message": {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "big",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "stop_details": None,
                "container": None,
                "usage": zero,
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "The file"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " says hello."}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "stop_details": None,
                "container": None,
            },
            "usage": {
                "input_tokens": 100,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 800,
                "output_tokens": 12,
            },
        },
        {"type": "message_stop"},
    ]


@pytest.mark.parametrize(
    ("finish", "native", "expected"),
    [
        ("stop", "end_turn", "end_turn"),
        ("length", None, "max_tokens"),
        ("model_length", None, "max_tokens"),
        ("stop", "MAX_TOKENS", "max_tokens"),
        ("content_filter", None, "refusal"),
        ("stop", "refusal", "refusal"),
        ("stop", "model_context_window_exceeded", "model_context_window_exceeded"),
        ("tool_calls", None, "end_turn"),
        ("", None, "end_turn"),
    ],
)
def test_the_stop_reason_of_text(finish: str, native: str | None, expected: str) -> None:
    made = answer(chunk({"content": "hi"}), chunk({}, finish, native=native))
    assert made["stop_reason"] == expected


@pytest.mark.parametrize(
    ("finish", "native", "arguments", "expected"),
    [
        ("stop", None, "{}", "tool_use"),
        ("function_call", None, "", "tool_use"),
        ("tool_calls", "max_output_tokens", '{"a": "b', "max_tokens"),
        ("tool_calls", None, '{"a": "b', "max_tokens"),
        ("tool_calls", None, '{"a": {}', "max_tokens"),
        ("tool_calls", "length", "", "max_tokens"),
        ("length", None, "{}", "max_tokens"),
    ],
)
def test_the_stop_reason_of_calls(finish: str, native: str | None, arguments: str, expected: str) -> None:
    made = answer(chunk(tool(0, arguments, id="a", name="x")), chunk({}, finish, native=native))
    assert made["stop_reason"] == expected


def test_a_refusal_is_text_with_its_stop_reason() -> None:
    made = answer(chunk({"refusal": "I can"}), chunk({"refusal": "not."}), chunk({}, "stop"))
    assert made["content"] == [{"type": "text", "text": "I cannot."}]
    assert (made["stop_reason"], made.get("stop_details")) == (
        "refusal",
        {"type": "refusal", "category": None, "explanation": None},
    )


def test_an_empty_answer_has_no_block() -> None:
    made = answer(chunk({"role": "assistant", "content": ""}), chunk({"content": None}, "stop"))
    assert (made["content"], made["stop_reason"]) == ([], "end_turn")


def test_blank_text_before_other_content_opens_no_block() -> None:
    made = answer(chunk({"content": "\n\n"}), chunk(tool(0, "{}", id="a", name="x")), chunk({"content": " "}))
    assert [block["type"] for block in made["content"]] == ["tool_use"]


def test_blank_text_before_text_is_part_of_it() -> None:
    assert answer(chunk({"content": "\n\n"}), chunk({"content": "a"}))["content"] == [
        {"type": "text", "text": "\n\na"}
    ]


def test_an_emoji_cut_between_two_chunks_is_whole_again() -> None:
    halves = [
        rf'data: {{"choices":[{{"delta":{{"content":"{half}"}}}}]}}'.encode()
        for half in ("\\ud83d", "\\ude00")
    ]
    assert answer(halves[0] + b"\n\n", halves[1] + b"\n\n")["content"][0]["text"] == "\U0001f600"


def test_a_half_that_stays_alone_is_replaced() -> None:
    half = rb'data: {"choices":[{"delta":{"content":"a\ud83d","reasoning":"b\ude00"}}]}'
    made = answer(half + b"\n\n")
    assert [block.get("text") or block["thinking"] for block in made["content"]] == ["b�", "a�"]


def test_line_separators_inside_json_are_text() -> None:
    piece = 'data: {"choices":[{"delta":{"content":"a\u2028b\x85c"}}]}\r\n\r\n'.encode()
    assert answer(piece)["content"] == [{"type": "text", "text": "a\u2028b\x85c"}]


def test_images_of_the_answer_are_told_as_text() -> None:
    made = answer(chunk({"content": "See", "images": [{"image_url": {"url": "https://x/y.png"}}]}))
    assert made["content"][0]["text"] == "See\n\n![image](https://x/y.png)\n\n"


def test_the_answer_names_the_model_that_was_asked_for() -> None:
    assert answer(chunk({"content": "hi"}, model="vendor/other"))["model"] == "big"


def test_stop_sequences_beyond_the_upstream_s_limit_are_enforced_here() -> None:
    request = asked(stop_sequences=["A1", "A2", "A3", "A4", "STOPHERE"])
    made = decode([chunk({"content": "before STO"}), chunk({"content": "PHERE after"}), DONE], request)
    message = fold(made)
    assert message["content"] == [{"type": "text", "text": "before "}]
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "STOPHERE")
    assert message["usage"].get("output_tokens") == 2


def test_what_only_looked_like_a_stop_sequence_is_not_lost() -> None:
    request = asked(stop_sequences=["STOPHERE"])
    assert (
        answer(chunk({"content": "a STOP"}), chunk({}, "stop"), request=request)["content"][0]["text"]
        == "a STOP"
    )


@pytest.mark.parametrize(
    ("stops", "native", "told", "expected"),
    [
        (["END"], "stop_sequence", None, ("stop_sequence", "END")),
        (["END", "FIN"], "stop_sequence", "FIN", ("stop_sequence", "FIN")),
        (["END", "FIN"], "stop_sequence", None, ("stop_sequence", None)),
        (["END"], "stop", None, ("end_turn", None)),
        (["END"], "stop", 7, ("end_turn", None)),
    ],
)
def test_which_stop_sequence_was_met_is_told_where_it_can_be_known(
    stops: list[str], native: str, told: object, expected: tuple[str, str | None]
) -> None:
    choice: Any = {"delta": {}, "finish_reason": "stop", "native_finish_reason": native, "stop_reason": told}
    made = answer(chunk({"content": "hi"}), data({"choices": [choice]}), request=asked(stop_sequences=stops))
    assert (made["stop_reason"], made["stop_sequence"]) == expected


def test_think_tags_are_thinking_however_they_are_cut() -> None:
    said = "\n<think>step by step</think>\n\nThe answer."
    to = with_profile(Profile())
    for size in (1, 3, 7, 100):
        pieces = [chunk({"content": said[i : i + size]}) for i in range(0, len(said), size)]
        made = answer(*pieces, to=to)
        assert [block.get("thinking", block.get("text")) for block in made["content"]] == [
            "step by step",
            "\n\nThe answer.",
        ], size


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ("<thi", ["text"]),
        ("<think>and", ["thinking"]),
        ("<think>and</thi", ["thinking"]),
        ("a <think>b</think>", ["text"]),
    ],
)
def test_what_is_no_pair_of_think_tags_is_not_lost(said: str, kinds: list[str]) -> None:
    made = answer(chunk({"content": said}), to=with_profile(Profile()))
    assert [block["type"] for block in made["content"]] == kinds


def test_a_model_that_never_writes_think_tags_may_talk_about_them() -> None:
    made = answer(chunk({"content": "<think>"}), to=with_profile(Profile(think_tags=False)))
    assert made["content"] == [{"type": "text", "text": "<think>"}]


def test_odd_values_in_a_chunk_are_left_out() -> None:
    made = answer(
        data({"choices": [7]}),
        data({"choices": "x", "usage": 3}),
        data({}),
        data({"choices": [{"delta": {"content": 7, "tool_calls": 7, "annotations": 7, "reasoning": 7}}]}),
        data({"choices": [{"delta": {"tool_calls": [7, {"function": 7, "id": 7}]}, "finish_reason": 7}]}),
        chunk({"content": [7, {"type": "text"}, {"type": "text", "text": "hi"}]}),
    )
    assert made["content"] == [{"type": "text", "text": "hi"}]


def test_what_was_thought_is_counted_where_it_is_not_shown() -> None:
    hidden = asked(thinking={"type": "adaptive", "display": "omitted"})
    decoder = DIALECT.decoder(hidden, target(), "text/event-stream", counter())
    assert decoder.heard_chars == 0
    made = decoder.feed(chunk({"reasoning": "x" * 40}) + chunk({"content": "Hello"}))
    assert not [each for each in made if each.get("delta", {}).get("thinking")]
    assert decoder.heard_chars == 45


def test_cost_and_groq_s_own_usage_are_read() -> None:
    decoder = DIALECT.decoder(asked(), target(), "text/event-stream", counter())
    decoder.feed(data({"choices": [], "x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}}))
    assert decoder.cost_usd is None
    decoder.feed(data({"choices": [], "usage": {"cost": 0.25}}))
    assert decoder.cost_usd == 0.25
    usage = decoder.feed(DONE)[-2]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (3, 2)


def test_texts_that_come_together_are_one_event_where_nobody_watches_the_answer_grow() -> None:
    together = chunk({"content": "b"}) + chunk({"content": "c"}) + chunk({}, "stop") + DONE
    watched = decode([chunk({"content": "a"}), together], asked(stream=True))
    unwatched = decode([chunk({"content": "a"}), together], asked(stream=False))
    texts = [
        [each["delta"]["text"] for each in made if "text" in each.get("delta", {})]
        for made in (watched, unwatched)
    ]
    assert texts == [["a", "b", "c"], ["a", "bc"]]
    assert fold(watched) == fold(unwatched)


def test_a_line_that_is_no_strict_json_is_read_loosely_among_others() -> None:
    broken = b'data: {"choices": [{"delta": {"content": "\\ud83d!"}}]}\n\n'
    made = decode([chunk({"content": "a"}) + broken + chunk({"content": "b"}, "stop") + DONE])
    assert fold(made)["content"] == [{"type": "text", "text": "a\N{REPLACEMENT CHARACTER}!b"}]
