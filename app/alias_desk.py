"""The desk's part about aliases: what the window asks about them becomes edits of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from app.configuration import Configuration
from app.provider_desk import DeskRefusal
from app.settings import name_problem
from app.settings_edit import Edit, Put, Remove, Rename
from app.settings_store import shipped_settings
from gui.desk import AliasView, CandidateView, Resolution
from gui.spending import DearerView
from proxy.config import Candidate, ProxyConfig
from proxy.messages.errors import ClientError
from proxy.routing.aliases import Route
from proxy.routing.conditions import outlook
from proxy.service.prices import PriceOf, affordable, dearer_candidates


class AliasDesk:
    """Answers about aliases from memory, and turns changes into edits."""

    def __init__(self, configuration: Configuration, price_of: PriceOf) -> None:
        self._configuration = configuration
        self._price_of = price_of
        self._removed: dict[str, Mapping[str, Any]] = {}

    def views(self) -> tuple[AliasView, ...]:
        """Returns the aliases in file order."""
        return tuple(
            AliasView(
                name,
                each.match,
                tuple(CandidateView(one.provider, one.model) for one in each.candidates),
                each.fall_back_to_dearer,
            )
            for name, each in self._configuration.settings.aliases.items()
        )

    def save_edits(self, alias: AliasView, replaces: str | None) -> list[Edit]:
        """Returns the edits that add or change an alias.

        Raises:
            DeskRefusal: It cannot be used.
        """
        problem = self._problem(alias, replaces)
        if problem is not None:
            raise DeskRefusal(problem)
        edits = self._written_out()
        if replaces is not None and replaces != alias.name:
            edits.append(Rename(("aliases", replaces), alias.name))
            edits += self._renamed_elsewhere(replaces, alias.name)
        at = ("aliases", alias.name)
        before = self._stored_candidates(replaces) if replaces is not None else {}
        candidates = [
            before.get((each.provider, each.model), {"provider": each.provider, "model": each.model})
            for each in alias.candidates
        ]
        section: dict[str, Any] = {"match": list(alias.match), "candidates": candidates}
        if not alias.match and not self._configuration.has_in_file("aliases", replaces or "", "match"):
            del section["match"]
        if alias.falls_back_to_dearer or self._says_dearer(replaces) or self.dearer(alias, replaces):
            # The editor has told what this means: a `false` that is written down is told of no more.
            section["fall_back_to_dearer"] = alias.falls_back_to_dearer
        if replaces is None:
            return [*edits, Put(at, section)]
        return [*edits, *(Put((*at, name), value) for name, value in section.items())]

    def remove_edits(self, name: str) -> list[Edit]:
        """Returns the edits that remove an alias.

        Raises:
            DeskRefusal: There is none of that name.
        """
        if name not in self._configuration.settings.aliases:
            raise DeskRefusal(f"there is no alias '{name}'")
        self._removed[name] = self._section(name)
        return [*self._written_out(), Remove(("aliases", name))]

    def restore_edits(self, name: str) -> list[Edit]:
        """Returns the edits that put back what `remove_edits` took out.

        Raises:
            DeskRefusal: Nothing of that name was removed, or the name is taken again.
        """
        section = self._removed.get(name)
        if section is None:
            raise DeskRefusal(f"no alias '{name}' was removed since the start")
        if name in self._configuration.settings.aliases:
            raise DeskRefusal(f"there is an alias '{name}' already")
        return [*self._written_out(), Put(("aliases", name), section)]

    def resolution(self, config: ProxyConfig, model: str) -> Resolution:
        """Says what a model name would resolve to."""
        if self._configuration.loaded.error is not None:
            return Resolution(
                model, "the settings cannot be used, so every request is refused", is_served=False
            )
        try:
            found = outlook(config, model)
        except ClientError as exc:
            return Resolution(model, f"not served: {exc.message}", is_served=False)
        route = found.route
        chain = self._chain(config, route)
        first = config.providers.get(route.candidates[0].provider)
        is_served = first is None or first.key_missing is None
        text = f"{route.reason} → {chain}" + ("" if is_served else ", but its key is missing")
        return Resolution(model, "; but ".join((text, *found.exceptions)), is_served=is_served)

    def dearer(self, alias: AliasView, replaces: str | None) -> tuple[DearerView, ...]:
        """Returns which of an alias's candidates cost more than its first choice, where prices are known.

        Args:
            alias: As it is typed now.
            replaces: The alias it is to be; candidates keep the weights they have there.
        """
        stored = self._configuration.settings.aliases.get(replaces or "")
        weights = {(one.provider, one.model): one.weight for one in stored.candidates} if stored else {}
        candidates = tuple(
            Candidate(each.provider, each.model, weights.get((each.provider, each.model)))
            for each in alias.candidates
        )
        config = self._configuration.proxy_config()
        found = dearer_candidates(candidates, config, self._price_of) if candidates else ()
        return tuple(
            DearerView(
                _words(each.candidate), " and ".join(map(_words, each.than)), each.costs, each.first_costs
            )
            for each in found
        )

    def _chain(self, config: ProxyConfig, route: Route) -> str:
        """Returns what serves, one after the other, and what is listed there and does not."""
        kept = affordable(route, config, self._price_of).candidates
        chain = ", then ".join(map(_words, kept))
        skipped = [
            f"{_words(each.candidate)} is skipped as dearer: {each.costs} against {each.first_costs}"
            for each in dearer_candidates(route.candidates, config, self._price_of)
            if each.candidate not in kept
        ]
        return f"{chain} ({'; '.join(skipped)})" if skipped else chain

    def _says_dearer(self, name: str | None) -> bool:
        """The file says whether the alias falls back to dearer ones; else nothing need be written of it."""
        return name is not None and self._configuration.has_in_file("aliases", name, "fall_back_to_dearer")

    def _problem(self, alias: AliasView, replaces: str | None) -> str | None:
        aliases = self._configuration.settings.aliases
        problem = name_problem(alias.name)
        if problem is not None:
            return problem
        if replaces is not None and replaces not in aliases:
            return f"there is no alias '{replaces}' any more"
        if alias.name in aliases and alias.name != replaces:
            return f"there is an alias '{alias.name}' already; choose another name"
        if not alias.candidates:
            return "an alias needs at least one provider and model"
        if any(not each.provider.strip() or not each.model.strip() for each in alias.candidates):
            return "each candidate needs a provider and a model"
        if any(not each.strip() for each in alias.match):
            return "a pattern must not be empty"
        return self._provider_problem(alias)

    def _provider_problem(self, alias: AliasView) -> str | None:
        providers = self._configuration.settings.providers
        for each in alias.candidates:
            near = get_close_matches(each.provider, providers, n=1, cutoff=0.75)
            if each.provider not in providers and near:
                return f"there is no provider '{each.provider}'; did you mean '{near[0]}'?"
        return None

    def _renamed_elsewhere(self, name: str, new: str) -> list[Edit]:
        """Tokens that are held to an alias, routes to it and sub-conversations go by its new name."""
        settings = self._configuration.settings
        edits: list[Edit] = [
            Put(("tokens", token, "aliases"), [new if each == name else each for each in held.aliases])
            for token, held in settings.tokens.items()
            if name in held.aliases
        ]
        edits += [
            Put(("routes", place, "use"), new)
            for place, rule in enumerate(settings.routes)
            if rule.use == name
        ]
        return edits if settings.tools.task_alias != name else [*edits, Put(("tools", "task_alias"), new)]

    def _written_out(self) -> list[Edit]:
        """A file that names no aliases uses the shipped ones; before one changes, all are written down."""
        if self._configuration.has_in_file("aliases"):
            return []
        return [
            Put(
                ("aliases",),
                {name: self._section(name) for name in self._configuration.settings.aliases},
            )
        ]

    def _section(self, name: str) -> Mapping[str, Any]:
        """Returns an alias as the file has it, else as a file would have it."""
        if self._configuration.has_in_file("aliases", name):
            section: Mapping[str, Any] = self._configuration.loaded.document.raw["aliases"][name]
            return section
        alias = shipped_settings().settings.aliases[name]  # as the environment does not change them
        candidates = [{"provider": one.provider, "model": one.model} for one in alias.candidates]
        return {"match": list(alias.match), "candidates": candidates}

    def _stored_candidates(self, name: str) -> dict[tuple[str, str], Mapping[str, Any]]:
        """Returns the candidates as the file has them, by what the window shows of them.

        The shown model may be the environment's, and keys that are unknown here are kept.
        """
        shown = self._configuration.settings.aliases[name].candidates
        stored = self._section(name)["candidates"]
        return {(one.provider, one.model): dict(each) for one, each in zip(shown, stored, strict=True)}


def _words(candidate: Candidate) -> str:
    return f"{candidate.provider} / {candidate.model}"
