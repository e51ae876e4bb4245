"""The tools of the catalogue as the window shows them."""

from __future__ import annotations

from collections.abc import Mapping

from app.decision_book import Counts
from app.rule_desk import RuleDesk
from gui.permission_desk import Effect, ToolView
from proxy.permissions.tool_names import canonical
from proxy.tools.base import Tool
from proxy.tools.catalogue import Catalogue, tokens_of

_RUNS_UNASKED = frozenset({"Read", "Glob", "Grep", "LS", "NotebookRead", "TodoRead", "TodoWrite"})
"""Inside a workspace, without any rule."""


def tool_views(catalogue: Catalogue, rules: RuleDesk, counts: Mapping[str, Counts]) -> tuple[ToolView, ...]:
    """Returns the catalogue's tools.

    Args:
        catalogue: The tools.
        rules: What the rules say of them.
        counts: How their calls ended lately, by tool.
    """
    return tuple(_view(tool, catalogue, rules, counts) for tool in catalogue.all())


def _view(tool: Tool, catalogue: Catalogue, rules: RuleDesk, counts: Mapping[str, Counts]) -> ToolView:
    name = canonical(tool.name)
    counted = counts.get(tool.name) or counts.get(name) or Counts()
    return ToolView(
        name=tool.name,
        group=_server_of(tool.name) or tool.group,
        description=_first_sentence(tool.description),
        is_offered=catalogue.is_offered(tool.name),
        default=rules.bare_effect(name) or _without_rule(name),
        rules=rules.rules_named(name),
        allowed=counted.allowed,
        asked=counted.asked,
        denied=counted.denied,
        tokens=tokens_of(tool),
    )


def _server_of(name: str) -> str | None:
    return name.split("__")[1] if name.startswith("mcp__") and name.count("__") > 1 else None


def _without_rule(name: str) -> Effect:
    return "allow" if name in _RUNS_UNASKED else "ask"


def _first_sentence(text: str) -> str:
    line = text.strip().partition("\n")[0]
    head, dot, _rest = line.partition(". ")
    return head + "." if dot else line
