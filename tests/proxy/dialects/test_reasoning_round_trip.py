"""Reasoning goes out to the client and comes back to the model it came from, exactly."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from proxy.dialects.base import Target
from proxy.dialects.profiles import Profile
from proxy.dialects.reasoning_details import PREFIX, Envelope, seal, unseal
from proxy.messages.message import JsonObject, Message
from tests.proxy.dialects.chat import (
    answer,
    asked,
    assistant,
    chunk,
    decode,
    encode,
    lost,
    messages_of,
    result,
    target,
    tool,
    user,
    with_profile,
)

GENUINE = "EqQBCkgI" + "Ab3" * 20 + "=="
CLAUDE = {"format": "anthropic-claude-v1", "index": 0}
GLM = target("z-ai/glm-5-turbo")
TAGS = with_profile(Profile(family="qwen"))


def back(made: Message, to: Target) -> JsonObject:
    """The assistant message of the next request."""
    turns = [user("hi"), {"role": "assistant", "content": made["content"]}]
    calls = [block["id"] for block in made["content"] if block["type"] == "tool_use"]
    turns.append(user(*[result(made_call) for made_call in calls]) if calls else user("go on"))
    return messages_of(asked(*turns), to)[1]


def text_piece(text: str, **more: Any) -> JsonObject:
    return {"type": "reasoning.text", "text": text, **more}


def test_a_genuine_signature_passes_as_it_is_both_ways() -> None:
    made = answer(
        chunk({"reasoning": "Let ", "reasoning_details": [text_piece("Let ", **CLAUDE)]}),
        chunk({"reasoning": "me.", "reasoning_details": [text_piece("me.", **CLAUDE)]}),
        chunk({"reasoning_details": [{"type": "reasoning.text", "signature": GENUINE, **CLAUDE}]}),
        chunk(tool(0, "{}", id="a", name="x")),
    )
    assert made["content"][0] == {"type": "thinking", "thinking": "Let me.", "signature": GENUINE}
    assert back(made, target())["reasoning_details"] == [text_piece("Let me.", signature=GENUINE, **CLAUDE)]


def test_two_signed_thoughts_are_two_blocks() -> None:
    pieces = [
        text_piece("one", signature=GENUINE, format="anthropic-claude-v1", index=0),
        text_piece("two", signature=GENUINE, format="anthropic-claude-v1", index=1),
    ]
    made = answer(
        chunk({"reasoning_details": pieces[:1]}),
        chunk({"reasoning_details": pieces[1:]}),
        chunk({"content": "hi"}),
    )
    assert [block.get("thinking") for block in made["content"]] == ["one", "two", None]
    assert back(made, target())["reasoning_details"] == pieces


def test_claude_s_redacted_thinking_is_redacted_thinking() -> None:
    piece = {"type": "reasoning.encrypted", "data": GENUINE, **CLAUDE}
    made = answer(chunk({"reasoning_details": [piece]}), chunk({"content": "hi"}))
    assert made["content"][0] == {"type": "redacted_thinking", "data": GENUINE}
    assert back(made, target())["reasoning_details"] == [piece]


def test_omitted_thinking_keeps_its_text_in_the_envelope() -> None:
    request = asked(thinking={"type": "adaptive", "display": "omitted"})
    piece = text_piece("secret", signature=GENUINE, **CLAUDE)
    made = answer(chunk({"reasoning_details": [piece]}), chunk({"content": "hi"}), request=request)
    assert made["content"][0]["thinking"] == ""
    assert made["content"][0]["signature"].startswith(PREFIX)
    assert back(made, target())["reasoning_details"] == [piece]


def test_details_come_back_exactly_with_every_field() -> None:
    pieces = [
        [
            {
                "type": "reasoning.summary",
                "summary": "One",
                "format": "openai-responses-v1",
                "index": 0,
                "id": None,
            }
        ],
        [
            {
                "type": "reasoning.summary",
                "summary": " two",
                "format": "openai-responses-v1",
                "index": 0,
                "id": None,
            }
        ],
        [
            {
                "type": "reasoning.encrypted",
                "data": "xyz",
                "id": "rs_1",
                "format": "openai-responses-v1",
                "index": 0,
            }
        ],
    ]
    made = answer(
        *[chunk({"reasoning": "shown twice", "reasoning_details": piece}) for piece in pieces[:2]],
        chunk({"reasoning_details": pieces[2]}),
        chunk({"content": "hi"}),
        to=GLM,
    )
    assert made["content"][0]["thinking"] == "One two"
    assert back(made, GLM)["reasoning_details"] == [{**pieces[0][0], "summary": "One two"}, *pieces[2]]


def test_two_details_of_one_index_and_type_but_other_ids_stay_two() -> None:
    pieces = [
        {"type": "reasoning.encrypted", "data": str(n), "id": f"tool_{n}", "index": 0} for n in range(2)
    ]
    made = answer(chunk({"reasoning_details": pieces}), chunk({"content": "hi"}), to=GLM)
    assert back(made, GLM)["reasoning_details"] == pieces


def test_reasoning_that_only_the_string_tells_is_shown_beside_the_details() -> None:
    piece = {"type": "reasoning.encrypted", "data": "x", "index": 0}
    made = answer(chunk({"reasoning": "hm", "reasoning_details": [piece]}), to=GLM)
    assert made["content"][0]["thinking"] == "hm"


def test_encrypted_reasoning_after_the_text_is_a_block_after_it() -> None:
    piece = {"type": "reasoning.encrypted", "data": "x", "format": "google-gemini-v1", "index": 0}
    to = target("google/gemini-3-pro")
    made = answer(chunk({"content": "hi"}), chunk({"reasoning_details": [piece]}), to=to)
    assert [block["type"] for block in made["content"]] == ["text", "thinking"]
    assert back(made, to)["reasoning_details"] == [piece]


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_a_plain_field_comes_back_under_its_name(name: str) -> None:
    to = target("deepseek-v4-flash", "https://api.deepseek.com", "deepseek")
    made = answer(chunk({name: "Let "}), chunk({name: "me."}), chunk(tool(0, "{}", id="a", name="x")), to=to)
    assert made["content"][0]["thinking"] == "Let me."
    assert back(made, to)[name] == "Let me."


def test_deepseek_gets_an_empty_field_where_a_call_came_without_reasoning() -> None:
    to = target("deepseek-chat", "https://api.deepseek.com", "deepseek")
    made = answer(chunk(tool(0, "{}", id="a", name="x")), to=to)
    assert back(made, to)["reasoning_content"] == ""


def test_think_tags_come_back_into_the_text() -> None:
    made = answer(chunk({"content": "<think>hm</think>hi"}), to=TAGS)
    assert back(made, TAGS)["content"] == "<think>hm</think>hi"


def test_a_server_that_wants_tags_gets_the_field_as_tags() -> None:
    to = target("zai-glm-4.7", "https://api.cerebras.ai/v1", "cerebras")
    glm = target("glm-4.7", "https://api.cerebras.ai/v1", "cerebras")
    assert to.profile.family != glm.profile.family
    made = answer(chunk({"reasoning": "hm"}), chunk({"content": "hi"}), to=glm)
    assert back(made, glm)["content"] == "<think>hm</think>hi"


def test_mistral_s_parts_come_back_as_one_part() -> None:
    to = target("magistral-medium-latest", "https://api.mistral.ai/v1", "mistral")
    made = answer(
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Let "}]}]}),
        chunk(
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "me."}], "closed": True},
                    {"type": "text", "text": "hi"},
                ]
            }
        ),
        to=to,
    )
    assert [block.get("thinking", block.get("text")) for block in made["content"]] == ["Let me.", "hi"]
    assert back(made, to)["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Let me."}], "closed": True},
        {"type": "text", "text": "hi"},
    ]


def test_mistral_s_parts_of_other_shapes_are_kept() -> None:
    to = with_profile(Profile(family="m"))
    parts = [
        {"type": "thinking", "thinking": "plain"},
        {"type": "thinking", "thinking": [{"type": "reference", "ids": [1]}, {"type": "text", "text": "a"}]},
    ]
    made = answer(chunk({"content": parts}), chunk({"content": "hi"}), to=to)
    assert back(made, to)["content"] == [*parts, {"type": "text", "text": "hi"}]


def test_gemini_s_thought_signatures_come_back_on_their_calls() -> None:
    to = target("gemini-3-pro", "https://generativelanguage.googleapis.com/v1beta/openai/", "gemini")
    first, second = ({"google": {"thought_signature": sign}} for sign in ("s1", "s2"))
    made = answer(
        chunk(tool(None, "{}", id="", name="x", extra_content=first)),
        chunk(tool(None, "{}", id="", name="y")),
        chunk(tool(None, extra_content=second)),
        to=to,
    )
    assert [block["type"] for block in made["content"]] == ["thinking", "tool_use", "tool_use", "thinking"]
    assert [made_call["extra_content"] for made_call in back(made, to)["tool_calls"]] == [first, second]


@pytest.mark.parametrize(
    "to",
    [
        target("openai/gpt-5-mini"),
        target("google/gemini-3-pro"),
        target(provider="another"),
        TAGS,
        target("gpt-4o", "https://api.openai.com/v1", "openai"),
    ],
)
def test_another_model_never_gets_reasoning_it_did_not_make(to: Target) -> None:
    made = answer(chunk({"reasoning_content": "hm"}), chunk({"content": "hi"}), to=GLM)
    message = back(made, to)
    assert message == {"role": "assistant", "content": "hi"}


def test_a_server_that_takes_nothing_back_gets_nothing() -> None:
    to = with_profile(Profile(reasoning_back="none"))
    made = answer(chunk({"reasoning": "hm"}), chunk({"content": "hi"}), to=to)
    assert back(made, to) == {"role": "assistant", "content": "hi"}


def thinking(signature: str) -> JsonObject:
    return {"type": "thinking", "thinking": "hm", "signature": signature}


@pytest.mark.parametrize(
    ("signature", "to"),
    [
        ("", target()),
        ("not base64!", target()),
        (PREFIX + "rubbish", target()),
        (GENUINE, GLM),
        (PREFIX + "eJw", target()),
    ],
)
def test_a_signature_that_is_not_genuine_here_is_a_loss(signature: str, to: Target) -> None:
    encoded = encode(asked(user("hi"), assistant(thinking(signature), "yes"), user("go on")), to)
    assert encoded.payload["messages"][1] == {"role": "assistant", "content": "yes"}
    assert lost(encoded) == ["messages.1.content.0"]


def packed(value: Any) -> str:
    return PREFIX + base64.urlsafe_b64encode(zlib.compress(json.dumps(value).encode())).decode()


GOOD: JsonObject = {"v": 1, "up": "u", "family": "f", "fmt": "field", "d": ["reasoning", "hm"]}


BAD: list[Any] = [
    7,
    {**GOOD, "v": 2},
    {**GOOD, "fmt": "x"},
    {**GOOD, "up": 1},
    {**GOOD, "d": {}},
    {**GOOD, "d": ["a"]},
    {**GOOD, "fmt": "tags", "d": [1]},
    {**GOOD, "fmt": "details", "d": [1]},
    {**GOOD, "fmt": "calls", "d": [{}]},
    {**GOOD, "fmt": "calls", "d": [{"id": [], "extra_content": {}}]},
    {**GOOD, "d": ["role", "system"]},
]


@pytest.mark.parametrize("value", BAD)
def test_an_envelope_somebody_else_wrote_does_not_open(value: Any) -> None:
    assert unseal(packed(value)) is None


def test_an_envelope_opens_to_what_was_put_in() -> None:
    sealed = Envelope("up", "glm", "details", [{"type": "reasoning.text", "text": "é\u2028"}])
    assert unseal(seal(sealed)) == sealed
    assert unseal(packed(GOOD)) == Envelope("u", "f", "field", ["reasoning", "hm"])
    assert unseal(GENUINE) is None


def test_disabled_thinking_is_not_shown_but_not_lost_either() -> None:
    made = answer(
        chunk({"reasoning": "hm"}),
        chunk({"content": "hi"}),
        request=asked(thinking={"type": "disabled"}),
        to=GLM,
    )
    assert made["content"][0]["thinking"] == ""
    assert back(made, GLM)["reasoning"] == "hm"


def test_the_signature_is_the_last_delta_of_its_block() -> None:
    made = decode([chunk({"reasoning": "hm"}), chunk({"content": "hi"}), chunk({}, "stop")], to=GLM)
    kinds = [event["delta"]["type"] for event in made if event["type"] == "content_block_delta"]
    assert kinds == ["thinking_delta", "signature_delta", "text_delta"]


def test_a_server_of_unknown_kind_gets_claude_s_details_back_as_it_gave_them() -> None:
    to = target("some-model", "http://127.0.0.1:8080/v1", "local")
    pieces = [
        text_piece("Let me.", signature=GENUINE, **CLAUDE),
        {"type": "reasoning.encrypted", "data": GENUINE, **CLAUDE},
    ]
    made = answer(chunk({"reasoning_details": pieces}), chunk({"content": "hi"}), to=to)
    assert made["content"][0]["signature"].startswith(PREFIX)
    assert back(made, to)["reasoning_details"] == pieces
