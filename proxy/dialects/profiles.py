"""What a server and a model family can do, as data: which fields they take, in which words.

The facts stand in `resources/model_profiles.yaml`, in layers that override each other: what every server is
taken for, what a server is known for (by the user's word, else by its base URL), what a model family is
known for (by the model's name), and what a family is known for on one server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import yaml
from pydantic import TypeAdapter

import resources

ReasoningStyle = Literal[
    "none", "openrouter", "effort", "thinking", "gemini", "mistral", "template", "switch"
]
ReasoningOff = Literal["omit", "effort_none", "enabled_false", "lowest"]
ReasoningBack = Literal["none", "as_received", "tags"]


@dataclass(frozen=True, slots=True)
class Profile:
    """The facts the openai-chat dialect goes by; the defaults are a plain, modest server."""

    server: str = "generic"
    """Name of the server entry."""
    family: str = ""
    """Name of the model family; reasoning goes back only to the family it came from."""

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    max_output_tokens: int | None = None
    """The model's own limit; a larger wish is cut to it."""
    min_output_tokens: int = 1
    """Some servers refuse less."""
    temperature: bool = True
    top_p: bool = True
    top_k: bool = False
    sampling_with_reasoning: bool = True
    """False: temperature and its kin are refused while the model reasons."""
    stop_max: int = 4
    """How many stop sequences the server takes; the decoder enforces the others."""
    stream_options: bool = True
    """The server gives usage only when `stream_options.include_usage` asks for it, or does not mind it."""
    user_field: bool = True
    session_id: bool = False
    service_tier: bool = False

    reasoning_style: ReasoningStyle = "effort"
    """openrouter: `reasoning{}`; effort: `reasoning_effort`; thinking: `thinking{type}`; gemini: Google's
    thinking_config; mistral: `prompt_mode`; template: chat_template_kwargs; switch: `enable_thinking`."""
    reasons_by_default: bool = False
    """The model thinks unless it is told not to."""
    reasoning_efforts: tuple[str, ...] = ("low", "medium", "high")
    """Levels the model knows, lowest first; empty: it has none."""
    reasoning_budget: bool = False
    """The model takes a token budget; else a budget becomes an effort."""
    reasoning_off: ReasoningOff = "omit"
    """How to turn reasoning off; lowest: it cannot be, the lowest effort is asked."""
    effort_as_verbosity: bool = False
    """Effort without thinking goes out as `verbosity`."""
    reasoning_back: ReasoningBack = "as_received"
    """In which form earlier reasoning returns; as_received: in the form in which it came."""
    reasoning_field: Literal["reasoning", "reasoning_content"] = "reasoning_content"
    reasoning_on_tool_turn: bool = False
    """An assistant message with calls must carry the reasoning field, even empty."""
    claude_signatures: bool = False
    """Genuine Anthropic signatures are understood, as `reasoning_details` of Claude's format."""
    think_tags: bool = True
    """The model may write `<think>…</think>` into its text."""

    tools: bool = True
    tool_choice_required: bool = True
    tool_choice_named: bool = True
    tool_choice_none: bool = True
    """False: `none` beside tools gives garbage, so the tools are left out."""
    forced_with_reasoning: bool = True
    """False: a forced choice is refused while the model reasons, so reasoning is turned off for it."""
    parallel_tool_calls: bool = True
    """The server knows the field of this name."""
    strict_tools: bool = False
    tool_id_rule: Literal["any", "mistral9"] = "any"
    schema_rules: tuple[Literal["drop_meta", "gemini", "inline_refs"], ...] = ()
    """How tool schemas are cleaned."""

    images: bool = True
    tool_result_images: Literal["parts", "user_message"] = "user_message"
    file_parts: bool = False
    file_urls: bool = False
    null_content: bool = True
    """False: an assistant message with calls alone needs `""` instead of null."""
    mid_system: bool = False
    """System messages between the turns are honoured where they stand."""
    user_after_tool: bool = True
    """False: an assistant message must stand between a tool message and a user message."""
    prefill: Literal["native", "prefix", "instruction", "refused"] = "instruction"
    """How a begun answer is handed over: as it is, with `prefix: true`, as a wish, or not at all."""

    response_format: Literal["strict", "plain", "json_object", "none"] = "plain"
    cache_control: Literal["none", "anthropic", "gemini"] = "none"
    web_search: Literal["none", "plugin"] = "none"


@dataclass(frozen=True, slots=True)
class Entry:
    """One server or one family of the data file."""

    name: str
    match: tuple[str, ...]
    flags: Mapping[str, Any]
    at: Mapping[str, Mapping[str, Any]]
    """Flags for one server only, by its name."""


@lru_cache(maxsize=256)
def profile_for(provider_base_url: str, model: str, kind: str | None = None) -> Profile:
    """Returns what is known of a model at a server; an unknown one is taken for modest.

    Args:
        provider_base_url: The provider's base URL as the settings have it.
        model: The upstream's name for the model, with or without its author.
        kind: Name of the server entry, or `generic`; None: the address tells.
    """
    servers, families = _entries()
    flags: dict[str, Any] = {}
    address = _address(provider_base_url)
    server = next(
        (entry for entry in servers if (_matches(entry, address) if kind is None else entry.name == kind)),
        None,
    )
    if server is not None:
        flags.update(server.flags, server=server.name)
    names = _spellings(model)
    flags["family"] = names[-1]
    for family in families:
        if any(_matches(family, name) for name in names):
            flags.update(family.flags, family=family.name)
            flags.update(family.at.get(str(flags.get("server")), {}))
    return _PROFILE.validate_python(flags)


_PROFILE: TypeAdapter[Profile] = TypeAdapter(Profile)
_FLAGS = frozenset(field.name for field in fields(Profile)) - {"server", "family"}


def _matches(entry: Entry, name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in entry.match)


def _address(base_url: str) -> str:
    """`https://Openrouter.ai/api/v1/` becomes `openrouter.ai/api/v1`."""
    parts = urlsplit(base_url.strip().lower())
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def _spellings(model: str) -> tuple[str, ...]:
    """The name with its author, and without: `anthropic/claude-4.5:free` is also `claude-4-5`."""
    whole = model.lower().lstrip("~").replace(".", "-").partition(":")[0]
    return (whole, whole.rpartition("/")[2])


@cache
def _entries() -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    table = yaml.safe_load(resources.read_text("model_profiles.yaml"))
    return tuple(read_entries(table["servers"])), tuple(read_entries(table["families"]))


def read_entries(rows: list[dict[str, Any]]) -> Iterator[Entry]:
    """Yields the entries of the data file.

    Raises:
        ValueError: An entry has a flag that is no field of `Profile`.
    """
    for row in rows:
        at = cast("dict[str, dict[str, Any]]", row.get("at", {}))
        entry = Entry(row["name"], tuple(row["match"]), MappingProxyType(row.get("flags", {})), at)
        for flags in (entry.flags, *at.values()):
            unknown = sorted(set(flags) - _FLAGS)
            if unknown:
                raise ValueError(f"model_profiles.yaml: {entry.name} has no flag {unknown[0]!r}")
        yield entry
