"""Keeps one upstream client a provider, made when first needed and closed when the settings drop it."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
from collections.abc import Callable, Mapping

from typing_extensions import assert_never

from proxy.config import ProviderConfig
from proxy.dialects.profiles import profile_for
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.routing.keys import keys_of, with_key
from proxy.upstreams.anthropic_compatible import AnthropicCompatible
from proxy.upstreams.base import Upstream
from proxy.upstreams.demo import DemoUpstream

_OPENAI = "proxy.upstreams.openai_compatible"

UpstreamFactory = Callable[[ProviderConfig], Upstream]


def upstream_of(provider: ProviderConfig) -> Upstream:
    """Returns a client for a provider; nothing is connected yet."""
    match provider.dialect:
        case "demo":
            return DemoUpstream()
        case "anthropic-messages":
            return AnthropicCompatible(provider)
        case "openai-chat":
            # The openai SDK takes a second to import, which nobody shall pay who does not use it.
            from proxy.upstreams.openai_compatible import OpenAICompatible  # noqa: PLC0415 - takes 0.3 s: only where needed

            return OpenAICompatible(provider)
        case _:
            assert_never(provider.dialect)


def preload(provider: ProviderConfig) -> None:
    """Reads from disk what the first request to a provider needs; to be run in a thread."""
    profile_for(provider.base_url, "")
    if provider.dialect == "openai-chat":
        is_new = _OPENAI not in sys.modules
        importlib.import_module(_OPENAI)
        if is_new:
            gc.freeze()  # modules live for ever: the collector need not look at them while requests run


def check_key(provider: ProviderConfig) -> None:
    """Refuses a provider whose key the settings name but nobody could find.

    Raises:
        UpstreamError: The key is missing (401).
    """
    if provider.key is None and provider.key_missing:
        raise UpstreamError(ErrorType.AUTHENTICATION, provider.key_missing, should_retry=False)


class _Kept:
    """An upstream and how many requests are using it."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.users = 0
        self.is_retired = False


class Lease:
    """The right to use an upstream for one attempt; release it once."""

    def __init__(self, kept: _Kept) -> None:
        self._kept = kept
        kept.users += 1

    @property
    def upstream(self) -> Upstream:
        """The upstream."""
        return self._kept.upstream

    async def release(self) -> None:
        """Gives the upstream back; the last user of a retired one closes it."""
        self._kept.users -= 1
        if self._kept.is_retired and not self._kept.users:
            await self._kept.upstream.aclose()


class Connections:
    """All upstream clients."""

    def __init__(self, make: UpstreamFactory) -> None:
        self._make = make
        self._kept: dict[ProviderConfig, _Kept] = {}

    async def lease(self, provider: ProviderConfig) -> Lease:
        """Returns the right to use the provider's upstream."""
        kept = self._kept.get(provider)
        if kept is None:
            await asyncio.to_thread(preload, provider)
            kept = self._kept.get(provider)  # another request may have made it meanwhile
        if kept is None:
            kept = self._kept[provider] = _Kept(self._make(provider))
        return Lease(kept)

    async def retire_others(self, providers: Mapping[str, ProviderConfig]) -> None:
        """Closes the upstreams of all providers that are not in `providers`, once nobody uses them."""
        current = {
            with_key(each, index) for each in providers.values() for index in range(len(keys_of(each)))
        }
        for provider in [each for each in self._kept if each not in current]:
            kept = self._kept.pop(provider)
            kept.is_retired = True
            if not kept.users:
                await kept.upstream.aclose()

    async def aclose(self) -> None:
        """Closes every upstream."""
        await self.retire_others({})
