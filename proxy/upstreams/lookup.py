"""Reads a provider's small JSON answers to GET: its list of models, its key's balance."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote, urljoin, urlsplit

import orjson

from proxy.config import ProviderConfig
from proxy.upstreams.http_answer import USER_AGENT, make_session
from proxy.upstreams.model_entries import MOST_ENTRIES, ModelEntry, read_entries

MAX_BYTES = 8 * 2**20
"""OpenRouter's model list has 1.5 MB."""
_MAX_PAGES = 10


class UnusableList(ValueError):
    """The provider answered, but not with a list of models; the text says what came."""


def models_path(provider: ProviderConfig) -> str:
    """Returns where a provider lists its models."""
    return "/v1/models?limit=1000" if provider.dialect == "anthropic-messages" else "/models"


async def get(provider: ProviderConfig, path: str) -> tuple[int, bytes | None]:
    """Returns status and body of one GET under the base URL; None: the body is too long to be meant.

    Raises:
        aiohttp.ClientError: No answer could be had.
        OSError: Likewise.
        ValueError: The base URL is none.
    """
    async with (
        make_session(provider) as session,
        session.get(
            provider.base_url.rstrip("/") + path, headers=_headers(provider), allow_redirects=False
        ) as response,
    ):
        data = b""
        while piece := await response.content.readany():
            data += piece
            if len(data) > MAX_BYTES:
                return response.status, None
        return response.status, data


async def read_model_list(provider: ProviderConfig) -> tuple[ModelEntry, ...]:
    """Returns every model the provider lists, over all pages of the list.

    Raises:
        aiohttp.ClientError: No answer could be had.
        OSError: Likewise.
        UnusableList: It answered with something else.
        ValueError: The base URL is none.
    """
    is_anthropic = provider.dialect == "anthropic-messages"
    path: str | None = models_path(provider)
    entries: tuple[ModelEntry, ...] = ()
    for _ in range(_MAX_PAGES):
        status, data = await get(provider, path)
        if status != 200 or data is None:
            raise UnusableList(f"HTTP {status}" if data is not None else "too long")
        # Parsing takes some 20 ms, which would hold up every stream.
        page, path = await asyncio.to_thread(_read_page, data, provider, is_anthropic)
        entries += page
        if path is None or len(entries) >= MOST_ENTRIES:
            break
    return entries[:MOST_ENTRIES]


def _read_page(
    data: bytes, provider: ProviderConfig, is_anthropic: bool
) -> tuple[tuple[ModelEntry, ...], str | None]:
    try:
        value: Any = orjson.loads(data)
        return read_entries(value, is_anthropic=is_anthropic), _next_path(value, provider)
    except ValueError as exc:
        raise UnusableList(str(exc)) from exc


def _next_path(value: Any, provider: ProviderConfig) -> str | None:
    """The next page's path; an address beyond the base URL is not followed, for the key goes along."""
    if not isinstance(value, dict):
        return None
    page = cast("dict[str, Any]", value)
    last: Any = page.get("last_id")
    if page.get("has_more") is True and isinstance(last, str):
        return f"{models_path(provider)}&after_id={quote(last, safe='')}"
    links: Any = page.get("links")
    following: Any = cast("dict[str, Any]", links).get("next") if isinstance(links, dict) else None
    if not isinstance(following, str) or not following:
        return None
    base = provider.base_url.rstrip("/")
    address = urlsplit(urljoin(base + "/models", following))
    own = urlsplit(base)
    if (address.scheme, address.netloc) != (own.scheme, own.netloc) or not address.path.startswith(own.path):
        return None
    return f"{address.path[len(own.path) :]}?{address.query}"


def _headers(provider: ProviderConfig) -> Mapping[str, str]:
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    is_anthropic = provider.dialect == "anthropic-messages"
    if is_anthropic:
        headers["anthropic-version"] = "2023-06-01"
    if provider.key is not None:
        name, prefix = ("x-api-key", "") if is_anthropic else ("Authorization", "Bearer ")
        headers[name] = prefix + provider.key.get_secret_value()
    return headers
