"""The model list: our aliases as rows of the Models API, and what a name resolves to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.config import ProxyConfig
from proxy.messages.errors import ClientError, ErrorType
from proxy.routing.aliases import CLAUDE_PREFIX, DEMO_PROVIDER, Route, resolve

DEFAULT_LIMIT = 20
MAX_LIMIT = 1000

_UNKNOWN_DATE = "1970-01-01T00:00:00Z"
"""What the Models API gives where a model's release date is not known."""


def list_models(config: ProxyConfig, query: Mapping[str, str]) -> dict[str, Any]:
    """Returns one page of models (Models API, List: `after_id`, `before_id`, `limit`).

    Raises:
        ClientError: A paging parameter is wrong.
    """
    rows = _rows(config)
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


def retrieve_model(config: ProxyConfig, name: str) -> dict[str, Any]:
    """Returns the row of any name that a request could use.

    Raises:
        ClientError: Nothing serves the name (404).
    """
    route = resolve(config, name)
    return _row(name, _describe(name, route))


def _rows(config: ProxyConfig) -> list[dict[str, Any]]:
    """Every alias, and beside it a name that Claude Code's discovery keeps: it wants `claude` in the id."""
    if not config.providers:
        return [_row(CLAUDE_PREFIX + DEMO_PROVIDER, "Signalbox demo (no provider is configured)")]
    rows: list[dict[str, Any]] = []
    for alias in config.aliases:
        names = [alias.name]
        if not any(word in alias.name.lower() for word in ("claude", "anthropic")):
            names.append(CLAUDE_PREFIX + alias.name)
        served = next((each for each in alias.candidates if each.provider in config.providers), None)
        if served is not None:
            shown = f"{alias.name} ({served.model} at {served.provider})"
            rows.extend(_row(name, shown) for name in names)
    return rows


def _describe(name: str, route: Route) -> str:
    first = route.candidates[0]
    if first.provider == DEMO_PROVIDER:
        return "Signalbox demo (no provider is configured)"
    return f"{route.alias or name} ({first.model} at {first.provider})"


def _row(name: str, shown: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": shown, "created_at": _UNKNOWN_DATE}


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
