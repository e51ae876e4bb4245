"""How a connection ended, and whether trying again may help."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.mcp.values import ServerPhase


@dataclass(frozen=True, slots=True)
class End:
    """The end of one start."""

    reason: str
    """For people, in few words."""
    may_retry: bool = True
    phase: ServerPhase = ServerPhase.FAILED
    """How it stands when it is not tried again."""
    came_early: bool = False
    """Its process ended by itself before it was connected."""
