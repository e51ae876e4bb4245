"""Estimating a request's input tokens."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.messages.request import MessagesRequest, parse_request
from proxy.messages.token_estimate import estimate_tokens

WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "Tells the weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg=="


def _request(*content: Any, **fields: Any) -> MessagesRequest:
    messages = [{"role": "user", "content": list(content) or "Hello, how are you today?"}]
    body = {"model": "claude-sonnet-4-5", "max_tokens": 1, "messages": messages}
    return parse_request({**body, **fields})


def _tokens(*content: Any, model: str | None = None, **fields: Any) -> int:
    return estimate_tokens(_request(*content, **fields), model)


def _conversation(*turns: tuple[str, Any]) -> int:
    return _tokens(messages=[{"role": role, "content": content} for role, content in turns])


def test_a_plain_question_has_its_words_and_the_frame_of_a_turn() -> None:
    assert _tokens() == pytest.approx(14, abs=1)


def test_a_request_that_says_nothing_still_has_a_token() -> None:
    assert _tokens({"type": "redacted_thinking", "data": "x"}, model="gemini-2.5-pro") == 1


def test_the_model_that_would_answer_decides_and_not_the_name_asked_for() -> None:
    text = {"type": "text", "text": "naïve café " * 50}
    assert _tokens(text, model="anthropic/claude-opus-5") == _tokens(text, model="claude-opus-5")
    assert _tokens(text, model="claude-opus-5") > _tokens(text)


def test_an_empty_list_of_tools_costs_nothing() -> None:
    assert _tokens(tools=[]) == _tokens()


def test_the_first_tool_brings_the_hidden_prompt_and_the_second_only_itself() -> None:
    none, one, two = (
        _tokens(),
        _tokens(tools=[WEATHER]),
        _tokens(tools=[WEATHER, {**WEATHER, "name": "other"}]),
    )
    assert one - none > 496
    assert 30 < two - one < 100


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_a_forced_tool_has_another_hidden_prompt(choice: dict[str, str]) -> None:
    assert _tokens(tools=[WEATHER], tool_choice=choice) - _tokens(tools=[WEATHER]) == 92


def test_a_deferred_tool_counts_from_when_the_conversation_has_brought_it_in() -> None:
    tools = [{**WEATHER, "name": "always"}, {**WEATHER, "defer_loading": True}]
    found = {"type": "tool_reference", "tool_name": "get_weather"}
    call: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "always", "input": {}}

    def with_result(content: Any) -> int:
        result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}
        turns: list[tuple[str, Any]] = [("user", "Find it."), ("assistant", [call]), ("user", [result])]
        return _tokens(messages=[{"role": role, "content": each} for role, each in turns], tools=tools)

    searched = {"type": "tool_search_tool_result", "content": {"tool_references": [found]}}
    assert with_result([found]) - with_result("nothing") > 40
    assert (
        _tokens({"type": "text", "text": "x"}, searched, tools=tools)
        > _tokens(searched, tools=tools[:1]) + 40
    )


@pytest.mark.parametrize(
    ("kind", "least"), [("web_search_20250305", 1500), ("computer_20250124", 1000), ("new_20300101", 200)]
)
def test_a_tool_of_the_apis_maker_costs_its_hidden_declaration(kind: str, least: int) -> None:
    assert _tokens(tools=[{"type": kind, "name": "t"}]) - _tokens() >= 496 + least


@pytest.mark.parametrize("model", ["gpt-4o", "deepseek-chat", "claude-sonnet-4-5"])
def test_a_long_description_is_counted_however_the_family_spells_tools(model: str) -> None:
    long = {**WEATHER, "description": "word " * 500}
    assert _tokens(tools=[long], model=model) - _tokens(tools=[WEATHER], model=model) > 450


def test_system_text_is_counted_in_both_its_forms() -> None:
    text = "You answer in French. " * 20
    assert _tokens(system=text) == _tokens(system=[{"type": "text", "text": text}]) > _tokens() + 80


def test_a_structured_output_schema_is_counted_with_its_prompt() -> None:
    format_ = {"type": "json_schema", "schema": WEATHER["input_schema"]}
    assert _tokens(output_config={"format": format_}) - _tokens() > 119
    assert _tokens(output_config={"effort": "low"}) == _tokens()


@pytest.mark.parametrize(("kind", "extra"), [("enabled", 28), ("adaptive", 17), ("disabled", 0)])
def test_asking_for_thinking_has_its_price(kind: str, extra: int) -> None:
    assert _tokens(thinking={"type": kind}) - _tokens() == extra


def test_a_prefill_has_no_frame_of_its_own() -> None:
    assert _conversation(("user", "Hello"), ("assistant", "Hi")) == _conversation(("user", "Hello")) + 1


def test_thinking_counts_while_its_turn_is_open_and_not_after() -> None:
    thought = {"type": "thinking", "thinking": "deep " * 200, "signature": "x" * 1000}
    call = {"type": "tool_use", "id": "toolu_1", "name": "t", "input": {"a": 1}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}

    def with_turns(*after: tuple[str, str]) -> int:
        """What the thinking adds to the conversation."""
        with_it, without = (
            _conversation(("user", "Go"), ("assistant", blocks), ("user", [result]), *after)
            for blocks in ([thought, call], [call])
        )
        return with_it - without

    assert with_turns() > 180
    assert with_turns(("assistant", "ok"), ("user", "On")) == 0


def test_a_conversation_of_tool_results_alone_counts_all_its_thinking() -> None:
    thought = {"type": "thinking", "thinking": "deep " * 200, "signature": "x"}
    result = {"type": "tool_result", "tool_use_id": "toolu_1"}
    assert _conversation(("assistant", [thought]), ("user", [result])) > 200


def test_what_a_tool_gave_back_is_counted_as_text_as_blocks_and_as_a_picture() -> None:
    def with_content(content: Any) -> int:
        return _tokens({"type": "tool_result", "tool_use_id": "toolu_1", "content": content})

    text = "found " * 100
    assert with_content(text) == with_content([{"type": "text", "text": text}]) > with_content(None) + 90
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    assert with_content([picture]) - with_content(None) == 4


@pytest.mark.parametrize(
    ("source", "least"),
    [
        ({"type": "text", "media_type": "text/plain", "data": "word " * 300}, 290),
        ({"type": "content", "content": "word " * 300}, 290),
        ({"type": "content", "content": [{"type": "text", "text": "word " * 300}]}, 290),
        ({"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}, 1500),
        ({"type": "file", "file_id": "file_1"}, 1500),
    ],
)
def test_a_document_is_counted_by_what_it_holds(source: dict[str, Any], least: int) -> None:
    block = {"type": "document", "source": source, "title": "facts", "context": "old"}
    assert _tokens(block) - _tokens({"type": "text", "text": "facts old"}) >= least


def test_documents_that_may_be_cited_bring_a_prompt_once() -> None:
    block = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "short"}}
    cited = {**block, "citations": {"enabled": True}}
    assert _tokens(cited, cited) - _tokens(block, block) == 590


def test_an_echoed_server_block_counts_its_text_and_not_its_secrets() -> None:
    result = {"type": "web_search_result", "title": "News " * 50, "encrypted_content": "A1b2" * 5000}
    block = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [result]}
    assert 60 < _tokens(block) < 250


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(["web_search_tool_result", "tool_reference", "tool_addition", "new_kind"])


@settings(deadline=None)  # the first estimate loads a vocabulary
@given(
    kind=KINDS, fields=st.dictionaries(st.sampled_from(["content", "name", "tool", "tool_name", "x"]), JSON)
)
def test_no_block_however_odd_makes_the_estimate_fail(kind: str, fields: dict[str, Any]) -> None:
    odd = {**fields, "type": kind}
    documents = [{"type": "document", "source": {"content": each, "data": each}} for each in fields.values()]
    request = _request(odd, *documents, tools=[{**WEATHER, "input_schema": {"properties": fields}}])
    for model in ("claude-opus-5", "gpt-4o", "gemini-2.5-flash", "anything"):
        assert estimate_tokens(request, model) >= 1


@given(text=st.text(max_size=200), more=st.text(max_size=200))
def test_the_same_request_always_has_the_same_estimate_and_more_text_not_fewer_turns(
    text: str, more: str
) -> None:
    one = {"type": "text", "text": text}
    assert _tokens(one) == _tokens(one) <= _tokens(one, {"type": "text", "text": more}) + 1
