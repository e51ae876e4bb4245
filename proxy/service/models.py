"""The model list: our aliases as rows of the Models API, and what a name resolves to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.config import Candidate, ProxyConfig
from proxy.messages.errors import ClientError, ErrorType
from proxy.routing.aliases import CLAUDE_PREFIX, DEMO_PROVIDER, resolve
from proxy.service.model_facts import ModelFacts
from proxy.service.model_rows import model_row

DEFAULT_LIMIT = 20
MAX_LIMIT = 1000

_DEMO = "Signalbox demo (no provider is configured)"


def list_models(config: ProxyConfig, query: Mapping[str, str], facts: ModelFacts) -> dict[str, Any]:
    """Returns one page of models (Models API, List: `after_id`, `before_id`, `limit`).

    Args:
        config: Whose aliases are listed.
        query: The paging parameters.
        facts: What is known of the models behind them.

    Raises:
        ClientError: A paging parameter is wrong.
    """
    rows = _rows(config, facts)
    ids = [row["id"] for row in rows]
    limit = _limit(query.get("limit"))
    after, before = query.get("after_id"), query.get("before_id")
    if before is not None:
        end = _place(ids, before, "before_id")
        page, has_more = rows[max(0, end - limit) : end], end > limit
    else:
        start = 0 if after is None else _place(ids, after, "after_id") + 1
        page, has_more = rows[start : start + limit], len(rows) > start + limit
    return {
        "data": page,
        "has_more": has_more,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
    }


def retrieve_model(config: ProxyConfig, name: str, facts: ModelFacts) -> dict[str, Any]:
    """Returns the row of any name that a request could use.

    Raises:
        ClientError: Nothing serves the name (404).
    """
    route = resolve(config, name)
    return _row(config, name, route.alias or name, route.candidates[0], facts)


def _rows(config: ProxyConfig, facts: ModelFacts) -> list[dict[str, Any]]:
    """Every alias, and beside it a name that Claude Code's discovery keeps: it wants `claude` in the id."""
    if not config.providers:
        return [model_row(CLAUDE_PREFIX + DEMO_PROVIDER, _DEMO, None, None)]
    rows: list[dict[str, Any]] = []
    for alias in config.aliases:
        names = [alias.name]
        if not any(word in alias.name.lower() for word in ("claude", "anthropic")):
            names.append(CLAUDE_PREFIX + alias.name)
        served = next((each for each in alias.candidates if each.provider in config.providers), None)
        if served is not None:
            rows.extend(_row(config, name, alias.name, served, facts) for name in names)
    return rows


def _row(
    config: ProxyConfig, name: str, shown: str, candidate: Candidate, facts: ModelFacts
) -> dict[str, Any]:
    provider = config.providers.get(candidate.provider)
    if provider is None:
        return model_row(name, _DEMO, None, None)
    entry = facts.entry(provider, candidate.model)
    model = (entry.name if entry else None) or candidate.model
    profile = facts.profile(provider, candidate.model)
    return model_row(name, f"{shown} ({model} at {provider.name})", profile, entry)


def _limit(value: str | None) -> int:
    if value is None:
        return DEFAULT_LIMIT
    if not value.isascii() or not value.isdecimal() or len(value) > 4 or not 1 <= int(value) <= MAX_LIMIT:
        raise ClientError(ErrorType.INVALID_REQUEST, f"limit: must be a whole number from 1 to {MAX_LIMIT}")
    return int(value)


def _place(ids: list[str], wanted: str, parameter: str) -> int:
    if wanted not in ids:
        raise ClientError(ErrorType.INVALID_REQUEST, f"{parameter}: no such model in the list")
    return ids.index(wanted)
