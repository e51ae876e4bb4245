"""What the window may ask about MCP servers, with the values it gets back; free of Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from proxy.mcp.values import LogEntry, ServerStatus, ToolChange


@dataclass(frozen=True, slots=True)
class McpDraft:
    """One server as text, to add or change."""

    text: str
    """What the user typed or pasted: YAML or JSON in any shape other programs use, or a command line."""


@dataclass(frozen=True, slots=True)
class McpImportRow:
    """A server found in another program's file or in pasted text."""

    key: str
    """Names it in `import_servers`."""
    source: str
    """`Claude Code`, `pasted` …"""
    file: str
    name: str
    summary: str
    """Its command or address, for people; secrets hidden."""
    yaml: str
    """The entry as it would stand in our file."""
    conflict: Literal["none", "same", "different"]
    """Whether we have one of that name."""
    notes: tuple[str, ...] = ()
    """What is different here, such as a variable that must be set."""


@dataclass(frozen=True, slots=True)
class McpTried:
    """The answer to `try_mcp_tool`."""

    server: str
    tool: str
    text: str
    is_error: bool
    duration_s: float


@dataclass(frozen=True, slots=True)
class McpChanged:
    """Servers, their states or their tools changed; ask `mcp_servers()`."""


class McpDesk(Protocol):
    """The MCP part of the desk. What returns `str | None` says why not, or None when it was taken."""

    def mcp_servers(self) -> tuple[ServerStatus, ...]:
        """Returns the servers in file order."""
        ...

    def mcp_problem(self) -> str | None:
        """Returns why the servers' file cannot be used, with file, line and field."""
        ...

    def start_mcp(self, name: str) -> str | None:
        """Starts a server, also one that failed for good; McpChanged follows."""
        ...

    def stop_mcp(self, name: str) -> str | None:
        """Stops a server."""
        ...

    def restart_mcp(self, name: str) -> str | None:
        """Stops and starts a server."""
        ...

    def restart_failed_mcp(self) -> None:
        """Starts all that failed."""
        ...

    def enable_mcp(self, name: str, *, is_enabled: bool) -> str | None:
        """Says in the file whether the server starts with Signalbox, and starts or stops it."""
        ...

    def approve_mcp(self, name: str, digest: str) -> str | None:
        """Lets exactly what was shown start, from now on."""
        ...

    def reject_mcp(self, name: str) -> str | None:
        """Never starts it, until its entry changes or it is approved after all."""
        ...

    def mcp_changes(self, name: str) -> tuple[ToolChange, ...]:
        """Returns the definitions that changed since they were approved."""
        ...

    def accept_mcp_tools(self, name: str, tools: tuple[str, ...]) -> str | None:
        """Takes the tools as they are now out of quarantine."""
        ...

    def set_mcp_tool(
        self, name: str, tool: str, *, is_enabled: bool | None = None, permission: str | None = None
    ) -> str | None:
        """Switches a tool on or off, or says allow, ask or deny (`default`: as the rules say)."""
        ...

    def try_mcp_tool(self, name: str, tool: str, arguments: str) -> str | None:
        """Calls a tool with a JSON object; McpTried follows. The user's own act: it asks nobody."""
        ...

    def mcp_log(self, name: str) -> tuple[LogEntry, ...]:
        """Returns the lines that are kept, oldest first."""
        ...

    def trace_mcp(self, name: str, *, is_on: bool) -> str | None:
        """Keeps the JSON-RPC messages too, or no more."""
        ...

    def mcp_text(self, name: str | None = None) -> str:
        """Returns a server's entry as YAML, or the whole file."""
        ...

    def save_mcp(self, draft: McpDraft, *, replaces: str | None) -> str | None:
        """Adds servers, or changes one; nothing starts before it was approved."""
        ...

    def remove_mcp(self, name: str) -> str | None:
        """Stops a server and takes its entry out."""
        ...

    def restore_mcp(self, name: str) -> str | None:
        """Puts back the entry removed last under this name."""
        ...

    def read_mcp_text(self, text: str) -> tuple[McpImportRow, ...] | str:
        """Says what pasted text holds, or why it cannot be read."""
        ...

    def find_mcp_imports(self) -> tuple[McpImportRow, ...]:
        """Returns the servers of other programs on this machine."""
        ...

    def read_mcp_bundle(self, path: str) -> tuple[McpImportRow, ...] | str:
        """Says what an `.mcpb` bundle holds, or why it cannot be read."""
        ...

    def import_mcp(
        self, keys: tuple[str, ...], conflicts: Literal["skip", "rename", "replace"]
    ) -> str | None:
        """Takes over what the last reading found under these keys."""
        ...
