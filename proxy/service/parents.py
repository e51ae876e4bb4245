"""What a running tool must know of the conversation that called it, to start one below it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from proxy.tools.run_values import RunScope


@dataclass(frozen=True, slots=True)
class Parent:
    """A conversation whose tools run now."""

    scope: RunScope
    model: str
    """The name its client asked for."""
    max_tokens: int
    tools: frozenset[str]
    """Canonical names of the tools it may call here."""
    depth: int = 0
    """0: a client's own; 1: a sub-conversation of it, and so on."""


PARENT: ContextVar[Parent | None] = ContextVar("signalbox_parent", default=None)
"""Set within the task that runs a call."""
