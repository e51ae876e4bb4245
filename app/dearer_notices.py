"""Tells of aliases that list what they will not use: candidates dearer than their first one."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from pydantic import SecretStr

from app.proxy_config import to_proxy_config
from app.settings import Settings
from proxy.config import Alias, Candidate
from proxy.routing.dearness import Dearer
from proxy.service.prices import dearer_candidates
from proxy.upstreams.catalogue import Catalogue

_log = structlog.get_logger("app.settings")


async def dearer_notices(settings: Settings, catalogue: Catalogue) -> list[str]:
    """Returns a sentence for each alias with candidates that are skipped because they are dearer.

    An alias that says `fall_back_to_dearer`, be it true or false, is one whose owner knows.

    Args:
        settings: The settings in force.
        catalogue: Knows prices from the lists that earlier runs kept; no upstream is asked.
    """
    undecided = {
        name
        for name, each in settings.aliases.items()
        if len(each.candidates) > 1 and "fall_back_to_dearer" not in each.model_fields_set
    }
    if not undecided:
        return []
    config = to_proxy_config(settings, {}, SecretStr(""))
    aliases = [each for each in config.aliases if each.name in undecided]
    listed = {candidate.provider for alias in aliases for candidate in alias.candidates}
    unpriced = [each for name, each in config.providers.items() if name in listed and each.price is None]
    await catalogue.recall(unpriced)
    found = [
        (alias, dearer_candidates(alias.candidates, config, catalogue.known_price_of)) for alias in aliases
    ]
    return [_notice(alias, dearer) for alias, dearer in found if dearer]


async def tell_of_dearer(settings: Settings, catalogue: Catalogue) -> None:
    """Logs the notices, once the program has started."""
    for notice in await dearer_notices(settings, catalogue):
        _log.warning("settings_notice", notice=notice)


def _notice(alias: Alias, dearer: Sequence[Dearer]) -> str:
    cost, they_are = ("costs", "it is") if len(dearer) == 1 else ("cost", "they are")
    return (
        f"the alias {alias.name} lists {_names([each.candidate for each in dearer])}, which {cost} more than "
        f"{_names(dearer[0].than)}; {they_are} only used with fall_back_to_dearer: true"
    )


def _names(candidates: Sequence[Candidate]) -> str:
    return " and ".join(f"{each.provider}/{each.model}" for each in candidates)
