"""What is known of a model behind a candidate: its family's profile, and above it the upstream's own list."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from proxy.config import ProviderConfig
from proxy.dialects.profiles import Profile, profile_for
from proxy.upstreams.catalogue import Catalogue
from proxy.upstreams.model_entries import ModelEntry, Prices
from proxy.upstreams.profile_facts import profile_with

_MAX_PROFILES = 256
"""Any name of a model may be one."""


class ModelFacts:
    """Facts about models; nobody waits for an upstream's list."""

    def __init__(self, catalogue: Catalogue | None = None) -> None:
        """Makes them of the lists, or of the profiles alone where there is no catalogue."""
        self._catalogue = catalogue
        self._is_loaded = False
        self._profiles: dict[tuple[str, str | None, str], tuple[ModelEntry | None, Profile]] = {}

    async def load(self) -> None:
        """Reads the profiles from disk, the first time in a thread; to be awaited before `profile`."""
        if not self._is_loaded:
            await asyncio.to_thread(profile_for, "", "")
            self._is_loaded = True

    async def recall(self, providers: Collection[ProviderConfig]) -> None:
        """Returns once what is kept on disk of these providers' models is known; asks no upstream."""
        if self._catalogue is not None:
            await self._catalogue.recall(providers)

    def entry(self, provider: ProviderConfig, model: str) -> ModelEntry | None:
        """Returns what the upstream's list says of the model, as far as it is known now."""
        return None if self._catalogue is None else self._catalogue.entry(provider, model)

    def price_of(self, provider: ProviderConfig, model: str) -> Prices | None:
        """Returns what the model costs by the upstream's list, where it says so."""
        return None if self._catalogue is None else self._catalogue.price_of(provider, model)

    def profile(self, provider: ProviderConfig, model: str) -> Profile:
        """Returns the profile that requests for the model are encoded by."""
        key, entry = (provider.base_url, provider.kind, model), self.entry(provider, model)
        kept = self._profiles.get(key)
        if kept is not None and kept[0] is entry:
            return kept[1]
        profile = profile_with(profile_for(provider.base_url, model, provider.kind), entry)
        if len(self._profiles) >= _MAX_PROFILES:
            self._profiles.clear()
        self._profiles[key] = entry, profile
        return profile
