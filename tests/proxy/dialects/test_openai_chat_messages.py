"""How the turns of a conversation become chat messages."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.dialects.openai_chat_content import hide_text
from proxy.dialects.profiles import Profile
from proxy.messages.errors import ClientError
from proxy.messages.message import JsonObject
from tests.proxy.dialects.chat import (
    PLAIN,
    asked,
    assistant,
    call,
    encode,
    lost,
    messages_of,
    result,
    target,
    text,
    user,
    with_profile,
)

GPT = target("openai/gpt-5-mini")
CONTINUE = "Continue your last message from exactly where it stops. Do not repeat any of it."
HINT = {"type": "ephemeral"}
PNG: JsonObject = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
PNG_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
PDF: JsonObject = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
}


def test_results_come_in_the_order_of_the_calls_and_before_the_user_s_words() -> None:
    turns = messages_of(
        asked(
            user("go"),
            assistant("Two calls.", call("a"), call("b", city="Rome")),
            user(result("b", "rainy"), "and now?", result("a")),
        ),
        PLAIN,
    )
    assert turns[1:] == [
        {
            "role": "assistant",
            "content": "Two calls.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}},
                {
                    "id": "b",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'},
                },
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "sunny"},
        {"role": "tool", "tool_call_id": "b", "content": "rainy"},
        {"role": "user", "content": "and now?"},
    ]


def test_neighbours_of_one_role_are_one_message() -> None:
    turns = messages_of(asked(user("a"), user("b"), assistant("c"), assistant("d"), user("e")), PLAIN)
    assert turns == [
        {"role": "user", "content": "a\n\nb"},
        {"role": "assistant", "content": "cd"},
        {"role": "user", "content": "e"},
    ]


def test_results_spread_over_two_user_turns_are_found() -> None:
    turns = messages_of(
        asked(user("go"), assistant(call("a"), call("b")), user(result("b")), user(result("a")))
    )
    assert [turn.get("tool_call_id") for turn in turns] == [None, None, "a", "b"]


@pytest.mark.parametrize(
    ("content", "more", "expected"),
    [
        ("plain", {}, "plain"),
        (None, {}, ""),
        ([], {}, ""),
        ("", {"is_error": True}, "Error"),
        ([text("a"), text("b")], {}, "a\nb"),
        ("boom", {"is_error": True}, "Error: boom"),
        ([{"type": "tool_reference", "tool_name": "X"}], {}, "The tool X is now available."),
        ([{"type": "search_result", "title": "T", "source": "u", "content": [text("c")]}], {}, "[T](u)\nc"),
        ([{"type": "browser_state", "content": {"text": "page"}}], {}, "page"),
        ([{"type": "odd", "n": 1}], {}, '{"n":1}'),
        ([{"type": "odd", "content": [7, {"text": "a"}]}], {}, "7\na"),
    ],
)
def test_results_of_every_shape_reach_the_model(content: Any, more: Any, expected: str) -> None:
    turns = messages_of(asked(user("go"), assistant(call("a")), user(result("a", content, **more))), PLAIN)
    assert turns[2] == {"role": "tool", "tool_call_id": "a", "content": expected}


def test_pictures_in_a_result_stay_where_the_server_takes_them() -> None:
    turns = messages_of(asked(user("go"), assistant(call("a")), user(result("a", [text("shot"), PNG]))))
    assert turns[2]["content"] == [text("shot"), PNG_PART]


def test_pictures_in_a_result_follow_in_a_user_message_elsewhere() -> None:
    request = asked(user("go"), assistant(call("a")), user(result("a", [text("shot"), PNG, PDF]), "see?"))
    assert messages_of(request, PLAIN)[2:] == [
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": "shot\n[The document document.pdf was here; this model cannot read it.]\n"
            "[1 attachment(s) of this result follow in the next user message.]",
        },
        {"role": "user", "content": [text("Attachments of the tool result a:"), PNG_PART, text("see?")]},
    ]
    assert "messages.2.content.0" in lost(encode(request, PLAIN))


def test_an_error_with_only_a_picture_is_still_an_error() -> None:
    turns = messages_of(asked(user("go"), assistant(call("a")), user(result("a", [PNG], is_error=True))))
    assert turns[2]["content"] == [text("Error"), PNG_PART]


def test_a_system_turn_stays_in_its_place_where_the_model_honours_it() -> None:
    turns = messages_of(
        asked(user("a"), {"role": "system", "content": "note"}, assistant("b"), user("c")), GPT
    )
    assert [turn["role"] for turn in turns] == ["user", "system", "assistant", "user"]


def test_a_system_turn_elsewhere_is_told_in_the_user_s_turn() -> None:
    request = asked(user("a"), {"role": "system", "content": [text("x"), text("y", cache_control=HINT)]})
    assert messages_of(request) == [
        {"role": "user", "content": [text("a\n\n<system>\nx\ny\n</system>", cache_control=HINT)]}
    ]


def test_a_cache_hint_that_moves_on_leaves_the_prefix_as_it_was() -> None:
    first = asked(user("a"), {"role": "system", "content": [text("x", cache_control=HINT)]})
    later = asked(
        user("a"), {"role": "system", "content": "x"}, assistant("b"), user(text("c", cache_control=HINT))
    )
    (before,) = messages_of(first)[0]["content"]
    assert before["text"] == messages_of(later)[0]["content"]


@pytest.mark.parametrize("between", [True, False])
def test_a_system_turn_around_results_comes_after_them(between: bool) -> None:
    note: JsonObject = {"role": "system", "content": "note"}
    turns = (
        [assistant(call("a")), note, user(result("a"))]
        if between
        else [assistant(call("a")), user(result("a")), note]
    )
    made = messages_of(asked(user("go"), *turns), PLAIN)
    assert [turn["role"] for turn in made] == ["user", "assistant", "tool", "user"]
    assert made[3]["content"] == "<system>\nnote\n</system>"


def test_a_system_turn_after_a_picture_is_a_part_of_its_own() -> None:
    assert messages_of(asked(user(PNG), {"role": "system", "content": "x"}))[0]["content"] == [
        PNG_PART,
        text("<system>\nx\n</system>"),
    ]


def test_empty_system_turns_and_odd_blocks_in_them_say_nothing() -> None:
    request = asked(
        {"role": "system", "content": "first"},
        user("a"),
        {"role": "system", "content": ""},
        {"role": "system", "content": [PNG, {"type": "tool_removal", "tool": {}}]},
    )
    assert messages_of(request, PLAIN) == [{"role": "user", "content": "<system>\nfirst\n</system>\n\na"}]
    assert "messages.3.content.0" in lost(encode(request, PLAIN))


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (PNG, PNG_PART),
        (
            {"type": "image", "source": {"type": "url", "url": "https://x/y"}},
            {"type": "image_url", "image_url": {"url": "https://x/y"}},
        ),
        (
            PDF,
            {
                "type": "file",
                "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,aGk="},
            },
        ),
        (
            {"type": "document", "title": "T", "source": {"type": "url", "url": "https://x/y.pdf"}},
            {"type": "file", "file": {"filename": "T", "file_data": "https://x/y.pdf"}},
        ),
        (
            {"type": "document", "title": "T", "context": "C", "source": {"type": "text", "data": "body"}},
            text("T\nC\n\nbody"),
        ),
        ({"type": "document", "source": {"type": "content", "content": "body"}}, text("body")),
        ({"type": "document", "source": {"type": "content", "content": []}}, text("")),
        ({**PNG, "cache_control": HINT}, {**PNG_PART, "cache_control": HINT}),
    ],
)
def test_every_kind_of_block_becomes_a_part(block: JsonObject, part: JsonObject) -> None:
    assert messages_of(asked(user(block, "?")))[0]["content"] == [part, text("?")]


def test_documents_of_blocks_keep_their_pictures_and_context() -> None:
    inside = {"type": "content", "content": [text("see"), PNG]}
    request = asked(user({"type": "document", "context": "C", "source": inside}))
    assert messages_of(request)[0]["content"] == [text("C\n\nsee"), PNG_PART]
    pdf = asked(user({**PDF, "context": "C"}))
    assert messages_of(pdf)[0]["content"][0] == text("C")


def test_what_the_server_cannot_read_is_named_to_the_model() -> None:
    to = with_profile(Profile(images=False))
    link: JsonObject = {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}}
    request = asked(user(PNG, PDF, link))
    assert messages_of(request, to)[0]["content"] == (
        "[An image was here; this model cannot see images.]\n\n"
        "[The document document.pdf was here; this model cannot read it.]\n\n"
        "[The document y.pdf at https://x/y.pdf was here; this model cannot read it.]"
    )
    assert lost(encode(request, to)) == [f"messages.0.content.{i}" for i in range(3)]


@pytest.mark.parametrize("kind", ["image", "document"])
def test_a_file_that_nobody_resolved_is_a_vital_loss_in_its_place(kind: str) -> None:
    encoded = encode(asked(user({"type": kind, "source": {"type": "file", "file_id": "file_1"}})))
    assert [(loss.path, loss.is_vital) for loss in encoded.losses] == [("messages.0.content.0.source", True)]
    assert "base64" in encoded.losses[0].reason
    assert encoded.payload["messages"][0]["content"] == "[Something was here that could not be reached.]"


def test_citations_that_cannot_be_given_are_losses() -> None:
    cited = {"citations": {"enabled": True}}
    request = asked(
        user(
            {**PDF, **cited}, {"type": "search_result", "title": "t", "source": "s", "content": [], **cited}
        ),
        assistant(text("a", citations=[{"type": "char_location"}])),
        user("b"),
    )
    assert lost(encode(request)) == [
        "messages.0.content.0.citations",
        "messages.0.content.1.citations",
        "messages.1.content.0.citations",
    ]


def test_blocks_that_mean_nothing_in_their_turn_are_losses() -> None:
    request = asked(
        user(
            {"type": "thinking", "thinking": "x"}, {"type": "container_upload", "file_id": "f"}, text(""), "a"
        ),
        assistant(PNG, text(""), "b"),
        user("c"),
    )
    assert messages_of(request)[:2] == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
    ]
    assert lost(encode(request)) == ["messages.0.content.0", "messages.0.content.1", "messages.1.content.0"]


def test_server_tools_of_the_past_are_told_as_text() -> None:
    rows = [
        {"type": "web_search_result", "title": "T", "url": "u", "encrypted_content": hide_text("found")},
        {"type": "web_search_result", "title": "U", "url": "v", "encrypted_content": "genuine"},
    ]
    request = asked(
        user("search"),
        assistant(
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": rows},
            "Here.",
        ),
        user("thanks"),
    )
    assert (
        messages_of(request, PLAIN)[1]["content"] == '[web_search: {"query":"q"}][T](u)\nfound\n[U](v)Here.'
    )


def test_text_after_a_call_is_set_apart() -> None:
    turns = messages_of(asked(user("a"), assistant("b", call("x"), "c"), user(result("x"))), PLAIN)
    assert turns[1]["content"] == "b\n\nc"


def test_an_assistant_s_turn_without_anything_is_left_out() -> None:
    assert messages_of(asked(user("a"), assistant(text("")), user("b")), PLAIN) == [
        {"role": "user", "content": "a\n\nb"}
    ]


def test_several_texts_stay_parts_where_hints_are_taken() -> None:
    assert messages_of(asked(user("a", "b")))[0]["content"] == [text("a"), text("b")]


@pytest.mark.parametrize(
    ("prefill", "expected"),
    [
        ("native", [{"role": "assistant", "content": "{"}]),
        ("prefix", [{"role": "assistant", "content": "{", "prefix": True}]),
        (
            "instruction",
            [
                {"role": "assistant", "content": "{"},
                {
                    "role": "user",
                    "content": CONTINUE,
                },
            ],
        ),
    ],
)
def test_a_begun_answer_is_handed_over_as_the_server_can(prefill: Any, expected: Any) -> None:
    assert (
        messages_of(asked(user("a"), assistant("{")), with_profile(Profile(prefill=prefill)))[1:] == expected
    )


def test_a_begun_answer_is_refused_as_the_real_api_does() -> None:
    with pytest.raises(ClientError, match="does not support assistant message prefill"):
        encode(asked(user("a"), assistant("{")), target("anthropic/claude-opus-4.8"))


def test_calls_without_results_at_the_end_are_refused() -> None:
    with pytest.raises(ClientError, match=r"messages\.1: `tool_use` ids were found without .* after: a\."):
        encode(asked(user("go"), assistant(call("a"))))


def test_results_without_calls_are_refused() -> None:
    with pytest.raises(ClientError, match="unexpected `tool_use_id`"):
        encode(asked(user(result("a"))))


def test_mistral_gets_ids_and_turns_as_it_wants_them() -> None:
    mistral = target("mistral-large-latest", "https://api.mistral.ai/v1", "mistral")
    request = asked(
        user("go"),
        assistant(call("toolu_1"), call("abcdefgh9")),
        user(result("toolu_1"), result("abcdefgh9"), "and?"),
    )
    turns = messages_of(request, mistral)
    ids = [made["id"] for made in turns[1]["tool_calls"]]
    assert [len(made) for made in ids] == [9, 9]
    assert ids[1] == "abcdefgh9"
    assert [turn.get("tool_call_id") for turn in turns[2:4]] == ids
    assert [turn["role"] for turn in turns[4:]] == ["assistant", "user"]
    assert turns[1]["content"] == ""
