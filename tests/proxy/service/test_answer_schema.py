"""Answers judged by a JSON Schema, cleaned of what stands around their JSON, and asked for again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.messages.errors import ClientError
from proxy.messages.message import JsonObject, Message
from proxy.messages.request import MessagesRequest, TextParam, parse_request
from proxy.service.answer_schema import (
    AnswerSchema,
    Verdict,
    added_usage,
    asked_again,
    is_only_text,
    wanted_schema,
    with_text,
)

SCHEMA: JsonObject = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"city": {"type": "string"}, "tags": {"type": "array", "items": {"$ref": "#/$defs/Tag"}}},
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"Tag": {"enum": ["old", "new"]}},
}
VALID = '{"city":"Ulm","tags":["old"]}'


def answer(*texts: str, stop_reason: str | None = "end_turn") -> Message:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": text} for text in texts],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {},
    }


def asking(**more: Any) -> MessagesRequest:
    return parse_request(
        {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}], **more}
    )


@pytest.mark.parametrize(
    "text",
    [
        VALID,
        f"  {VALID}\n",
        f"```json\n{VALID}\n```",
        f"Here it is:\n```\n{VALID}\n```\nAnything else?",
        f"Sure! {VALID} Hope that helps.",
        f"An example: ```json\n[]\n``` and the answer: ```json\n{VALID}\n```",
    ],
)
def test_valid_json_is_found_whatever_stands_around_it(text: str) -> None:
    assert AnswerSchema(SCHEMA).judge(answer(text)) == Verdict(text=VALID)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it has no text"),
        ("I cannot.", "it is not valid JSON (line 1, column 1)"),
        ('{"city":"Ulm"', "it is not valid JSON"),
        ('{"city":"Ulm","city":"Bonn"}', "it"),
        ('{"city":NaN}', "it"),
        ("{}", '$: "city" is a required property'),
        ('{"city":7}', '$.city: 7 is not of type "string"'),
        ('{"city":"Ulm","tags":["old","odd"]}', '$.tags[1]: "odd" is not one of "old" or "new"'),
        ('{"city":"Ulm","x":1}', "$: Additional properties are not allowed ('x' was unexpected)"),
        ('{"city":1,"tags":3}', '$.city: 1 is not of type "string"; $.tags: 3 is not of type "array"'),
    ],
)
def test_an_invalid_answer_is_told_what_is_wrong_and_where(text: str, problem: str) -> None:
    verdict = AnswerSchema(SCHEMA).judge(answer(text))
    assert verdict.text is None
    assert (verdict.problem or "").startswith(problem)


@pytest.mark.parametrize("reason", ["max_tokens", "tool_use", "refusal", "pause_turn", "stop_sequence", None])
def test_an_answer_that_says_why_it_is_unfinished_is_not_judged(reason: str | None) -> None:
    assert AnswerSchema(SCHEMA).judge(answer('{"ci', stop_reason=reason)) == Verdict()


def test_long_problems_are_cut() -> None:
    long = json.dumps({"city": "Ulm", "tags": ["x" * 5000] * 50})
    assert len(AnswerSchema(SCHEMA).judge(answer(long)).problem or "") < 1200


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "objekt"},
        {"$ref": "http://127.0.0.1:1/schema.json"},
        {"$ref": "file:///etc/hostname"},
        {"$ref": "#/$defs/Nothing"},
        {"type": "string", "pattern": "("},
    ],
)
def test_a_schema_that_cannot_be_used_is_the_clients_error_and_nothing_is_fetched(schema: JsonObject) -> None:
    with pytest.raises(ClientError, match=r"^output_config\.format\.schema: ") as caught:
        AnswerSchema(schema)
    assert caught.value.status == 400


def test_a_schema_of_an_unknown_draft_is_read_as_the_current_one() -> None:
    schema = AnswerSchema({**SCHEMA, "$schema": "https://example.com/our-own"})
    assert schema.judge(answer(VALID)).text == VALID


def test_formats_count() -> None:
    schema = AnswerSchema({"type": "string", "format": "date"})
    assert schema.judge(answer('"2026-11-22"')).problem is None
    assert schema.judge(answer('"tomorrow"')).problem is not None


def test_a_pattern_cannot_hold_the_program_up() -> None:
    schema = AnswerSchema({"type": "string", "pattern": "^(?=a)(a+)+$"})
    assert schema.judge(answer(json.dumps("a" * 5000 + "!"))).problem is not None


def test_integers_beyond_64_bits_stay_integers() -> None:
    assert AnswerSchema({"type": "integer"}).judge(answer("9" * 40)).problem is None


@given(st.text(max_size=200))
def test_whatever_the_model_says_it_is_judged(text: str) -> None:
    verdict = AnswerSchema(SCHEMA).judge(answer(text))
    assert (verdict.problem is None) != (verdict.text is None)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@given(_json, st.sampled_from(["{}", "Here: {}", "```json\n{}\n```", "{}\n\n"]))
def test_any_json_is_valid_against_the_schema_that_takes_all(value: Any, frame: str) -> None:
    text = json.dumps({"x": value})
    assert AnswerSchema({}).judge(answer(frame.replace("{}", text))).problem is None


def test_the_schema_is_found_under_both_names() -> None:
    wanted = {"type": "json_schema", "schema": SCHEMA}
    assert wanted_schema(asking(output_config={"format": wanted})) == SCHEMA
    assert wanted_schema(asking(output_format=wanted)) == SCHEMA
    assert wanted_schema(asking(output_config={"effort": "low"})) is None
    assert wanted_schema(asking(output_format="json")) is None
    assert wanted_schema(asking()) is None


def test_only_text_means_one_block_with_nothing_else() -> None:
    assert is_only_text(answer(f" {VALID} "), VALID)
    assert not is_only_text(answer(f"x {VALID}"), VALID)
    assert not is_only_text(answer(VALID[:5], VALID[5:]), VALID)


def test_cleaned_text_stands_where_the_last_text_stood_and_other_blocks_stay() -> None:
    thinking, search = {"type": "thinking", "thinking": "hm"}, {"type": "server_tool_use", "id": "s"}
    message = answer()
    message["content"] = [
        thinking, {"type": "text", "text": "a"}, search, {"type": "text", "text": "b"}, thinking,
    ]  # fmt: skip
    assert with_text(message, "{}")["content"] == [thinking, search, {"type": "text", "text": "{}"}, thinking]


def test_asking_again_shows_the_model_its_answer_and_the_problem() -> None:
    request = asking(output_config={"format": {"type": "json_schema", "schema": SCHEMA}})
    again = asked_again(request, answer("oh"), "$: wrong")
    assert again.messages[:1] == request.messages
    assert again.output_config == request.output_config
    assert [message.role for message in again.messages] == ["user", "assistant", "user"]
    said, demand = (message.blocks()[0] for message in again.messages[1:])
    assert said == TextParam(type="text", text="oh")
    assert isinstance(demand, TextParam)
    assert "$: wrong" in demand.text


def test_an_empty_answer_is_not_shown_to_the_model() -> None:
    again = asked_again(asking(), answer(" "), "it has no text")
    assert [message.role for message in again.messages] == ["user", "user"]


def test_usage_is_added_field_by_field() -> None:
    first = {"input_tokens": 3, "output_tokens": 2, "service_tier": "a", "details": {"thinking_tokens": 1}}
    later = {"input_tokens": 5, "output_tokens": None, "service_tier": "b", "details": {"thinking_tokens": 4}}
    assert added_usage(first, later) == {
        "input_tokens": 8, "output_tokens": 2, "service_tier": "b", "details": {"thinking_tokens": 5},
    }  # fmt: skip
    assert added_usage({}, first) == first
