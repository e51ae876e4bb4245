"""Names in the settings that must be there: aliases of routes, workspaces of tokens, conditions we know."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TypeAlias

from app.settings import ConditionSettings, Settings

Problem: TypeAlias = tuple[tuple[str | int, ...], str]
"""Where it stands, and a sentence for people."""


def reference_problem(settings: Settings) -> Problem | None:
    """Returns where the settings name what is not there, and why that cannot work."""
    return _route_problem(settings) or next(_workspace_problems(settings), None)


def _route_problem(settings: Settings) -> Problem | None:
    """A condition that nobody checks would make a rule hold for every request, so it is not let pass."""
    for index, rule in enumerate(settings.routes):
        for name in rule.when.model_extra or {}:
            known = tuple(ConditionSettings.model_fields)
            near = get_close_matches(str(name), known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(known)}"
            return ("routes", index, "when", str(name)), f"no condition '{name}'; {hint}"
        if rule.use not in settings.aliases:
            near = get_close_matches(rule.use, settings.aliases, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "name one of the aliases"
            return ("routes", index, "use"), f"no alias '{rule.use}'; {hint}"
    return None


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
