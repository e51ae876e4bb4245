"""What a tool is: a name, words and a schema for the model, and `run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from proxy.permissions.values import Workspace
    from proxy.tools.conversation import Conversation
    from proxy.tools.guard import WorkspaceGuard

ToolGroup = Literal["Read", "Edit", "Run", "Web", "Plan", "MCP"]
MAX_RESULT_CHARS = 1_000_000
"""A longer result is cut by the runner, and says so."""


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool gives back."""

    content: tuple[Mapping[str, Any], ...]
    """Content blocks as a `tool_result` holds them: text, image, document."""
    is_error: bool = False
    exit_code: int | None = None
    """Of a command."""

    @classmethod
    def text(cls, text: str, *, is_error: bool = False, exit_code: int | None = None) -> ToolOutput:
        """Returns an output of one text."""
        return cls(({"type": "text", "text": text},), is_error, exit_code)


@dataclass(frozen=True, slots=True)
class ToolScope:
    """What a tool is given besides its arguments; the call was judged before."""

    call_id: str
    request_id: str
    conversation: Conversation
    workspace: Workspace | None = None
    guard: WorkspaceGuard | None = None
    """The way to the workspace's files; None without a workspace."""
    cwd: str | None = None
    """The folder the call was judged in: relative paths and commands begin there. None: the tool finds it."""


class Tool(Protocol):
    """One tool of the catalogue."""

    @property
    def name(self) -> str:
        """The name the model calls: `Read`, `mcp__github__get_issue`."""
        ...

    @property
    def group(self) -> ToolGroup:
        """Where the window lists it."""
        ...

    @property
    def description(self) -> str:
        """What the model is told."""
        ...

    @property
    def input_schema(self) -> Mapping[str, Any]:
        """JSON Schema of the arguments; the runner checks them by it before anything else."""
        ...

    @property
    def may_run_beside_others(self) -> bool:
        """Calls of it in one turn may run in parallel: it changes nothing."""
        ...

    @property
    def timeout_s(self) -> float | None:
        """After this many seconds the runner cancels it; None: it keeps its own time (Bash, Task)."""
        ...

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Runs the call.

        Args:
            arguments: Valid by `input_schema`; unknown fields may be there.
            scope: Where it runs.

        Raises:
            ToolError: It could not be done; the text says why and what to do.
        """
        ...
