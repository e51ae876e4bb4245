"""Asks a provider whether it can be reached and takes the key, and says what was found in a sentence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import orjson

from proxy.config import ProviderConfig
from proxy.upstreams.failures import Stage, failure_of
from proxy.upstreams.lookup import get, models_path

TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a probe found."""

    is_ok: bool
    text: str
    """A sentence such as `key accepted, $8.50 left of $10.00 (212 ms)`."""


async def probe(provider: ProviderConfig, *, clock: Callable[[], float] = time.monotonic) -> ProbeResult:
    """Returns what the provider says: its key's balance at OpenRouter, else its list of models."""
    began = clock()
    if provider.dialect == "demo":
        return ProbeResult(is_ok=True, text="the demo needs no key and no network")
    if provider.key is None and provider.key_missing:
        return ProbeResult(is_ok=False, text=provider.key_missing)
    has_balance = is_openrouter(provider.base_url)
    try:
        status, value = await asyncio.wait_for(
            _get(provider, "/key" if has_balance else models_path(provider)), TIMEOUT_S
        )
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as exc:
        return ProbeResult(is_ok=False, text=failure_of(exc, provider, Stage.OPEN).message)
    is_ok, text = _read(status, value, has_balance=has_balance)
    return ProbeResult(is_ok, f"{text} ({(clock() - began) * 1000:.0f} ms)" if is_ok else text)


def is_openrouter(base_url: str) -> bool:
    """Whether a base URL is OpenRouter's, which tells a key's balance."""
    host = urlsplit(base_url).hostname or ""
    return host == "openrouter.ai" or host.endswith(".openrouter.ai")


async def _get(provider: ProviderConfig, path: str) -> tuple[int, Any]:
    status, data = await get(provider, path)
    try:
        return status, None if data is None else orjson.loads(data)
    except orjson.JSONDecodeError:
        return status, None


def _read(status: int, value: Any, *, has_balance: bool) -> tuple[bool, str]:
    if status in (401, 403):
        return False, f"the key was refused (HTTP {status})"
    if 300 <= status < 400:
        return False, f"it answered with a redirect (HTTP {status}): correct the base URL"
    if status == 404:
        return False, "it can be reached, but there is nothing at this address (HTTP 404): check the base URL"
    if status != 200:
        return False, f"it can be reached, but answered with HTTP {status}"
    if not isinstance(value, dict):
        return False, "it can be reached, but does not answer like this kind of service: check the base URL"
    data: Any = cast("dict[str, Any]", value).get("data")
    if has_balance:
        return True, "key accepted" + balance_of(data)
    count = len(cast("list[Any]", data)) if isinstance(data, list) else 0
    return True, f"reachable, {count} model{'' if count == 1 else 's'} offered"


def balance_of(data: Any) -> str:
    """Returns what OpenRouter says of a key, as the end of a sentence; empty where it says nothing."""
    if not isinstance(data, dict):
        return ""
    key = cast("dict[str, Any]", data)
    left, limit, used = key.get("limit_remaining"), key.get("limit"), key.get("usage")
    if isinstance(left, int | float) and isinstance(limit, int | float):
        return f", ${left:.2f} left of ${limit:.2f}"
    if isinstance(used, int | float):
        return f", ${used:.2f} used, no limit set on the key"
    return ""
