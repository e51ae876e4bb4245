"""What an upstream's model list says of each model, read from any of the shapes that servers give it.

OpenRouter tells nearly all; other servers tell the id and sometimes a limit, each under a name of its own.
What is not told is None: never a guess.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from proxy.dialects.loose_json import as_object
from proxy.messages.message import JsonObject

MOST_ENTRIES = 5000
"""OpenRouter lists some 500; what is beyond this is no honest list."""
_MAX_NAME = 256
_MAX_TOKENS = 10**9
_MAX_WORDS = 100


@dataclass(frozen=True, slots=True)
class Prices:
    """What a model costs, in US dollars; None: the upstream does not say."""

    input: float | None = None
    """A token of the prompt."""
    output: float | None = None
    """A token of the answer."""
    cache_read: float | None = None
    """A token read from the prompt cache."""
    cache_write: float | None = None
    """A token written to it for five minutes."""
    cache_write_1h: float | None = None
    """A token written to it for an hour."""
    reasoning: float | None = None
    """A token of reasoning, where it has its own price."""
    request: float | None = None
    """Each request."""
    image: float | None = None
    """Each picture in the prompt."""
    web_search: float | None = None
    """Each search."""


@dataclass(frozen=True, slots=True)
class ReasoningFacts:
    """How a model reasons."""

    is_mandatory: bool | None = None
    """It cannot be turned off."""
    is_default: bool | None = None
    """It happens unless it is turned off."""
    efforts: tuple[str, ...] | None = None
    takes_budget: bool | None = None
    """It takes a budget in tokens."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of an upstream's list."""

    id: str
    name: str | None = None
    """For people."""
    created_at: int | None = None
    """Seconds since the epoch."""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    inputs: tuple[str, ...] | None = None
    """Modalities: text, image, file, audio, video."""
    parameters: tuple[str, ...] | None = None
    """Request fields that at least one server of the model honours."""
    reasoning: ReasoningFacts | None = None
    prices: Prices | None = None


def read_entries(value: Any, *, is_anthropic: bool = False) -> tuple[ModelEntry, ...]:
    """Returns the models of a list as an upstream sent it; rows without an id are passed over.

    Args:
        value: The parsed body of `GET /models`: `{"data": […]}`, `{"models": […]}` or a bare list.
        is_anthropic: The rows are those of the Models API, where `max_tokens` is the output limit.

    Raises:
        ValueError: It is no list of models.
    """
    fields = as_object(value)
    told: Any = fields.get("data", fields.get("models"))
    rows: Any = cast("list[Any]", value) if isinstance(value, list) else told
    if not isinstance(rows, list):
        raise ValueError("the answer is no list of models")  # noqa: TRY004 - its content is wrong
    listed = cast("list[Any]", rows)[:MOST_ENTRIES]
    return tuple(entry for row in listed if (entry := _entry(as_object(row), is_anthropic)) is not None)


def find_entry(entries: Mapping[str, ModelEntry], model: str) -> ModelEntry | None:
    """Returns the entry of a model's name: itself, or the model of which it names a variant (`…:nitro`)."""
    bare = model.partition(":")[0]
    for name in (model, bare, f"models/{model}", bare.lstrip("~")):
        if name in entries:
            return entries[name]
    return None


def _entry(row: JsonObject, is_anthropic: bool) -> ModelEntry | None:
    name = _word(row.get("id"))
    if name is None:
        return None
    top, kind = as_object(row.get("top_provider")), as_object(row.get("architecture"))
    contexts = (
        top.get("context_length"),
        *(row.get(key) for key in ("context_length", "loaded_context_length", "max_model_len")),
        *(row.get(key) for key in ("context_window", "max_context_length", "max_input_tokens")),
    )
    limits = (
        top.get("max_completion_tokens"),
        *(row.get(key) for key in ("max_completion_tokens", "max_output_tokens")),
        row.get("max_tokens") if is_anthropic else None,
    )
    return ModelEntry(
        id=name,
        name=_word(row.get("name")) or _word(row.get("display_name")),
        created_at=_count(row.get("created"), 2**40),
        context_tokens=_first_count(contexts),
        max_output_tokens=_first_count(limits),
        inputs=_words(kind.get("input_modalities")),
        parameters=_words(row.get("supported_parameters")),
        reasoning=_reasoning(row.get("reasoning")),
        prices=_prices(row.get("pricing")),
    )


def _reasoning(value: Any) -> ReasoningFacts | None:
    if not isinstance(value, dict):
        return None
    told = cast("JsonObject", value)
    return ReasoningFacts(
        is_mandatory=_flag(told.get("mandatory")),
        is_default=_flag(told.get("default_enabled")),
        efforts=_words(told.get("supported_efforts")),
        takes_budget=_flag(told.get("supports_max_tokens")),
    )


def _prices(value: Any) -> Prices | None:
    told = as_object(value)
    if "prompt" not in told and "completion" not in told:
        return None  # some servers price a million tokens, under other names
    return Prices(
        input=_price(told.get("prompt")),
        output=_price(told.get("completion")),
        cache_read=_price(told.get("input_cache_read")),
        cache_write=_price(told.get("input_cache_write")),
        cache_write_1h=_price(told.get("input_cache_write_1h")),
        reasoning=_price(told.get("internal_reasoning")),
        request=_price(told.get("request")),
        image=_price(told.get("image")),
        web_search=_price(told.get("web_search")),
    )


def _price(value: Any) -> float | None:
    """Routers that choose the model later say -1."""
    if isinstance(value, bool):
        return None
    try:
        price = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return price if math.isfinite(price) and price >= 0 else None


def _first_count(values: Iterable[Any]) -> int | None:
    return next((count for value in values if (count := _count(value, _MAX_TOKENS)) is not None), None)


def _count(value: Any, most: int) -> int | None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and 0 < value <= most else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _MAX_NAME and value.isprintable() else None


def _words(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(word for each in cast("list[Any]", value)[:_MAX_WORDS] if (word := _word(each)) is not None)
