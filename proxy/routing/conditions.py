"""Chooses the alias by what a request is like (size, pictures, tools, thinking, class), and says why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, cast

from proxy.config import Conditions, ProxyConfig
from proxy.context import LOCAL_TOKEN
from proxy.messages.message import JsonObject
from proxy.messages.request import (
    ContentBlockParam,
    DocumentParam,
    ImageParam,
    MessagesRequest,
    ToolResultParam,
)
from proxy.routing.aliases import Route, check_name, resolve
from proxy.routing.token_limits import may_use, resolve_for

_WEB_SEARCH = "web_search"
"""The types of Anthropic's web search begin with it (`web_search_20250305`); a client's own tool has none."""
_SUBAGENT_MARK = "cc_is_subagent=true"
"""In the attribution line that begins Claude Code's system prompt, where it sends no hint headers."""
_ATTRIBUTION = "x-anthropic-billing-header:"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the conditions see it."""

    request: MessagesRequest
    request_class: str | None
    """What the client says it is."""
    count_tokens: Callable[[], int]
    """Counts its input tokens; called only where a rule asks for them."""
    token_name: str = LOCAL_TOKEN
    """The name of the token its client came with."""


def route_of(config: ProxyConfig, asked: Asked) -> Route:
    """Returns the route of a request: the first rule whose conditions hold, else its model's name.

    A rule that leads to an alias which the client's token may not use is none for it.

    Raises:
        ClientError: Nothing serves it, as `aliases.resolve`.
    """
    model = asked.request.model
    if config.routes and config.providers:
        check_name(model)
        for number, rule in enumerate(config.routes, 1):
            why = _why_holds(rule.when, asked)
            if why is None:
                continue
            route = resolve_for(config, asked.token_name, rule.use)
            if may_use(config, asked.token_name, route):
                reason = f"rule {number} sends '{model}' to {rule.use}: {why}"
                return replace(route, asked=model, reason=reason)
    return resolve_for(config, asked.token_name, model)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What serves the requests for a model, as far as its name alone says it."""

    route: Route
    exceptions: tuple[str, ...]
    """Rules that send some of them elsewhere, each in words, first ones first."""


def outlook(config: ProxyConfig, model: str) -> Outlook:
    """Returns what serves requests for a model, before one of them is known.

    Raises:
        ClientError: Nothing serves them, as `aliases.resolve`.
    """
    check_name(model)
    exceptions: list[str] = []
    for number, rule in enumerate(config.routes if config.providers else (), 1):
        of_model = _of_model(rule.when, model)
        if of_model is None:
            continue
        wishes = _wishes(rule.when)
        if not wishes:
            why = " and ".join(of_model) or "every request"
            reason = f"rule {number} sends '{model}' to {rule.use}: {why}"
            route = replace(resolve(config, rule.use), asked=model, reason=reason)
            return Outlook(route, tuple(exceptions))
        exceptions.append(f"rule {number} sends it to {rule.use} where {' and '.join(wishes)}")
    return Outlook(resolve(config, model), tuple(exceptions))


def _wishes(when: Conditions) -> list[str]:
    """What a rule asks besides the model, in words."""
    wishes: list[str] = []
    if when.client_token:
        wishes.append(f"the token is {' or '.join(when.client_token)}")
    if when.request_class:
        wishes.append(f"the request class is {' or '.join(when.request_class)}")
    for wanted, _, text in _wanted_traits(when):
        if wanted is not None:
            wishes.append(f"it has {text}" if wanted else f"it has no {text}")
    if when.min_tokens is not None:
        wishes.append(f"it has at least {when.min_tokens:,} tokens")
    return wishes


def class_of(request: MessagesRequest, told: str | None) -> str | None:
    """Returns what a request is to its client: as a header says, else as the system prompt shows."""
    if told:
        return told.strip().lower()
    blocks = request.system_blocks()
    if blocks and blocks[0].text.startswith(_ATTRIBUTION) and _SUBAGENT_MARK in blocks[0].text:
        return "subagent"
    return None


def _why_holds(when: Conditions, asked: Asked) -> str | None:
    """Says why all conditions hold, or None where one does not; the count of tokens is asked for last."""
    reasons: list[str] = []
    for judge in (_model, _token, _class, _traits, _size):
        found = judge(when, asked)
        if found is None:
            return None
        reasons += found
    return " and ".join(reasons) or "every request"


def _model(when: Conditions, asked: Asked) -> list[str] | None:
    return _of_model(when, asked.request.model)


def _of_model(when: Conditions, name: str) -> list[str] | None:
    if not when.model:
        return []
    matching = [pattern for pattern in when.model if fnmatchcase(name, pattern)]
    return [f"the model matches {matching[0]}"] if matching else None


def _token(when: Conditions, asked: Asked) -> list[str] | None:
    if not when.client_token:
        return []
    return [f"the token is {asked.token_name}"] if asked.token_name in when.client_token else None


def _class(when: Conditions, asked: Asked) -> list[str] | None:
    if not when.request_class:
        return []
    found = class_of(asked.request, asked.request_class)
    return [f"the request class is {found}"] if found in when.request_class else None


def _wanted_traits(
    when: Conditions,
) -> tuple[tuple[bool | None, Callable[[MessagesRequest], bool], str], ...]:
    return (
        (when.has_tools, has_tools, "tools"),
        (when.has_web_search, has_web_search, "web search"),
        (when.thinking, thinks, "thinking"),
        (when.has_image, has_image, "pictures"),
    )


def _traits(when: Conditions, asked: Asked) -> list[str] | None:
    request = asked.request
    reasons: list[str] = []
    for wanted, has, text in _wanted_traits(when):
        if wanted is None:
            continue
        if has(request) is not wanted:
            return None
        reasons.append(f"it has {text}" if wanted else f"it has no {text}")
    return reasons


def _size(when: Conditions, asked: Asked) -> list[str] | None:
    if when.min_tokens is None:
        return []
    tokens = asked.count_tokens()
    if tokens < when.min_tokens:
        return None
    return [f"about {tokens:,} tokens are at least {when.min_tokens:,}"]


def has_tools(request: MessagesRequest) -> bool:
    """Says whether the request declares tools."""
    return bool(request.tools)


def has_web_search(request: MessagesRequest) -> bool:
    """Says whether Anthropic's web search is among the tools."""
    return any((tool.type or "").startswith(_WEB_SEARCH) for tool in request.tools or ())


def thinks(request: MessagesRequest) -> bool:
    """Says whether the request turns thinking on."""
    return request.thinking is not None and request.thinking.type != "disabled"


def has_image(request: MessagesRequest) -> bool:
    """Says whether there is a picture anywhere in the conversation, results and documents included."""
    blocks = (block for message in request.messages for block in message.blocks())
    return any(isinstance(block, ImageParam) or _shows(block) for block in _with_results(blocks))


def _shows(block: ContentBlockParam) -> bool:
    """Whether a block is a document made of blocks, with a picture among them."""
    if not isinstance(block, DocumentParam) or block.source.get("type") != "content":
        return False
    parts: Any = block.source.get("content")
    inner = cast("list[object]", parts) if isinstance(parts, list) else []
    return any(cast("JsonObject", each).get("type") == "image" for each in inner if isinstance(each, dict))


def _with_results(blocks: Iterable[ContentBlockParam]) -> Iterator[ContentBlockParam]:
    for block in blocks:
        yield block
        if isinstance(block, ToolResultParam) and isinstance(block.content, list):
            yield from block.content
