"""The MCP part of the fake desk: servers, their logs and what other programs have, in lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from gui.desk import DeskEvent
from gui.mcp_desk import McpChanged, McpDraft, McpImportRow, McpTried
from proxy.mcp.values import LogEntry, ServerPhase, ServerStatus, ToolChange, ToolFacts


class FakeMcp:
    """Implements `gui.mcp_desk.McpDesk`; `mcp_calls` says what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.mcp_calls: list[str] = []
        self.mcp_refusal: str | None = None
        self.server_list: list[ServerStatus] = []
        self.mcp_problem_now: str | None = None
        self.mcp_changed_tools: dict[str, tuple[ToolChange, ...]] = {}
        self.mcp_logs: dict[str, list[LogEntry]] = {}
        self.mcp_texts: dict[str, str] = {}
        self.mcp_drafts: list[tuple[str, str | None]] = []
        self.mcp_answer: McpTried | None = None
        self.import_rows: tuple[McpImportRow, ...] = ()
        self.text_rows: dict[str, tuple[McpImportRow, ...] | str] = {}
        self.mcp_removed: dict[str, ServerStatus] = {}

    def announce(self, *events: DeskEvent) -> None:
        """Tells every listener."""
        raise NotImplementedError

    def change_server(self, name: str, change: Callable[[ServerStatus], ServerStatus]) -> None:
        """Changes a server and says so."""
        self.server_list = [change(each) if each.name == name else each for each in self.server_list]
        self.announce(McpChanged())

    def _asked(self, what: str) -> str | None:
        self.mcp_calls.append(what)
        return self.mcp_refusal

    def _phase(self, what: str, name: str, phase: ServerPhase) -> str | None:
        refusal = self._asked(f"{what} {name}")
        if refusal is None:
            self.change_server(name, lambda server: replace(server, phase=phase, reason=""))
        return refusal

    # gui.mcp_desk.McpDesk -------------------------------------------------------------------

    def mcp_servers(self) -> tuple[ServerStatus, ...]:
        return tuple(self.server_list)

    def mcp_problem(self) -> str | None:
        return self.mcp_problem_now

    def start_mcp(self, name: str) -> str | None:
        return self._phase("start", name, ServerPhase.STARTING)

    def stop_mcp(self, name: str) -> str | None:
        return self._phase("stop", name, ServerPhase.STOPPED)

    def restart_mcp(self, name: str) -> str | None:
        return self._phase("restart", name, ServerPhase.STARTING)

    def restart_failed_mcp(self) -> None:
        self.mcp_calls.append("restart_failed")
        for server in self.server_list:
            if server.phase is ServerPhase.FAILED:
                self.change_server(server.name, lambda each: replace(each, phase=ServerPhase.STARTING))

    def enable_mcp(self, name: str, *, is_enabled: bool) -> str | None:
        phase = ServerPhase.STARTING if is_enabled else ServerPhase.DISABLED
        refusal = self._phase(f"enable {is_enabled}", name, phase)
        if refusal is None:
            self.change_server(name, lambda server: replace(server, is_enabled=is_enabled))
        return refusal

    def approve_mcp(self, name: str, digest: str) -> str | None:
        return self._phase(f"approve {digest}", name, ServerPhase.STARTING)

    def reject_mcp(self, name: str) -> str | None:
        return self._phase("reject", name, ServerPhase.REJECTED)

    def mcp_changes(self, name: str) -> tuple[ToolChange, ...]:
        return self.mcp_changed_tools.get(name, ())

    def accept_mcp_tools(self, name: str, tools: tuple[str, ...]) -> str | None:
        refusal = self._asked(f"accept {name} {' '.join(tools)}")
        if refusal is None:
            self.mcp_changed_tools[name] = tuple(c for c in self.mcp_changes(name) if c.name not in tools)
            for tool in tools:
                self._change_tool(name, tool, lambda each: replace(each, quarantine=None))
        return refusal

    def set_mcp_tool(
        self, name: str, tool: str, *, is_enabled: bool | None = None, permission: str | None = None
    ) -> str | None:
        refusal = self._asked(f"tool {name} {tool} {is_enabled} {permission}")
        if refusal is not None:
            return refusal

        def change(each: ToolFacts) -> ToolFacts:
            if is_enabled is not None:
                each = replace(each, is_enabled=is_enabled)
            if permission is not None:
                wanted = None if permission == "default" else permission
                each = replace(each, permission=wanted)
            return each

        self._change_tool(name, tool, change)
        return None

    def _change_tool(self, name: str, tool: str, change: Callable[[ToolFacts], ToolFacts]) -> None:
        self.change_server(
            name,
            lambda server: replace(
                server, tools=tuple(change(t) if t.name == tool else t for t in server.tools)
            ),
        )

    def try_mcp_tool(self, name: str, tool: str, arguments: str) -> str | None:
        refusal = self._asked(f"try {name} {tool} {arguments}")
        if refusal is None and self.mcp_answer is not None:
            self.announce(replace(self.mcp_answer, server=name, tool=tool))
        return refusal

    def mcp_log(self, name: str) -> tuple[LogEntry, ...]:
        return tuple(self.mcp_logs.get(name, ()))

    def trace_mcp(self, name: str, *, is_on: bool) -> str | None:
        refusal = self._asked(f"trace {name} {is_on}")
        if refusal is None:
            self.change_server(name, lambda server: replace(server, is_traced=is_on))
        return refusal

    def mcp_text(self, name: str | None = None) -> str:
        return self.mcp_texts.get(name or "", "")

    def save_mcp(self, draft: McpDraft, *, replaces: str | None) -> str | None:
        self.mcp_drafts.append((draft.text, replaces))
        return self._asked(f"save replaces {replaces}")

    def remove_mcp(self, name: str) -> str | None:
        refusal = self._asked(f"remove {name}")
        if refusal is None:
            self.mcp_removed = {each.name: each for each in self.server_list if each.name == name}
            self.server_list = [each for each in self.server_list if each.name != name]
            self.announce(McpChanged())
        return refusal

    def restore_mcp(self, name: str) -> str | None:
        refusal = self._asked(f"restore {name}")
        if refusal is None:
            self.server_list.append(self.mcp_removed.pop(name))
            self.announce(McpChanged())
        return refusal

    def read_mcp_text(self, text: str) -> tuple[McpImportRow, ...] | str:
        return self.text_rows.get(text, "This is neither YAML, JSON nor a command.")

    def find_mcp_imports(self) -> tuple[McpImportRow, ...]:
        self.mcp_calls.append("find_imports")
        return self.import_rows

    def read_mcp_bundle(self, path: str) -> tuple[McpImportRow, ...] | str:
        self.mcp_calls.append(f"bundle {path}")
        return self.text_rows.get(path, f"{path} is no bundle.")

    def import_mcp(
        self, keys: tuple[str, ...], conflicts: Literal["skip", "rename", "replace"]
    ) -> str | None:
        return self._asked(f"import {' '.join(keys)} {conflicts}")
