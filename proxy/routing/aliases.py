"""Turns the model name a client asked for into the candidates that could serve it, and says why."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from proxy.config import Alias, Candidate, ProxyConfig
from proxy.messages.errors import ClientError, ErrorType

DEMO_PROVIDER = "demo"
"""The embedded upstream; it serves every name, and only while no provider is configured."""

CLAUDE_PREFIX = "claude-"
"""Claude Code's discovery keeps only ids with `claude` in them, so every alias is also served under this."""

MAX_NAME = 256
"""Longest name of a model; the longest in use has under 100 characters."""


@dataclass(frozen=True, slots=True)
class Route:
    """What serves a name: candidates in order, and the reason in one sentence."""

    asked: str
    alias: str | None
    """None: the name was passed on as it is, or the demo answers."""
    candidates: tuple[Candidate, ...]
    reason: str
    dearer: tuple[Candidate, ...] = ()
    """Left out because they cost more than the first choice; a client whom nobody serves is told."""


def without_openrouter(model: str) -> str:
    """Returns a name without the `openrouter/` that other programs put before it.

    `openrouter/auto` and the like are names of OpenRouter's own: what follows has no author before it.
    """
    bare = model.removeprefix("openrouter/")
    return bare if "/" in bare else model


def resolve(config: ProxyConfig, asked: str) -> Route:
    """Returns the route of a name: exact alias, then the first match in file order, then `unknown_models`.

    Raises:
        ClientError: Nothing serves the name, or no provider of its alias is configured (404); or it is no
            possible name of a model (400).
    """
    check_name(asked)
    if not config.providers:
        return Route(
            asked, None, (Candidate(DEMO_PROVIDER, "demo"),), "no provider is configured, so the demo answers"
        )
    alias, reason = _find(config.aliases, asked)
    if alias is not None:
        return Route(asked, alias.name, _known(config, alias), reason)
    if config.unknown_models is not None:
        return Route(
            asked,
            None,
            (Candidate(config.unknown_models, without_openrouter(asked)),),
            f"no alias has or matches '{asked}', so it goes to {config.unknown_models} as it is",
        )
    near = get_close_matches(asked, [each.name for each in config.aliases], n=1)
    raise ClientError(
        ErrorType.NOT_FOUND, f"model: {asked}" + (f" (did you mean '{near[0]}'?)" if near else "")
    )


def check_name(asked: str) -> None:
    """Refuses what cannot be a model's name: a name is printable and short, because it is shown and logged.

    Raises:
        ClientError: 400.
    """
    if len(asked) > MAX_NAME or not asked.isprintable() or ".." in asked.split("/"):
        raise ClientError(ErrorType.INVALID_REQUEST, "model: this is not a possible name of a model")


def _find(aliases: tuple[Alias, ...], asked: str) -> tuple[Alias | None, str]:
    for alias in aliases:
        if alias.name == asked:
            return alias, f"'{asked}' is the alias {alias.name}"
    for alias in aliases:
        if CLAUDE_PREFIX + alias.name == asked:
            return alias, f"'{asked}' is the alias {alias.name} as clients list it"
    for alias in aliases:
        for pattern in alias.match:
            if fnmatchcase(asked, pattern):
                return alias, f"'{asked}' matches {pattern} of the alias {alias.name}"
    return None, ""


def _known(config: ProxyConfig, alias: Alias) -> tuple[Candidate, ...]:
    known = tuple(each for each in alias.candidates if each.provider in config.providers)
    if not known:
        names = ", ".join(sorted({each.provider for each in alias.candidates})) or "none"
        raise ClientError(
            ErrorType.NOT_FOUND,
            f"model: {alias.name} (no candidate of this alias has a configured provider; it names: {names})",
        )
    return known
