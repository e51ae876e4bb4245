"""The desk's part about providers: what the window asks about them becomes edits of the settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from difflib import get_close_matches
from typing import Any, Protocol

from app.configuration import Configuration
from app.secrets import FoundKey, hint
from app.settings import ProviderSettings, name_problem, url_problem
from app.settings_edit import Edit, Put, Remove, Rename
from app.settings_store import OPENROUTER, OPENROUTER_PRESET, OPENROUTER_VARIABLE
from gui.desk import ProviderDraft, ProviderView
from proxy.config import ProviderConfig

_UNKNOWN = FoundKey(None, "not looked up yet")


class ProbeAnswer(Protocol):
    """What a provider's test found."""

    @property
    def is_ok(self) -> bool:
        """It can be reached and takes the key."""
        ...

    @property
    def text(self) -> str:
        """What was found, in a sentence."""
        ...


Probe = Callable[[ProviderConfig], Awaitable[ProbeAnswer]]


class DeskRefusal(Exception):
    """What the user asked for cannot be done; the text says why and what to do."""


class ProviderDesk:
    """Answers about providers from memory, and turns changes into edits."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._removed: dict[str, Mapping[str, Any]] = {}

    def views(self) -> tuple[ProviderView, ...]:
        """Returns the providers in file order, never with a key."""
        if self._configuration.loaded.error is not None:
            return ()
        keys = self._configuration.keys
        return tuple(
            _view(name, each, keys.get(name, _UNKNOWN))
            for name, each in self._configuration.settings.providers.items()
        )

    def save_edits(self, draft: ProviderDraft, replaces: str | None) -> list[Edit]:
        """Returns the edits that add or change a provider.

        Raises:
            DeskRefusal: The draft cannot be used.
        """
        problem = self._draft_problem(draft, replaces)
        if problem is not None:
            raise DeskRefusal(problem)
        is_in_file = self._configuration.has_in_file("providers", replaces or draft.name)
        if not is_in_file:
            return [Put(("providers", draft.name), self._new_section(draft))]
        edits: list[Edit] = []
        if replaces is not None and replaces != draft.name:
            edits += self._rename_edits(replaces, draft.name)
        at = ("providers", draft.name)
        edits += [Put((*at, "dialect"), draft.dialect), Put((*at, "base_url"), draft.base_url)]
        current = self._configuration.settings.providers.get(replaces or draft.name)
        key = self._key_section(draft, current)
        edits.append(Remove((*at, "key")) if key is None else Put((*at, "key"), key))
        return edits

    def remove_edits(self, name: str) -> list[Edit]:
        """Returns the edits that remove a provider.

        Raises:
            DeskRefusal: There is none, or it is not the settings that name it.
        """
        self._require(name)
        if not self._configuration.has_in_file("providers", name):
            raise DeskRefusal(
                f"{name} is there because {OPENROUTER_VARIABLE} is set; unset it and start again"
            )
        self._removed[name] = self._configuration.loaded.document.raw["providers"][name]
        return [Remove(("providers", name))]

    def restore_edits(self, name: str) -> list[Edit]:
        """Returns the edits that put back what `remove_edits` took out.

        Raises:
            DeskRefusal: Nothing of that name was removed, or the name is taken again.
        """
        section = self._removed.get(name)
        if section is None:
            raise DeskRefusal(f"no provider '{name}' was removed since the start")
        if name in self._configuration.settings.providers:
            raise DeskRefusal(f"there is a provider '{name}' already")
        return [Put(("providers", name), section)]

    def key_entry(self, name: str) -> tuple[str, list[Edit]]:
        """Returns the keyring entry of a provider's key, and the edits that must come first.

        A key for OpenRouter is enough to configure it: its address is known.

        Raises:
            DeskRefusal: There is no such provider, or its key is not in the keyring.
        """
        providers = self._configuration.settings.providers
        if name == OPENROUTER and not self._configuration.has_in_file("providers", name):
            return OPENROUTER, [Put(("providers", OPENROUTER), OPENROUTER_PRESET)]
        self._require(name)
        key = providers[name].key
        if key is None or key.keyring is None:
            raise DeskRefusal(
                f"the settings do not keep the key of {name} in the keyring; change the provider first"
            )
        return key.keyring, []

    def _require(self, name: str) -> None:
        providers = self._configuration.settings.providers
        if name not in providers:
            near = get_close_matches(name, providers, n=1)
            raise DeskRefusal(
                f"there is no provider '{name}'" + (f"; did you mean '{near[0]}'?" if near else "")
            )

    def _draft_problem(self, draft: ProviderDraft, replaces: str | None) -> str | None:
        providers = self._configuration.settings.providers
        problem = name_problem(draft.name) or url_problem(draft.base_url)
        if problem is not None:
            return problem
        if replaces is not None and replaces not in providers:
            return f"there is no provider '{replaces}' any more"
        if draft.name in providers and draft.name != replaces:
            return f"there is a provider '{draft.name}' already; choose another name"
        return None

    def _new_section(self, draft: ProviderDraft) -> dict[str, Any]:
        section: dict[str, Any] = {"dialect": draft.dialect, "base_url": draft.base_url}
        key = self._key_section(draft, None)
        return section if key is None else {**section, "key": key}

    def _key_section(
        self, draft: ProviderDraft, current: ProviderSettings | None
    ) -> Mapping[str, str] | None:
        if draft.keep_key and current is not None:
            return current.key.model_dump(exclude_none=True) if current.key is not None else None
        if draft.key_env is not None:
            return {"env": draft.key_env}
        if not draft.needs_key:
            return None
        if current is not None and current.key is not None and current.key.env is None:
            return current.key.model_dump(exclude_none=True)
        return {"keyring": draft.name}

    def _rename_edits(self, old: str, new: str) -> list[Edit]:
        """Renames a provider everywhere the settings speak of it."""
        edits: list[Edit] = [Rename(("providers", old), new)]
        stored = self._configuration.loaded.document
        for alias, section in stored.raw.get("aliases", {}).items():
            candidates: list[dict[str, Any]] = section["candidates"]
            if any(each["provider"] == old for each in candidates):
                renamed = [
                    {**each, "provider": new} if each["provider"] == old else each for each in candidates
                ]
                edits.append(Put(("aliases", alias, "candidates"), renamed))
        if stored.settings.unknown_models and stored.settings.unknown_models.provider == old:
            edits.append(Put(("unknown_models", "provider"), new))
        return edits


def _view(name: str, provider: ProviderSettings, found: FoundKey) -> ProviderView:
    return ProviderView(
        name=name,
        dialect=provider.dialect,
        base_url=provider.base_url,
        key_source=found.source,
        key_hint=hint(found.key),
        has_key=found.key is not None,
        problem=found.problem,
        can_store_key=provider.key is not None and provider.key.keyring is not None,
    )
