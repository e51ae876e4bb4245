"""What is known of a model behind a candidate: its family's profile, and above it the upstream's own list."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.config import ProviderConfig
from proxy.dialects.profiles import Profile, profile_for
from proxy.upstreams.catalogue import Catalogue
from proxy.upstreams.model_entries import ModelEntry
from proxy.upstreams.profile_facts import profile_with


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts about models; never waits for any."""

    catalogue: Catalogue | None = None
    """None: the profiles must do."""

    def entry(self, provider: ProviderConfig, model: str) -> ModelEntry | None:
        """Returns what the upstream's list says of the model, as far as it is known now."""
        return None if self.catalogue is None else self.catalogue.entry(provider, model)

    def profile(self, provider: ProviderConfig, model: str) -> Profile:
        """Returns the profile that requests for the model are encoded by."""
        profile = profile_for(provider.base_url, model)
        if provider.dialect == "anthropic-messages":
            return profile  # nothing is encoded for it
        return profile_with(profile, self.entry(provider, model))
