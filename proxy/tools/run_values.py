"""For whom and where calls run, and what a runner is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.context import NewId, RequestContext
from proxy.events import EventSink
from proxy.permissions.approval import Approver
from proxy.permissions.values import Mode, PathFacts, Place
from proxy.tools.base import Tool
from proxy.tools.catalogue import Catalogue
from proxy.tools.conversation import Conversation
from proxy.tools.judge import Judge
from proxy.tools.workspaces import OpenedWorkspace, Workspaces


@dataclass(frozen=True, slots=True)
class RunScope:
    """For whom and where calls run; the same for all calls of a turn."""

    context: RequestContext
    conversation: Conversation
    workspace: str | None = None
    """The workspace's name; it is opened when a call needs it."""
    tool_chain: str = ""
    """Names the run of turns that calls belong to, in the log."""
    only: frozenset[str] | None = None
    """Canonical names of the only tools that may be called, in a sub-conversation; None: all."""
    mode: Mode | None = None
    """None: the mode that is set."""
    instead: Tool | None = None
    """Runs under its own name instead of the catalogue's tool: one of the API's own tools in a request."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is asked now, and how long."""

    approver: Approver
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a runner needs; handed in."""

    catalogue: Callable[[], Catalogue]
    judge: Judge
    workspaces: Workspaces
    asking: Callable[[], Asking]
    emit: EventSink
    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    """Seconds since the epoch."""
    new_id: NewId
    may_run_commands: Callable[[], bool] = lambda: True
    """False: Signalbox runs as root, and the user did not allow commands to run so too."""


@dataclass(slots=True)
class Site:
    """Where one call is judged and run; held while it does."""

    place: Place
    opened: OpenedWorkspace | None = None
    problem: str | None = None
    """Why there is no workspace although one is named."""
    seen: list[PathFacts] = field(default_factory=list[PathFacts])
    """What the paths of the call were when it was last judged."""
