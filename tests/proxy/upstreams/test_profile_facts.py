"""What a model's own list says counts more than what its family is known for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.dialects.profiles import Profile, profile_for
from proxy.upstreams.model_entries import ModelEntry, ReasoningFacts
from proxy.upstreams.profile_facts import profile_with

ALL = ("tools", "temperature", "top_p", "top_k", "reasoning", "response_format", "structured_outputs")
SERVER = profile_for("https://openrouter.ai/api/v1", "author/unheard-of")
"""A model of OpenRouter's that no family describes."""


def reasons(**facts: object) -> ModelEntry:
    return ModelEntry("m", reasoning=replace(ReasoningFacts(), **facts))


def test_a_model_that_is_not_listed_keeps_its_profile() -> None:
    assert profile_with(SERVER, None) is SERVER


def test_an_entry_that_tells_nothing_changes_nothing() -> None:
    assert profile_with(SERVER, ModelEntry("m")) == SERVER


@pytest.mark.parametrize(
    ("supposed", "limit", "window", "known"),
    [
        (None, 64000, 200000, 64000),
        (128000, 64000, None, 64000),
        (8192, 16384, None, 16384),
        (8192, None, 200000, 8192),
        (None, None, 4096, 4096),
        (64000, None, 4096, 4096),
        (None, None, None, None),
    ],
)
def test_the_output_limit_is_the_lists_and_never_beyond_the_window(
    supposed: int | None, limit: int | None, window: int | None, known: int | None
) -> None:
    profile = replace(SERVER, max_output_tokens=supposed)
    entry = ModelEntry("m", max_output_tokens=limit, context_tokens=window)
    assert profile_with(profile, entry).max_output_tokens == known


def test_pictures_go_only_to_models_that_see() -> None:
    assert not profile_with(SERVER, ModelEntry("m", inputs=("text",))).images
    assert profile_with(replace(SERVER, images=False), ModelEntry("m", inputs=("text", "image"))).images


def test_a_request_field_that_the_model_does_not_take_is_left_out() -> None:
    known = profile_with(SERVER, ModelEntry("m", parameters=("max_tokens", "temperature")))
    assert (known.tools, known.temperature, known.top_p, known.top_k) == (False, True, False, False)
    assert known.reasoning_style == "none"


def test_all_fields_taken_leave_the_profile_as_it_was() -> None:
    assert profile_with(SERVER, ModelEntry("m", parameters=ALL)) == SERVER


def test_what_a_family_refuses_is_not_given_because_the_list_names_it() -> None:
    profile = replace(SERVER, temperature=False, tools=False)
    known = profile_with(profile, ModelEntry("m", parameters=ALL))
    assert (known.temperature, known.tools) == (False, False)


@pytest.mark.parametrize(
    ("parameters", "known"),
    [
        (("structured_outputs", "response_format"), "strict"),
        (("response_format",), "json_object"),
        (("tools",), "none"),
    ],
)
def test_a_schema_is_sent_only_where_the_model_can_be_held_to_it(
    parameters: tuple[str, ...], known: str
) -> None:
    assert profile_with(SERVER, ModelEntry("m", parameters=parameters)).response_format == known


def test_efforts_are_those_of_the_list_lowest_first() -> None:
    entry = reasons(efforts=("max", "none", "low", "high", "unheard"))
    assert profile_with(SERVER, entry).reasoning_efforts == ("low", "high", "max")


@pytest.mark.parametrize(
    ("supposed", "is_mandatory", "known"),
    [
        ("effort_none", True, "lowest"),
        ("enabled_false", False, "enabled_false"),
        ("lowest", False, "effort_none"),
        ("lowest", None, "lowest"),
    ],
)
def test_reasoning_that_is_mandatory_is_turned_down_instead_of_off(
    supposed: str, is_mandatory: bool | None, known: str
) -> None:
    profile = replace(SERVER, reasoning_off=supposed)
    assert profile_with(profile, reasons(is_mandatory=is_mandatory)).reasoning_off == known


def test_budget_and_default_are_the_lists_where_it_tells_them() -> None:
    known = profile_with(SERVER, reasons(takes_budget=False, is_default=True))
    assert (known.reasoning_budget, known.reasons_by_default) == (False, True)
    silent = profile_with(SERVER, reasons())
    assert (silent.reasoning_budget, silent.reasons_by_default) == (True, False)


def test_reasoning_facts_change_nothing_where_reasoning_has_another_spelling() -> None:
    profile = Profile(reasoning_style="template")
    assert profile_with(profile, reasons(efforts=("low",), is_mandatory=True)) == profile
