"""The controller's part about providers and their keys; what takes time is answered by an event."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from difflib import get_close_matches

import structlog
from pydantic import SecretStr

from app.configuration import Configuration
from app.desk_changes import DeskChanges
from app.provider_desk import Probe, ProviderDesk
from app.proxy_config import provider_config
from app.proxy_runner import ProxyRunner
from gui.desk import (
    ActionDone,
    AliasesChanged,
    DeskEvent,
    ProviderDraft,
    ProvidersChanged,
    ProviderTested,
    ProviderView,
)
from proxy.events import BreakerChanged
from proxy.tasks import spawn

_log = structlog.get_logger("app.controller")


class ProviderControls:
    """What the window may ask about providers."""

    def __init__(
        self,
        configuration: Configuration,
        changes: DeskChanges,
        probe: Probe,
        announce: Callable[[DeskEvent], None],
        took_over: Callable[..., None],
        runner: ProxyRunner,
    ) -> None:
        """Makes the controls.

        Args:
            configuration: Settings and keys.
            changes: Carries out edits.
            probe: Tests a provider.
            announce: Tells the window.
            took_over: Called with what changed, after keys were looked up anew.
            runner: Has the server that runs.
        """
        self._keyed = configuration
        self._providers = ProviderDesk(configuration)
        self._edits = changes
        self._probe = probe
        self._say = announce
        self._keys_changed = took_over
        self._serving = runner

    def await_keyring(self) -> None:
        """Looks its keys up again when the keyring answers after all: it was unlocked, say."""
        loop = asyncio.get_running_loop()
        self._keyed.secrets.when_late(lambda: self._call_late(loop))

    def providers(self) -> tuple[ProviderView, ...]:
        """Returns the configured providers in file order."""
        return self._providers.views()

    def save_provider(self, draft: ProviderDraft, *, replaces: str | None) -> str | None:
        """Adds or changes a provider; returns why not, or None when it was taken."""
        changed = ProvidersChanged(), AliasesChanged()
        return self._edits.take(
            lambda: self._providers.save_edits(draft, replaces), f"{draft.name} saved", *changed
        )

    def restore_provider(self, name: str) -> str | None:
        """Puts back the provider removed last under this name; returns why not, or None."""
        return self._edits.take(
            lambda: self._providers.restore_edits(name), f"{name} is back", ProvidersChanged()
        )

    def remove_provider(self, name: str) -> str | None:
        """Removes a provider from the settings (its key stays in the keyring); returns why not, or None."""
        return self._edits.take(
            lambda: self._providers.remove_edits(name), f"{name} removed", ProvidersChanged()
        )

    def store_key(self, provider: str, key: SecretStr) -> None:
        """Puts the key into the OS keyring; answered by ActionDone or ActionFailed, and ProvidersChanged."""
        spawn(
            self._edits.reporting(self._store_key(provider, key), f"The key of {provider} was not stored"),
            name="store a key",
        )

    def delete_key(self, provider: str) -> None:
        """Takes the key out of the OS keyring; answered likewise."""
        spawn(
            self._edits.reporting(self._delete_key(provider), f"The key of {provider} was not deleted"),
            name="delete a key",
        )

    def test_provider(self, name: str) -> None:
        """Asks the upstream whether it can be reached and takes the key; answered by ProviderTested."""
        spawn(self._test(name), name="test a provider")

    def breakers(self) -> tuple[BreakerChanged, ...]:
        """Returns the models that are left alone now, and why."""
        server = self._serving.server
        return () if server is None else server.breakers()

    def reset_breakers(self, provider: str, model: str | None = None) -> str | None:
        """Has a provider's models tried again at once, or one of them; returns why not, or None."""
        server = self._serving.server
        if server is None:
            return "the proxy does not run"
        meant = provider if model is None else f"{model} of {provider}"
        if not server.reset_breakers(provider, model):
            if provider not in self._keyed.settings.providers:
                near = get_close_matches(provider, self._keyed.settings.providers, n=1)
                return f"there is no provider '{provider}'" + (f"; did you mean '{near[0]}'?" if near else "")
            return f"nothing of {meant} is left alone"
        _log.info("breakers_reset", provider=provider, model=model)
        self._say(ActionDone(f"{meant} is tried again"))
        return None

    async def _store_key(self, provider: str, key: SecretStr) -> None:
        entry, first = self._providers.key_entry(provider)
        await asyncio.to_thread(self._keyed.secrets.put, entry, key)
        self._keyed.redactor.know([key.get_secret_value()])
        if first:
            await asyncio.to_thread(self._keyed.apply, first)
        await self._refresh_keys()
        _log.info("key_stored", provider=provider)
        self._say(ActionDone(f"The key of {provider} is in the keyring"))

    async def _delete_key(self, provider: str) -> None:
        entry, _first = self._providers.key_entry(provider)
        was_there = await asyncio.to_thread(self._keyed.secrets.delete, entry)
        await self._refresh_keys()
        _log.info("key_deleted", provider=provider)
        text = f"The key of {provider} is deleted" if was_there else f"The keyring had no key of {provider}"
        self._say(ActionDone(text))

    async def _test(self, name: str) -> None:
        settings = self._keyed.settings.providers.get(name)
        found = self._keyed.keys.get(name)
        if settings is None or found is None:
            why = "there is no such provider" if settings is None else "its key is still being looked up"
            self._say(ProviderTested(name, is_ok=False, text=why))
            return
        answer = await self._probe(provider_config(name, settings, found))
        self._say(ProviderTested(name, answer.is_ok, self._keyed.redactor.text(answer.text)))

    async def _refresh_keys(self) -> None:
        await asyncio.to_thread(self._keyed.find_keys)
        self._keys_changed(ProvidersChanged())

    def _call_late(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the program ends
            loop.call_soon_threadsafe(self._refresh_later)

    def _refresh_later(self) -> None:
        action = self._edits.reporting(self._refresh_keys(), "The keys could not be looked up")
        spawn(action, name="look up keys again")
