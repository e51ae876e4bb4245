"""What the message loop is given, and what a request's tools come to before the first model is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import structlog

from proxy.config import Alias, ProviderConfig, ProxyConfig
from proxy.context import RequestContext
from proxy.dialects.own_calls import has_own_calls, open_calls, replayed
from proxy.dialects.profiles import Profile
from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.message import JsonObject
from proxy.messages.request import MessageParam, MessagesRequest, ToolParam
from proxy.permissions.tool_names import canonical
from proxy.permissions.values import ToolCall, Verdict
from proxy.routing.aliases import Route
from proxy.service.mcp_connector import McpConnector
from proxy.service.mcp_wishes import has_servers
from proxy.service.owed_results import joined
from proxy.service.own_tools import CallFilter, OwnTool, ToolPlan
from proxy.service.parents import Parent
from proxy.service.passing import (
    Passing,
    denied_tools,
    has_deny_rules,
    is_judged,
    rule_name,
    without_tools,
)
from proxy.service.server_tools import (
    UNUSED_SETTINGS,
    KnownText,
    Uses,
    WebServerTool,
    as_function,
    is_ours,
    web_tool,
)
from proxy.service.toolsets import (
    Declarations,
    ToolsetTool,
    companions,
    of_the_client,
    undeclared,
    with_tools,
)
from proxy.service.web_door import WebDoor
from proxy.tasks import spawn
from proxy.tools.base import Tool, ToolOutput
from proxy.tools.catalogue import Catalogue
from proxy.tools.conversation import Conversation, Conversations
from proxy.tools.judge import Judge
from proxy.tools.run_values import RunScope
from proxy.tools.runner import ToolRunner
from proxy.tools.workspaces import WorkspaceRefused, workspace_name

if TYPE_CHECKING:  # they load parsers of pages and the MCP SDK, which few requests need
    from proxy.mcp.gateway_values import McpServers
    from proxy.mcp.remote_visit import RemoteVisit
    from proxy.tools.web.reader import WebReader
    from proxy.tools.web.searcher import WebSearcher

_log = structlog.get_logger("proxy.service")

_NAMELESS = ""
"""The conversation of clients that name none: what is owed to them is kept under it."""
_AUXILIARY = "auxiliary"
"""Requests of this class serve the client itself (a title, a summary) and get no further tools."""


def _no_servers() -> McpServers | None:
    return None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request whose tools need us."""

    kept: MessagesRequest
    """With the calls of ours as the client keeps them."""
    plan: ToolPlan
    scope: RunScope
    passing: CallFilter | None
    owed: Conversation
    """Where results are kept that the client's next turn must carry."""
    known: KnownText
    """What addresses may be fetched from."""
    pending: Sequence[JsonObject] = ()
    """Calls of the API's own tools that an earlier answer left open, as blocks; they are run first."""
    visits: Sequence[RemoteVisit] = ()
    """Remote MCP servers that are asked as long as the request lasts."""

    def request(self, results: Sequence[JsonObject] = ()) -> MessagesRequest:
        """Returns the request as the upstream is asked.

        Args:
            results: Of the pending calls, as blocks.
        """
        if not results:
            return replayed(self.kept)
        late = MessageParam.model_validate({"role": "assistant", "content": [*results]})
        return replayed(self.kept.model_copy(update={"messages": [*self.kept.messages, late]}))


@dataclass(frozen=True, slots=True)
class ToolDoor:
    """The tools as the message loop reaches them."""

    judge: Judge
    runner: ToolRunner
    catalogue: Catalogue
    conversations: Conversations
    searcher: WebSearcher | None = None
    reader: WebReader | None = None
    declarations: Declarations = field(default_factory=Declarations)
    mcp_servers: Callable[[], McpServers | None] = _no_servers
    """The MCP servers that run now."""

    def concerns(
        self, config: ProxyConfig, request: MessagesRequest, route: Route, context: RequestContext
    ) -> bool:
        """Whether anything of a request is the loop's; the answers of all others pass as they come."""
        policy = self.judge.policy
        if policy.rules and has_deny_rules(policy):
            return True
        alias = alias_of(config, route)
        if alias is not None and (alias.toolsets or alias.tools_run_in == "proxy"):
            return True
        if has_servers(request) and self._connector.concerns(config, request, route):
            return True
        for tool in request.tools or ():
            if tool.type is not None and web_tool(tool) is not None:
                return True
        kept = self.conversations.find(context.token_name, context.conversation_id or _NAMELESS)
        return (kept is not None and bool(kept.owed_results)) or has_own_calls(request)

    async def prepared(
        self,
        config: ProxyConfig,
        request: MessagesRequest,
        route: Route,
        context: RequestContext,
        facts: Iterable[tuple[ProviderConfig, Profile]],
    ) -> Prepared:
        """Returns what a request comes to.

        Raises:
            ClientError: It demands a tool that is denied, or names a workspace it cannot have.
        """
        owed = self._owed(context)
        scope = self._scope(config, context)
        whole = joined(request, owed.owed_results)
        pending = open_calls(whole)
        text = KnownText(request)
        visits: list[RemoteVisit] = []
        try:
            asked, plan = await self._planned(config, whole, route, scope, list(facts), text, visits)
        except BaseException:
            _leave(visits)
            raise
        has_tools = _has_tools(request, plan.own)
        passing = self._passing(request, scope, has_tools=has_tools) if plan.free is not None else None
        return Prepared(asked, plan, scope, passing, owed, text, pending, visits)

    def release(self, prepared: Prepared) -> None:
        """Ends what a request's tools hold, where nothing but the request could come back to it."""
        _leave(prepared.visits)
        if prepared.scope.context.conversation_id is None:
            self.conversations.end(prepared.scope.conversation)

    # The parts ------------------------------------------------------------------------------

    @property
    def _connector(self) -> McpConnector:
        return McpConnector(self.judge, self.runner, self.catalogue, self.mcp_servers)

    def _owed(self, context: RequestContext) -> Conversation:
        return self.conversations.get(
            context.token_name, context.conversation_id or _NAMELESS, context.request_id
        )

    def _scope(self, config: ProxyConfig, context: RequestContext) -> RunScope:
        try:
            workspace = workspace_name(config, context.token_name, context.workspace)
        except WorkspaceRefused as refused:
            raise ClientError(ErrorType.PERMISSION, f"{refused}.") from None
        conversation = self.conversations.get(context.token_name, context.conversation_id, context.request_id)
        return RunScope(context, conversation, workspace, tool_chain=context.request_id)

    async def _planned(
        self,
        config: ProxyConfig,
        request: MessagesRequest,
        route: Route,
        scope: RunScope,
        facts: list[tuple[ProviderConfig, Profile]],
        text: KnownText,
        visits: list[RemoteVisit],
    ) -> tuple[MessagesRequest, ToolPlan]:
        alias, declared = alias_of(config, route), request
        names = [name for name in map(rule_name, request.tools or ()) if name]
        denied = await self.judge.denied_by_name(names, scope.workspace)
        request = without_tools(request, frozenset(denied))
        own: dict[str, OwnTool] = {}
        request = self._web_tools(config, request, scope, facts, own, text)
        if has_servers(request):
            request = await self._connector.declared(config, request, route, scope, own, visits)
        tools: dict[str, Tool] = {}
        if alias is not None and alias.tools_run_in == "proxy":
            tools.update(of_the_client(request.tools or (), self.catalogue))
            beside = await self._allowed(companions(request, tools, self.catalogue), scope)
            tools.update({tool.name: tool for tool in beside})
            request = with_tools(request, beside, self.declarations)
        if alias is not None and alias.toolsets and scope.context.request_class != _AUXILIARY:
            added = await self._toolsets(request, alias, scope)
            tools.update({tool.name: tool for tool in added})
            request = with_tools(request, added, self.declarations)
        names = frozenset(canonical(tool.name) for tool in tools.values())
        parent = Parent(scope, request.model, request.max_tokens, names)
        own.update({name: ToolsetTool(tool, self.runner, scope, parent) for name, tool in tools.items()})
        may_pass = _has_tools(declared, own)
        return request, ToolPlan(own, self._free(request.tools or (), scope.workspace, may_pass=may_pass))

    def _free(
        self, tools: Sequence[ToolParam], workspace: str | None, *, may_pass: bool
    ) -> frozenset[str] | None:
        denied = denied_tools(self.judge.policy_in(workspace))
        if not denied and may_pass:
            return None
        return frozenset(tool.name for tool in tools if tool.name and not is_judged(denied, tool))

    async def _toolsets(self, request: MessagesRequest, alias: Alias, scope: RunScope) -> list[Tool]:
        return await self._allowed(undeclared(request, self.catalogue.offered(alias.toolsets)), scope)

    async def _allowed(self, tools: list[Tool], scope: RunScope) -> list[Tool]:
        denied = frozenset(await self.judge.denied_by_name([tool.name for tool in tools], scope.workspace))
        return [tool for tool in tools if tool.name not in denied]

    def _web_tools(
        self,
        config: ProxyConfig,
        request: MessagesRequest,
        scope: RunScope,
        facts: list[tuple[ProviderConfig, Profile]],
        own: dict[str, OwnTool],
        text: KnownText,
    ) -> MessagesRequest:
        """Puts functions in place of the API's own web tools that we run."""
        declared: list[ToolParam] = []
        for tool in request.tools or ():
            made = self._web_tool(config, tool, scope, facts, text)
            if made is None:
                declared.append(tool)
            else:
                own[tool.name or made.kind] = made
                declared.append(as_function(tool, made.kind))
        return request.model_copy(update={"tools": declared}) if own else request

    def _web_tool(
        self,
        config: ProxyConfig,
        tool: ToolParam,
        scope: RunScope,
        facts: list[tuple[ProviderConfig, Profile]],
        text: KnownText,
    ) -> WebServerTool | None:
        kind = web_tool(tool)
        if kind is None or self.searcher is None or self.reader is None:
            return None
        from proxy.tools.web.engines.choice import is_configured  # noqa: PLC0415 - loads the engines

        search = config.tools.search
        has_rule = is_judged(
            denied_tools(self.judge.policy_in(scope.workspace)), tool
        )  # which no upstream would keep
        if not has_rule and not is_ours(kind, search, is_configured(search), facts):
            return None
        if ("WebSearch" if kind == "web_search" else "WebFetch") in config.tools.switched_off:
            return None
        # The client declared the API's own tool, which asks nobody: what rules ask about is still asked.
        scope = replace(scope, mode="bypassPermissions")
        settings = tool.model_extra or {}
        unused = [name for name in UNUSED_SETTINGS if settings.get(name)]
        if unused:
            _log.info("web_tool_settings_unused", tool=kind, settings=unused)
        most = settings.get("max_uses")
        web = WebDoor(
            self.searcher, self.reader, lambda: self.judge.policy, partial(self.runner.judge, scope=scope)
        )
        uses = Uses(most if isinstance(most, int) and most > 0 else None)
        return WebServerTool(kind, web, partial(self._run_instead, scope), settings, uses, text)

    async def _run_instead(self, scope: RunScope, call: ToolCall, call_id: str, tool: Tool) -> ToolOutput:
        return await self.runner.run(call, call_id, replace(scope, instead=tool))

    def _passing(self, request: MessagesRequest, scope: RunScope, *, has_tools: bool) -> Passing:
        kinds = {
            tool.name: tool.type or "" for tool in request.tools or () if tool.name and not tool.is_custom
        }
        calls = _ClientCalls(self.runner, replace(scope, mode="default"))
        return Passing(calls, kinds, has_tools=has_tools)


def _has_tools(request: MessagesRequest, own: Mapping[str, OwnTool]) -> bool:
    """Whether a client can run calls itself: it declared tools that we do not run, or we run none."""
    return not own or any(tool.name not in own for tool in request.tools or ())


@dataclass(frozen=True, slots=True)
class _ClientCalls:
    """Judges and announces calls that are the client's to run."""

    runner: ToolRunner
    scope: RunScope

    async def judge(self, call: ToolCall) -> Verdict:
        return await self.runner.judge(call, self.scope)

    def refused(self, call: ToolCall, call_id: str, verdict: Verdict) -> str:
        output = self.runner.note_client_call(call, call_id, self.scope, replace(verdict, decision="deny"))
        return "\n".join(str(block.get("text", "")) for block in output.content)

    def passed(self, call: ToolCall, call_id: str, verdict: Verdict) -> None:
        reason = f"left to the client: {verdict.reason}"
        self.runner.note_client_call(
            call, call_id, self.scope, replace(verdict, decision="allow", reason=reason)
        )


def _leave(visits: Iterable[RemoteVisit]) -> None:
    for visit in visits:
        spawn(visit.aclose(), name="leave an MCP server")


def alias_of(config: ProxyConfig, route: Route) -> Alias | None:
    """Returns the alias that a route came from."""
    name = route.alias
    if name is not None:
        for alias in config.aliases:
            if alias.name == name:
                return alias
    return None
