"""How much the model shall think: `thinking` and `output_config.effort` in the words of the upstream."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.dialects.loose_json import as_object, as_text
from proxy.dialects.openai_chat_content import Encoding
from proxy.dialects.openai_chat_tools import is_forced
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest

_LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SHARES = (("max", 0.95), ("high", 0.8), ("medium", 0.5), ("low", 0.2), ("minimal", 0.0))
"""Which share of max_tokens a thinking budget must reach for an effort, as OpenRouter reckons it."""
_MIN_BUDGET = 1024
"""Anthropic's least thinking budget."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the client wants of the model's thinking."""

    wants: bool | None
    """None: the client left it to the model."""
    budget: int | None
    effort: str | None


def reads_wish(request: MessagesRequest) -> Wish:
    """Returns what a request wants; the last effort of a system turn overrides that of the request."""
    effort = request.output_config.effort if request.output_config else None
    for message in request.messages:
        if message.role == "system":
            said = as_object((message.model_extra or {}).get("output_config"))
            effort = as_text(said.get("effort")) or effort
    thinking = request.thinking
    if thinking is None:
        return Wish(None, None, effort)
    wants = thinking.type not in ("disabled", "between_tools")
    return Wish(wants, thinking.budget_tokens if thinking.type == "enabled" else None, effort)


def encode_reasoning(request: MessagesRequest, max_tokens: int, work: Encoding) -> JsonObject:
    """Returns the payload fields that say how much to think."""
    wish = reads_wish(request)
    profile = work.profile
    would_think = wish.wants or (wish.wants is None and profile.reasons_by_default)
    if would_think and is_forced(request) and not profile.forced_with_reasoning:
        work.losses.add(
            "thinking", "turned off: the upstream refuses a forced tool choice while the model thinks"
        )
        wish = Wish(False, None, wish.effort)
    if profile.reasoning_style == "none":
        if wish.wants:
            work.losses.add("thinking", "left out: the model does not think, or not on demand")
        elif wish.effort is not None:
            work.losses.add("output_config.effort", "left out: the model knows no effort")
        return {}
    if wish.wants is None and wish.effort is None:
        return {}
    if wish.wants is False:
        return _off(wish, work)
    if wish.wants is None and profile.effort_as_verbosity:
        return {"verbosity": wish.effort}
    return _on(wish, max_tokens, work)


def thinks(payload: JsonObject) -> bool:
    """The encoded request asks the model to think."""
    reasoning = payload.get("reasoning")
    if isinstance(reasoning, dict):
        asked = as_object(payload["reasoning"])
        return asked.get("enabled") is not False and asked.get("effort") != "none"
    return payload.get("reasoning_effort") not in (None, "none")


def _on(wish: Wish, max_tokens: int, work: Encoding) -> JsonObject:
    profile = work.profile
    effort = _effort(wish, max_tokens, work)
    match profile.reasoning_style:
        case "openrouter":
            if wish.budget is not None and profile.reasoning_budget:
                return {"reasoning": {"max_tokens": _budget(wish.budget, max_tokens, work)}}
            reasoning: JsonObject = {"enabled": True} if wish.wants else {}
            return {"reasoning": reasoning if effort is None else {**reasoning, "effort": effort}}
        case "thinking":
            fields: JsonObject = {"thinking": {"type": "enabled"}}
            return fields if effort is None else {**fields, "reasoning_effort": effort}
        case "gemini":
            return {"extra_body": {"google": {"thinking_config": _gemini(wish, effort, work)}}}
        case "mistral":
            return {"prompt_mode": "reasoning"}
        case "template":
            return {"chat_template_kwargs": {"enable_thinking": True}}
        case "switch":
            return {"enable_thinking": True}
        case _:
            return {} if effort is None else {"reasoning_effort": effort}


def _gemini(wish: Wish, effort: str | None, work: Encoding) -> JsonObject:
    config: JsonObject = {"include_thoughts": True}
    if wish.budget is not None and work.profile.reasoning_budget:
        config["thinking_budget"] = wish.budget
    elif effort is not None and not work.profile.reasoning_budget:
        config["thinking_level"] = effort
    return config


def _off(wish: Wish, work: Encoding) -> JsonObject:
    profile = work.profile
    style = profile.reasoning_style
    beside: JsonObject = {}
    if wish.effort is not None and profile.effort_as_verbosity:
        beside = {"verbosity": wish.effort}
    if profile.reasoning_off == "lowest":
        work.losses.add("thinking", "the model cannot stop thinking: the least effort is asked")
        effort = profile.reasoning_efforts[0] if profile.reasoning_efforts else None
        return {**beside, **_on(Wish(None, None, effort), 0, work)} if effort else beside
    match style:
        case "openrouter":
            off: JsonObject = (
                {"enabled": False} if profile.reasoning_off == "enabled_false" else {"effort": "none"}
            )
            return {"reasoning": off, **beside}
        case "thinking":
            return {"thinking": {"type": "disabled"}}
        case "gemini":
            return {"reasoning_effort": "none"}
        case "template":
            return {"chat_template_kwargs": {"enable_thinking": False}}
        case "switch":
            return {"enable_thinking": False}
        case _:
            return {"reasoning_effort": "none"} if profile.reasoning_off == "effort_none" else {}


def _effort(wish: Wish, max_tokens: int, work: Encoding) -> str | None:
    """The effort wished for, or the one that a budget amounts to, as the nearest one the model knows."""
    known = work.profile.reasoning_efforts
    if not known:
        return None
    effort = wish.effort
    if wish.budget is not None:
        share = wish.budget / max(max_tokens, 1)
        effort = next((level for level, least in _SHARES if share >= least), "minimal")
    if effort is None or effort in known:
        return effort
    wanted = _LEVELS.index(effort) if effort in _LEVELS else _LEVELS.index("medium")
    nearest = min(known, key=lambda level: abs(_LEVELS.index(level) - wanted))
    work.losses.add("output_config.effort", f"{nearest} instead of {effort}: the model does not know it")
    return nearest


def _budget(wanted: int, max_tokens: int, work: Encoding) -> int:
    """The budget, below max_tokens as the upstream demands."""
    if wanted < max_tokens:
        return wanted
    cut = max(max_tokens // 2, min(_MIN_BUDGET, max_tokens - 1))
    work.losses.add("thinking.budget_tokens", f"cut to {cut}: it has to be less than max_tokens")
    return cut
