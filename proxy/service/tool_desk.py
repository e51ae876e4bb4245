"""Makes and keeps what tools need: rules, workspaces, approvals, the runner, the catalogue and the audit.

A change of the configuration swaps rules and workspaces at once, for calls that wait too. Tools are made when
the program starts, in a thread; where aliases run tools, the start waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog

from proxy.config import ProxyConfig, SearchConfig, ToolConfig
from proxy.context import NewId, RequestContext
from proxy.events import EventSink, ToolDecided
from proxy.permissions.approval import ApprovalAnswer, ApprovalRequest
from proxy.permissions.urls import NetworkFacts
from proxy.permissions.values import Mode, ToolCall, Verdict
from proxy.service.audit import Audit, OpenStore, Redact
from proxy.service.tool_door import ToolDoor
from proxy.store.values import StoreError
from proxy.tasks import spawn
from proxy.tools.approvals import ApprovalList, NobodyAsks
from proxy.tools.background import close_shell
from proxy.tools.base import Tool
from proxy.tools.catalogue import Catalogue
from proxy.tools.child_sweep import sweep
from proxy.tools.children import Children
from proxy.tools.conversation import Conversation, Conversations
from proxy.tools.judge import Judge
from proxy.tools.run_values import Asking, RunScope, Surroundings
from proxy.tools.runner import ToolRunner
from proxy.tools.sandbox import Sandbox
from proxy.tools.task import RunConversation
from proxy.tools.web.fetcher import Fetcher
from proxy.tools.web.reader import WebReader
from proxy.tools.web.searcher import WebSearcher
from proxy.tools.workspaces import Machine, Workspaces, workspace_name

if TYPE_CHECKING:
    from proxy.mcp.supervisor import Supervisor

_log = structlog.get_logger("proxy.service")


@dataclass(frozen=True, slots=True)
class Host:
    """What tools must know of the program they run in, and of its machine."""

    machine: Machine
    redact: Redact
    """Takes secrets out of a text, for what is kept."""
    secrets: Callable[[], Iterable[str]] = tuple
    """The stored keys and tokens at this moment: no address and no query may carry one."""
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Signalbox's own variables; children get the harmless ones."""
    children_folder: Path | None = None
    """Where running children are written down for the sweep after a crash."""
    temporary: str = ""
    """Where private temporary folders are made; empty: the system's place."""
    searcher: Callable[[SearchConfig], WebSearcher] | None = None
    """Makes who searches the web; None: the engines of the settings."""
    reader: WebReader | None = None
    """Who reads pages; None: one that fetches them."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time and fresh ids; handed in."""

    clock: Callable[[], float]
    """Seconds, for durations."""
    wall_clock: Callable[[], float]
    """Seconds since the epoch."""
    new_id: NewId


class ToolDesk:
    """The tools of one server."""

    def __init__(
        self,
        config: ProxyConfig,
        host: Host,
        emit: EventSink,
        clocks: Clocks,
        open_audit: OpenStore | None,
        run_conversation: RunConversation | None = None,
    ) -> None:
        """Makes the desk; opens and starts nothing.

        Args:
            config: Rules, workspaces and limits; `apply` changes them.
            host: The program and its machine.
            emit: Is told what was decided and what waits.
            clocks: Time and fresh ids.
            open_audit: Opens the audit on the disk; None: it is not kept.
            run_conversation: Holds the sub-conversations that Task starts; None: there is no Task.
        """
        self._config = config
        self._host = host
        self._emit = emit
        self._run_conversation = run_conversation
        self._audit = Audit(
            config.ledger, redact=host.redact, wall_clock=clocks.wall_clock, open_store=open_audit
        )
        self._list = ApprovalList(emit, clocks.wall_clock)
        self._ending: set[asyncio.Task[None]] = set()
        self._conversations = Conversations(clocks.clock, self._forget)
        self._judge = Judge(config.permissions, self._network)
        self._workspaces = Workspaces(config, host.machine)
        self.catalogue = Catalogue((), config.tools.switched_off)
        """The tools there are; empty until `begin` has made them."""
        self.mcp_servers: Supervisor | None = None
        """What runs the MCP servers; None while there are none."""
        self.runner = ToolRunner(
            Surroundings(
                lambda: self.catalogue,
                self._judge,
                self._workspaces,
                self.asking,
                self._decided,
                clocks.clock,
                clocks.wall_clock,
                clocks.new_id,
                lambda: self._config.tools.may_run_programs,
            )
        )
        self._children = Children(host.environment, host.children_folder)
        self._reader = host.reader or WebReader(Fetcher(self._network))
        self._searcher = self._new_searcher(config)
        self._sandbox = self._new_sandbox()
        self._making: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self.door = self._new_door()
        """The tools as the message loop reaches them; another one after a change of the configuration."""

    async def begin(self) -> None:
        """Makes the tools; returns at once where no alias runs any."""
        making = self._making = spawn(self._make_tools(), name="make the tools")
        self._sweeping = spawn(self._sweep(), name="end what a crash left running")
        if any(alias.toolsets or alias.tools_run_in == "proxy" for alias in self._config.aliases):
            await making

    async def made(self) -> None:
        """Returns once the first tools are made."""
        if self._making is not None:
            await asyncio.wait({self._making})

    def apply(self, config: ProxyConfig) -> None:
        """Uses other rules, workspaces and limits from the next step of any call on."""
        earlier, self._config = self._config, config
        self._judge.apply(config.permissions)
        self._workspaces.apply(config)
        self._audit.apply(config.ledger)
        self.catalogue.switch_off(config.tools.switched_off)
        if config.tools.search != earlier.tools.search:
            spawn(self._searcher.aclose(), name="close the search engine before")
            self._searcher = self._new_searcher(config)
        if (config.tools.sandbox, config.tools.own_paths) != (earlier.tools.sandbox, earlier.tools.own_paths):
            self._sandbox = self._new_sandbox()
        if config.tools != earlier.tools:
            self.door = self._new_door()
            spawn(self._make_tools(), name="make the tools anew")

    def use_mcp(self, servers: Supervisor) -> None:
        """Offers the MCP servers' tools as they are now; to be called after every change of theirs."""
        from proxy.mcp.tools import renew  # noqa: PLC0415 - of use only where there are servers

        self.mcp_servers = servers
        renew(self.catalogue, servers.tools())

    async def flush(self) -> None:
        """Writes the audit; to be called before the store is closed."""
        await self._audit.flush()

    async def close(self) -> None:
        """Ends what tools still run and gives everything back; after `flush`."""
        if self._sweeping is not None:
            await asyncio.wait({self._sweeping})
        self._conversations.close()
        if self._ending:
            await asyncio.wait(self._ending)
        await self._children.aclose()
        await self._searcher.aclose()
        await self._reader.aclose()
        self._workspaces.close()
        await self._audit.close()

    # For whoever shows and answers ------------------------------------------------------------

    def approvals(self) -> tuple[ApprovalRequest, ...]:
        """Returns the calls that wait for the user, oldest first."""
        return self._list.pending()

    def answer_approval(self, approval_id: str, digest: str, answer: ApprovalAnswer) -> ApprovalRequest:
        """Gives the answer to a call that waits, and returns that call.

        Raises:
            AnswerRefused: It waits no more, or is not the one that was shown.
        """
        return self._list.answer(approval_id, digest, answer)

    def asking(self) -> Asking:
        """Returns who asks the user now."""
        permissions = self._config.permissions
        approver = self._list if permissions.approvals == "wait" else NobodyAsks()
        return Asking(approver, permissions.approval_timeout_s)

    async def try_call(
        self, call: ToolCall, workspace: str | None, mode: Mode | None
    ) -> tuple[Verdict, str | None] | str:
        """Judges a call; nothing runs and nobody is asked.

        Args:
            call: The call.
            workspace: Where; None: in the default one, if there is one.
            mode: Instead of the mode that is set.

        Returns:
            The verdict with the narrowest rule that would allow the call, or why it cannot be judged there.
        """
        name = self._config.default_workspace if workspace is None else workspace
        if name is not None:
            problem = await self._workspaces.problem(name)
            if problem is not None:
                return f"{problem[:1].upper()}{problem[1:]}."
        if mode == "bypassPermissions" and self._judge.forbids_bypass(name):
            return "The rules there forbid the mode bypassPermissions (disableBypassPermissionsMode)."
        scope = RunScope(RequestContext(""), Conversation(("", "")), name, mode=mode)
        verdict = await self.runner.judge(call, scope)
        if verdict.decision != "ask":
            return verdict, None
        return verdict, await self.runner.suggestion(call, scope)

    def note(self, decided: ToolDecided) -> None:
        """Keeps a decision in the audit and announces it."""
        self._audit.take(decided)
        self._emit(decided)

    async def decisions(self, text: str = "", limit: int = 500) -> Sequence[ToolDecided]:
        """Returns the latest decisions, newest first, whose tool, call, client or reason holds the text.

        None, where the store cannot be read; the log has said so.
        """
        try:
            return await self._audit.latest(text, limit)
        except StoreError as error:
            _log.info("decisions_unavailable", reason=error.message)
            return ()

    async def decisions_of(self, request_id: str) -> Sequence[ToolDecided]:
        """Returns the decisions about one request's calls, in order.

        None, where the store cannot be read; the log has said so.
        """
        try:
            return await self._audit.of_request(request_id)
        except StoreError as error:
            _log.info("decisions_unavailable", reason=error.message)
            return ()

    async def describe_sandbox(self) -> str:
        """Says what holds commands here, after a trial."""
        await self._sandbox.probe()
        return self._sandbox.describe()

    def scope_of(self, context: RequestContext) -> RunScope:
        """Returns for whom and where calls of a request run.

        Raises:
            WorkspaceRefused: It names a workspace that it cannot have.
        """
        workspace = workspace_name(self._config, context.token_name, context.workspace)
        conversation = self._conversations.get(
            context.token_name, context.conversation_id, context.request_id
        )
        return RunScope(context, conversation, workspace, tool_chain=context.request_id)

    def _forget(self, conversation: Conversation) -> None:
        ending = close_shell(conversation)
        if ending is not None:
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    # The parts --------------------------------------------------------------------------------

    async def _make_tools(self) -> None:
        config = self._config.tools
        tools = await asyncio.to_thread(self._made_tools, config)
        if config is self._config.tools:
            self.catalogue.replace_builtin(tools)

    async def _sweep(self) -> None:
        """Ends the commands of earlier runs that did not end themselves."""
        folder = self._host.children_folder
        ended = 0 if folder is None else await asyncio.to_thread(sweep, folder)
        if ended:
            _log.warning("commands_of_an_earlier_run_ended", processes=ended)

    def _made_tools(self, config: ToolConfig) -> tuple[Tool, ...]:
        from proxy.tools.builtin import Means, builtin_tools  # noqa: PLC0415 - the program's start goes before

        means = Means(
            self._children,
            self._sandbox,
            self._reader,
            self._searcher,
            lambda: self._judge.policy,
            self._host.environment,
            self._host.temporary,
            self._run_conversation,
        )
        return builtin_tools(config, means)

    def _new_searcher(self, config: ProxyConfig) -> WebSearcher:
        if self._host.searcher is not None:
            return self._host.searcher(config.tools.search)
        return WebSearcher(config.tools.search, secrets=self._host.secrets)

    def _new_sandbox(self) -> Sandbox:
        tools = self._config.tools
        return Sandbox(self._children, tools.sandbox, hidden=tools.own_paths)

    def _new_door(self) -> ToolDoor:
        return ToolDoor(
            self._judge,
            self.runner,
            self.catalogue,
            self._conversations,
            self._searcher,
            self._reader,
            mcp_servers=lambda: self.mcp_servers,
        )

    def _network(self) -> NetworkFacts:
        hosts = frozenset(self._config.tools.search.plain_http_hosts)
        return NetworkFacts(tuple(self._host.secrets()), hosts)

    def _decided(self, event: object) -> None:
        if isinstance(event, ToolDecided):
            self.note(event)
