"""Overrides what a profile supposes of a model by what the upstream's own list says of it."""

from __future__ import annotations

from dataclasses import replace

from proxy.dialects.profiles import Profile
from proxy.upstreams.model_entries import ModelEntry, ReasoningFacts

_LEVELS = ("minimal", "low", "medium", "high", "xhigh", "max")
"""Efforts, lowest first; a list's own `none` is no level but a way to turn reasoning off."""


def profile_with(profile: Profile, entry: ModelEntry | None) -> Profile:
    """Returns the profile with the facts of the entry in place of its own; what is not told stays.

    Request fields only narrow a profile: a model is refused what its list does not name, but is not given
    what its family is known to refuse.
    """
    if entry is None:
        return profile
    known = replace(profile, max_output_tokens=_max_output(profile, entry))
    if entry.inputs is not None:
        known = replace(known, images="image" in entry.inputs)
    if entry.parameters:
        known = _with_parameters(known, frozenset(entry.parameters), entry.reasoning is not None)
    if entry.reasoning is not None and known.reasoning_style == "openrouter":
        known = _with_reasoning(known, entry.reasoning)
    return known


def _max_output(profile: Profile, entry: ModelEntry) -> int | None:
    """The model's own limit; never more than its whole window, as small local models are asked for."""
    limit = entry.max_output_tokens or profile.max_output_tokens
    window = entry.context_tokens
    if window is None:
        return limit
    return window if limit is None else min(limit, window)


def _with_parameters(profile: Profile, named: frozenset[str], has_reasoning: bool) -> Profile:
    response_format = profile.response_format
    if response_format in ("strict", "plain") and "structured_outputs" not in named:
        response_format = "json_object" if "response_format" in named else "none"
    reasons = has_reasoning or bool(named & {"reasoning", "reasoning_effort", "include_reasoning"})
    return replace(
        profile,
        tools=profile.tools and "tools" in named,
        temperature=profile.temperature and "temperature" in named,
        top_p=profile.top_p and "top_p" in named,
        top_k=profile.top_k and "top_k" in named,
        response_format=response_format,
        reasoning_style=profile.reasoning_style if reasons else "none",
    )


def _with_reasoning(profile: Profile, facts: ReasoningFacts) -> Profile:
    efforts, off = profile.reasoning_efforts, profile.reasoning_off
    if facts.efforts is not None:
        efforts = tuple(level for level in _LEVELS if level in facts.efforts)
    if facts.is_mandatory:
        off = "lowest"
    elif facts.is_mandatory is False and off == "lowest":
        off = "effort_none"
    return replace(
        profile,
        reasoning_efforts=efforts,
        reasoning_off=off,
        reasoning_budget=_known(facts.takes_budget, profile.reasoning_budget),
        reasons_by_default=_known(facts.is_default, profile.reasons_by_default),
    )


def _known(told: bool | None, supposed: bool) -> bool:
    return supposed if told is None else told
