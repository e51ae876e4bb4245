"""Names in the settings that must be right: routes' aliases, tokens' workspaces, conditions and limits."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import chain
from typing import TypeAlias

from app.settings import ConditionSettings, Settings, unknown_keys

_BUDGETS = "budgets (day_usd, month_usd) stand at the top of the file, in an alias or in a token"
_PRICES = "prices and model_prices stand in a provider"
_PLACES = {
    **dict.fromkeys(("budgets", "day_usd", "month_usd"), _BUDGETS),
    **dict.fromkeys(("prices", "model_prices", "input_usd", "output_usd"), _PRICES),
}
"""Keys about money, and where they count."""
_LIMITS = frozenset({"budgets", "prices", "model_prices"})
_TOKEN_LIMITS = frozenset({"aliases", "workspace"})
"""What a client's token is held to besides."""

Problem: TypeAlias = tuple[tuple[str | int, ...], str]
"""Where it stands, and a sentence for people."""


def reference_problem(settings: Settings) -> Problem | None:
    """Returns where the settings name what is not there, and why that cannot work."""
    problems = chain(_route_problems(settings), _workspace_problems(settings), _limit_problems(settings))
    return next(problems, None)


def _route_problems(settings: Settings) -> Iterator[Problem]:
    """A condition that nobody checks would make a rule hold for every request, so it is not let pass."""
    for index, rule in enumerate(settings.routes):
        for name in rule.when.model_extra or {}:
            known = tuple(ConditionSettings.model_fields)
            near = get_close_matches(str(name), known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(known)}"
            yield ("routes", index, "when", str(name)), f"no condition '{name}'; {hint}"
        if rule.use not in settings.aliases:
            near = get_close_matches(rule.use, settings.aliases, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "name one of the aliases"
            yield ("routes", index, "use"), f"no alias '{rule.use}'; {hint}"


def _workspace_problems(settings: Settings) -> Iterator[Problem]:
    named: list[tuple[tuple[str | int, ...], str | None]] = [
        (("default_workspace",), settings.default_workspace)
    ]
    named += [(("tokens", name, "workspace"), each.workspace) for name, each in settings.tokens.items()]
    for path, name in named:
        if name is not None and name not in settings.workspaces:
            near = get_close_matches(name, settings.workspaces, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "name one of the workspaces"
            yield path, f"no workspace '{name}'; {hint}"
    task = settings.tools.task_alias
    if task is not None and task not in settings.aliases:
        near = get_close_matches(task, settings.aliases, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "name one of the aliases"
        yield ("tools", "task_alias"), f"no alias '{task}'; {hint}"


def _limit_problems(settings: Settings) -> Iterator[Problem]:
    """Yields each unknown key that may be meant to limit something, because then nothing would be limited."""
    for path, near in unknown_keys(settings):
        name = path[-1]
        meant = near if near in _LIMITS or (path[0] == "tokens" and near in _TOKEN_LIMITS) else None
        if meant is not None:
            yield path, f"no setting '{name}'; did you mean '{meant}'?"
        elif near_money := get_close_matches(name, _PLACES, n=1, cutoff=0.75):
            yield path, f"no setting '{name}' here; {_PLACES[near_money[0]]}"
