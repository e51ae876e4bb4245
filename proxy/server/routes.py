"""Which path is answered by which handler; only exact raw paths count, nothing is unescaped or tidied.

So `/v1//messages`, `/v1/%2e%2e/…` and the like are unknown paths, and no check can be walked around.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from proxy.messages.errors import ClientError, ErrorType

PUBLIC: frozenset[tuple[str, str]] = frozenset({("GET", "/health"), ("HEAD", "/"), ("HEAD", "/api/hello")})
"""What is answered without the token: method and path."""

_METHODS: Mapping[str, tuple[str, ...]] = {
    "/": ("HEAD",),
    "/api/hello": ("HEAD",),
    "/health": ("GET", "HEAD"),
    "/v1/messages": ("POST",),
    "/v1/messages/count_tokens": ("POST",),
    "/v1/models": ("GET",),
    "/v1/messages/batches": ("GET", "POST"),
    "/v1/files": ("GET", "POST"),
    "/mcp": ("GET", "POST", "DELETE"),
    "/mcp-servers": ("GET",),
}
_ITEMS: Mapping[str, tuple[str, ...]] = {
    "/v1/messages/batches/{id}": ("GET", "DELETE"),
    "/v1/messages/batches/{id}/cancel": ("POST",),
    "/v1/messages/batches/{id}/results": ("GET",),
    "/v1/files/{id}": ("GET", "DELETE"),
    "/v1/files/{id}/content": ("GET",),
}
"""Paths with the id of something that we keep."""
_ITEM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MODEL = "/v1/models/"
_NOT_SERVED: Mapping[str, str] = {
    "/v1/skills": "Skills run in Anthropic's containers, which no other upstream has.",
    "/v1/complete": "Text completions are a retired API: use /v1/messages.",
}
"""Parts of the API that we do not serve, by the beginning of their paths, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Match:
    """Where a request goes."""

    path: str
    """The pattern, such as `/v1/models/{id}`."""
    model_id: str = ""
    item_id: str = ""
    """The id of a batch or a file."""


def match(method: str, target: str) -> Match:
    """Returns where a request goes.

    Raises:
        ClientError: No such path (404), or not with this method (405).
    """
    path = target.partition("?")[0]
    methods = _METHODS.get(path)
    if methods is not None:
        _check_method(method, methods)
        return Match(path)
    if path.startswith(_MODEL) and len(path) > len(_MODEL):
        _check_method(method, ("GET",))
        return Match("/v1/models/{id}", _model_id(path[len(_MODEL) :]))
    item = _match_item(method, path)
    if item is not None:
        return item
    for prefix, reason in _NOT_SERVED.items():
        if path == prefix or path.startswith(prefix + "/"):
            raise ClientError(ErrorType.NOT_FOUND, reason, should_retry=False)
    raise ClientError(ErrorType.NOT_FOUND, "There is nothing at this path.", should_retry=False)


def _match_item(method: str, path: str) -> Match | None:
    for pattern, methods in _ITEMS.items():
        before, _, after = pattern.partition("{id}")
        item_id = path[len(before) : len(path) - len(after)]
        if path == before + item_id + after and _ITEM_ID.fullmatch(item_id):
            _check_method(method, methods)
            return Match(pattern, item_id=item_id)
    return None


def _check_method(method: str, allowed: tuple[str, ...]) -> None:
    if method not in allowed:
        raise ClientError(
            ErrorType.INVALID_REQUEST,
            f"This path is answered for {' and '.join(allowed)} only.",
            status=405,
            should_retry=False,
        )


def _model_id(escaped: str) -> str:
    """A model's id may hold slashes, escaped or not; it is looked up in a table and becomes no path."""
    try:
        name = unquote_to_bytes(escaped).decode("utf-8")
    except UnicodeDecodeError:
        name = "\0"
    if not name.isprintable() or any(part in ("", ".", "..") for part in name.split("/")):
        raise ClientError(ErrorType.NOT_FOUND, "There is no such model.", should_retry=False)
    return name
