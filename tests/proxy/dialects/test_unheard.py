"""What stands inside of other fields and nobody reads is a loss too."""

from __future__ import annotations

from proxy.dialects.losses import Losses
from proxy.dialects.unheard import note_unheard
from proxy.messages.message import JsonObject
from proxy.messages.request import parse_request


def lost(**fields: object) -> list[str]:
    losses = Losses()
    turns = [{"role": "user", "content": "hi"}]
    note_unheard(parse_request({"model": "m", "max_tokens": 1, "messages": turns, **fields}), losses)
    return [loss.path for loss in losses.all()]


def image(**more: object) -> JsonObject:
    return {"type": "image", "source": {"type": "url", "url": "https://e.org/a.png"}, **more}


def test_fields_inside_of_others_are_named() -> None:
    assert lost(
        output_config={"effort": "low", "task_budget": {"type": "tokens", "total": 9}},
        thinking={"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}},
        tool_choice={"type": "auto", "made_up": 1},
        metadata={"user_id": "u", "team": "t"},
    ) == ["output_config.task_budget", "thinking.block_binding", "tool_choice.made_up", "metadata.team"]


def test_settings_of_turns_and_pictures_are_named_wherever_they_stand() -> None:
    scaled = image(transformations={"oversized_image": "error"})
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "x"}, scaled]}
    turns = [
        {"role": "user", "content": [scaled, result]},
        {"role": "system", "content": "x", "output_config": {"effort": "low"}, "clear_at": "never"},
    ]
    assert lost(messages=turns) == [
        "messages.0.content.0.transformations",
        "messages.0.content.1.content.1.transformations",
        "messages.1.clear_at",
    ]


def test_what_nobody_knows_of_a_tool_or_a_text_is_named() -> None:
    tool: JsonObject = {"name": "f", "input_schema": {"type": "object"}, "input_examples": [{}], "made_up": 1}
    text = {"type": "text", "text": "x", "citations": [{"type": "char_location"}]}
    turns = [{"role": role, "content": [text]} for role in ("user", "assistant")]
    assert lost(tools=[tool, {"type": "bash_20250124", "name": "bash", "made_up": 1}], messages=turns) == [
        "tools.0.made_up",
        "messages.0.content.0.citations",
    ]


def test_what_says_nothing_is_no_loss() -> None:
    assert lost(output_config={"task_budget": None}, metadata={"team": None}) == []
    assert lost(messages=[{"role": "user", "content": [image()]}]) == []
    result = {"type": "tool_result", "tool_use_id": "t", "content": "x"}
    assert lost(messages=[{"role": "user", "content": [result]}], thinking={"type": "disabled"}) == []
