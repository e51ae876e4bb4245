"""The tools of a server as MCP clients reach them at `/mcp`: who calls, in which session, told of changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from proxy.context import NewId, RequestContext
from proxy.mcp.gateway_changes import Changes
from proxy.mcp.gateway_sessions import Session, Sessions
from proxy.mcp.gateway_values import INVALID_REQUEST, McpServers, RpcError
from proxy.mcp.values import ServerPhase
from proxy.permissions.tool_names import canonical
from proxy.permissions.values import ToolCall
from proxy.service.tool_desk import ToolDesk
from proxy.tools.base import Tool, ToolOutput
from proxy.tools.run_values import RunScope
from proxy.tools.workspaces import WorkspaceRefused

if TYPE_CHECKING:
    from proxy.mcp.gateway import Gateway

_ONLY_IN_MESSAGES = frozenset({"Agent"})
"""They need a model's conversation around them."""


class McpDoor:
    """What the HTTP server asks for `/mcp` and `/mcp-servers`."""

    def __init__(
        self, desk: ToolDesk, new_id: NewId, clock: Callable[[], float], redact: Callable[[str], str]
    ) -> None:
        """Makes the door; loads and starts nothing.

        Args:
            desk: The tools, and the MCP servers.
            new_id: Makes ids of sessions and calls.
            clock: Seconds, for idleness.
            redact: Takes secrets out of a text.
        """
        self._desk = desk
        self._new_id = new_id
        self._redact = redact
        self._gateway: Gateway | None = None
        self._lists = self._lists_now()
        self.changes = Changes()
        self.sessions = Sessions(new_id, clock, self._session_ended)
        desk.catalogue.watch(lambda: self.changes.tell("tools"))

    async def gateway(self) -> Gateway:
        """Returns who answers; loads the protocol when it is first asked for."""
        if self._gateway is None:
            self._gateway = await asyncio.to_thread(self._new_gateway)
        return self._gateway

    def rules_changed(self) -> None:
        """Other rules or workspaces count: other tools may be offered."""
        self.changes.tell("tools")

    def servers_changed(self) -> None:
        """Tells clients where servers came or went, or have other resources or prompts."""
        now = self._lists_now()
        if now != self._lists:
            self._lists = now
            self.changes.tell("resources", "prompts")

    def close(self) -> None:
        """Ends all streams that wait for changes, so that the server can stop."""
        self.changes.end_all()

    def status(self) -> list[dict[str, Any]]:
        """Returns how the servers stand, for whoever may read it: no commands, no addresses, no folders."""
        servers = self._servers_now()
        statuses = () if servers is None else servers.statuses()
        return [
            {
                "name": each.name,
                "state": each.phase.value,
                "reason": self._redact(each.reason),  # maybe its last words, and it was given keys
                "tools": sum(self._desk.catalogue.is_offered(tool.full_name) for tool in each.tools),
            }
            for each in statuses
        ]

    # What the gateway asks --------------------------------------------------------------------

    async def tools(self, caller: RequestContext) -> Sequence[Tool]:
        """Returns the tools that are switched on and not denied, in order."""
        await self._desk.made()
        catalogue = self._desk.catalogue
        offered = [
            tool
            for tool in catalogue.all()
            if catalogue.is_offered(tool.name) and canonical(tool.name) not in _ONLY_IN_MESSAGES
        ]
        scope = self._scope(caller)
        names = [tool.name for tool in offered]
        denied = frozenset(await self._desk.door.judge.denied_by_name(names, scope.workspace))
        return [tool for tool in offered if tool.name not in denied]

    async def call(self, name: str, arguments: Mapping[str, Any], caller: RequestContext) -> ToolOutput:
        """Runs a call through the runner: judged, asked about, noted; only cancelled calls raise.

        Raises:
            RpcError: The caller names a workspace that it cannot have.
        """
        scope = self._scope(caller)
        try:
            return await self._desk.runner.run(ToolCall(name, arguments), self._new_id("mcpcall_"), scope)
        finally:
            if caller.conversation_id is None or self.sessions.find(*_owner(caller)) is None:
                # Without a session nobody can say where a conversation begins and ends.
                scope.conversation.allowed_digests.clear()

    def is_waiting(self, caller: RequestContext) -> bool:
        """Tells whether a call of this request waits for the user."""
        return any(each.request_id == caller.request_id for each in self._desk.approvals())

    # The parts --------------------------------------------------------------------------------

    def _scope(self, caller: RequestContext) -> RunScope:
        try:
            return self._desk.scope_of(caller)
        except WorkspaceRefused as refused:
            raise RpcError(INVALID_REQUEST, f"{refused}.") from None

    def _session_ended(self, session: Session) -> None:
        """What the session's tools still hold, such as background commands, ends with it."""
        conversations = self._desk.door.conversations
        conversations.end(conversations.get(session.token_name, session.id, ""))

    def _new_gateway(self) -> Gateway:
        from proxy.mcp.gateway import Gateway  # noqa: PLC0415 - it loads the SDK, which takes a second

        return Gateway(self, self._servers_now)

    def _servers_now(self) -> McpServers | None:
        return self._desk.mcp_servers

    def _lists_now(self) -> tuple[object, ...]:
        servers = self._servers_now()
        statuses = () if servers is None else servers.statuses()
        return tuple(
            (each.name, each.started_at, each.resources, each.prompts)
            for each in statuses
            if each.phase is ServerPhase.CONNECTED
        )


def caller_of(context: RequestContext, client: str, session: Session | None) -> RequestContext:
    """Returns who calls: by the client's own name; without a session all its requests are one conversation.

    Files that were read and commands that run must be known to the next request of the same client.
    """
    name = client or context.client
    conversation = f"mcp:{name}" if session is None else session.id
    return replace(context, client=name, conversation_id=conversation)


def _owner(caller: RequestContext) -> tuple[str, str]:
    return caller.conversation_id or "", caller.token_name
