"""Calls of ours as a client keeps them, and back as calls and results for an upstream."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.openai_chat_content import hide_text
from proxy.dialects.own_calls import (
    SERVER_MARK,
    call_id_of,
    has_own_calls,
    mcp_call,
    mcp_result,
    open_calls,
    replayed,
    result_param,
    search_rows,
    shown_id,
)
from proxy.messages.message import JsonObject
from proxy.messages.pairing import check_pairing
from proxy.messages.request import MessagesRequest, parse_request

TEXT: JsonObject = {"type": "text", "text": "said"}
USER: JsonObject = {"role": "user", "content": "hi"}
ROW: JsonObject = {
    "type": "web_search_result",
    "url": "https://a.example/x",
    "title": "A",
    "encrypted_content": hide_text("words of A"),
    "page_age": "yesterday",
}


def request(*messages: JsonObject) -> MessagesRequest:
    return parse_request({"model": "m", "max_tokens": 1, "messages": [USER, *messages]})


def assistant(*blocks: JsonObject) -> JsonObject:
    return {"role": "assistant", "content": list(blocks)}


def result(call_id: str, text: str = "ok", *, is_error: bool = False) -> JsonObject:
    return mcp_result(call_id, [{"type": "text", "text": text}], is_error=is_error)


def searched(call_id: str, content: Any) -> JsonObject:
    shown = shown_id(SERVER_MARK, call_id)
    return {"type": "web_search_tool_result", "tool_use_id": shown, "content": content}


def search(call_id: str) -> JsonObject:
    shown = shown_id(SERVER_MARK, call_id)
    return {"type": "server_tool_use", "id": shown, "name": "web_search", "input": {"query": "q"}}


def told(asked: MessagesRequest) -> list[tuple[str, list[tuple[str, str]]]]:
    """Role, and kind and id or text of each block, of the messages behind the first."""
    return [
        (message.role, [_mark(block.model_dump()) for block in message.blocks()])
        for message in asked.messages[1:]
    ]


def _mark(block: JsonObject) -> tuple[str, str]:
    return block["type"], str(block.get("id") or block.get("tool_use_id") or block.get("text"))


def test_an_answer_with_results_becomes_turns_with_the_results_between() -> None:
    asked = replayed(request(assistant(TEXT, mcp_call("c1", "Read", {"a": 1}), result("c1"), TEXT), USER))
    assert told(asked) == [
        ("assistant", [("text", "said"), ("tool_use", "c1")]),
        ("user", [("tool_result", "c1")]),
        ("assistant", [("text", "said")]),
        ("user", [("text", "hi")]),
    ]
    check_pairing(asked.messages)


def test_results_beside_a_clients_call_go_into_the_turn_that_answers_it() -> None:
    mine: JsonObject = {"type": "tool_use", "id": "t1", "name": "Mine", "input": {}}
    answered: JsonObject = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]}
    asked = replayed(request(assistant(mcp_call("c1", "Read", {}), mine, result("c1")), answered))
    assert told(asked) == [
        ("assistant", [("tool_use", "c1"), ("tool_use", "t1")]),
        ("user", [("tool_result", "c1"), ("tool_result", "t1")]),
    ]
    check_pairing(asked.messages)


def test_a_result_that_came_with_the_next_answer_goes_back_to_its_call() -> None:
    mine: JsonObject = {"type": "tool_use", "id": "t1", "name": "Mine", "input": {}}
    answered: JsonObject = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]}
    asked = replayed(
        request(assistant(search("s1"), mine), answered, assistant(searched("s1", [ROW]), TEXT), USER)
    )
    assert told(asked) == [
        ("assistant", [("tool_use", "s1"), ("tool_use", "t1")]),
        ("user", [("tool_result", "s1"), ("tool_result", "t1")]),
        ("assistant", [("text", "said")]),
        ("user", [("text", "hi")]),
    ]
    check_pairing(asked.messages)


def test_a_turn_that_ends_with_results_is_followed_by_them() -> None:
    asked = replayed(request(assistant(mcp_call("c1", "Read", {}), result("c1"))))
    assert [role for role, _ in told(asked)] == ["assistant", "user"]


def test_turns_that_a_client_split_are_one_again() -> None:
    asked = replayed(request(assistant(mcp_call("c1", "Read", {})), assistant(result("c1")), USER))
    assert told(asked) == [
        ("assistant", [("tool_use", "c1")]),
        ("user", [("tool_result", "c1"), ("text", "hi")]),
    ]


def test_a_call_without_a_result_is_left_out() -> None:
    asked = replayed(request(assistant(TEXT, mcp_call("c1", "Read", {})), USER))
    assert told(asked) == [("assistant", [("text", "said")]), ("user", [("text", "hi")])]


def test_only_an_open_call_of_the_apis_own_tools_waits_to_be_run() -> None:
    asked = request(assistant(search("s1"), searched("s1", [ROW])), USER, assistant(search("s2"), TEXT))
    assert [block["id"] for block in open_calls(asked)] == [shown_id(SERVER_MARK, "s2")]
    assert open_calls(request()) == []
    assert open_calls(request(assistant(mcp_call("c1", "Read", {})))) == []


def test_calls_of_others_are_not_touched() -> None:
    theirs = assistant(
        {"type": "mcp_tool_use", "id": "mcptoolu_01", "name": "x", "input": {}, "server_name": "s"},
        {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_01", "is_error": False, "content": []},
        {"type": "server_tool_use", "id": "srvtoolu_01", "name": "web_search", "input": {}},
    )
    asked = request(theirs, USER)
    assert not has_own_calls(asked)
    assert replayed(asked) is asked


def test_a_cache_hint_stays_with_its_block() -> None:
    hint = {"type": "ephemeral"}
    marked = {**result("c1"), "cache_control": hint}
    asked = replayed(request(assistant({**mcp_call("c1", "R", {}), "cache_control": hint}, marked), USER))
    call, answer = asked.messages[1].blocks()[0], asked.messages[2].blocks()[0]
    assert (call.model_dump()["cache_control"], answer.model_dump()["cache_control"]) == (hint, hint)


def test_hits_of_a_search_are_told_with_title_address_age_and_excerpt() -> None:
    param = result_param(searched("s1", [ROW]))
    assert isinstance(param.content, list)
    text = param.content[0].model_dump()["text"]
    assert text == "1. A\nhttps://a.example/x\nPublished: yesterday\nwords of A"


def test_a_search_without_hits_and_one_that_failed_are_told_in_words() -> None:
    nothing = result_param(searched("s1", []))
    failed = result_param(searched("s1", {"type": "x", "error_code": "max_uses_exceeded"}))
    assert nothing.model_dump()["content"][0]["text"] == "Nothing was found."
    assert failed.is_error
    assert "No further search" in failed.model_dump()["content"][0]["text"]


def page(source: JsonObject) -> JsonObject:
    fetched = {
        "type": "web_fetch_result",
        "url": "https://a.example/x",
        "content": {"type": "document", "title": "A", "source": source, "citations": {"enabled": True}},
    }
    shown = shown_id(SERVER_MARK, "f1")
    return {"type": "web_fetch_tool_result", "tool_use_id": shown, "content": fetched}


def test_a_page_is_told_as_text_and_a_pdf_as_a_document() -> None:
    text = result_param(page({"type": "text", "media_type": "text/plain", "data": "words"}))
    pdf = result_param(page({"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}))
    assert text.model_dump()["content"][0]["text"] == "A\nhttps://a.example/x\n\nwords"
    assert [block["type"] for block in pdf.model_dump()["content"]] == ["text", "document"]
    assert "citations" not in pdf.model_dump()["content"][1]


def test_a_page_that_could_not_be_had_is_an_error_of_the_model() -> None:
    shown = shown_id(SERVER_MARK, "f1")
    content = {"type": "web_fetch_tool_result_error", "error_code": "url_not_allowed"}
    block: JsonObject = {"type": "web_fetch_tool_result", "tool_use_id": shown, "content": content}
    assert result_param(block).is_error


def test_all_hits_of_a_conversation_can_be_cited() -> None:
    assert search_rows(request(assistant(search("s1"), searched("s1", [ROW])), USER)) == [ROW]


@given(st.from_regex(r"[a-zA-Z0-9_-]{1,64}", fullmatch=True))
def test_the_calls_own_id_comes_back_whatever_it_is(call_id: str) -> None:
    assert call_id_of(mcp_call(call_id, "x", {})["id"]) == call_id


step = st.lists(st.sampled_from(["text", "call"]), min_size=1, max_size=4)


@given(st.lists(step, max_size=5))
def test_whatever_was_said_and_called_comes_back_paired_and_in_order(steps: list[list[str]]) -> None:
    blocks: list[JsonObject] = []
    words: list[str] = []
    for kinds in steps:
        calls: list[str] = []
        for kind in kinds:
            name = f"b{len(words)}"
            words.append(name)
            if kind == "call":
                calls.append(name)
                blocks.append(mcp_call(name, "x", {}))
            else:
                blocks.append({"type": "text", "text": name})
        blocks += [result(name) for name in calls]
    asked = replayed(request(*([assistant(*blocks)] if blocks else []), USER))
    check_pairing(asked.messages)
    said = [mark for role, marks in told(asked) if role == "assistant" for _, mark in marks]
    assert said == words


def test_a_result_without_content_is_told_without() -> None:
    asked = replayed(request(assistant(mcp_call("c1", "R", {}), mcp_result("c1", [], is_error=False)), USER))
    assert asked.messages[2].blocks()[0].model_dump(exclude_unset=True) == {
        "type": "tool_result",
        "tool_use_id": "c1",
    }


def test_blocks_of_other_kinds_stay_where_they_are() -> None:
    strange: JsonObject = {"type": "container_upload", "file_id": "f"}
    asked = replayed(request(assistant(strange, mcp_call("c1", "R", {}), result("c1")), USER))
    assert [block.type for block in asked.messages[1].blocks()] == ["container_upload", "tool_use"]
