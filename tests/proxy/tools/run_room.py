"""A runner over scripted tools, with real rules, real workspaces and answers from a script."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from proxy.config import PermissionConfig, ProxyConfig, RuleSource, ServerConfig, WorkspaceConfig
from proxy.context import RequestContext
from proxy.events import ProxyEvent, ToolDecided
from proxy.permissions.approval import ApprovalAnswer, ApprovalRequest, Approver
from proxy.permissions.values import ToolCall
from proxy.tools.approvals import ApprovalList
from proxy.tools.base import Tool, ToolGroup, ToolOutput, ToolScope
from proxy.tools.catalogue import Catalogue
from proxy.tools.conversation import Conversation
from proxy.tools.judge import Judge
from proxy.tools.run_values import Asking, RunScope, Surroundings
from proxy.tools.runner import ToolRunner
from proxy.tools.workspaces import Machine, Workspaces

NOW = 1_800_000_000.0
ANY: Mapping[str, Any] = {"type": "object"}
YES = ApprovalAnswer("allow", "window")

Behave = Callable[[Mapping[str, Any], ToolScope], Awaitable[ToolOutput]]


async def fine(_arguments: Mapping[str, Any], _scope: ToolScope) -> ToolOutput:
    return ToolOutput.text("done")


@dataclass(eq=False)
class ScriptedTool:
    """A tool that does as it is told, and remembers its calls."""

    name: str = "Bash"
    input_schema: Mapping[str, Any] = field(default_factory=lambda: ANY)
    timeout_s: float | None = None
    behave: Behave = fine
    group: ToolGroup = "Run"
    description: str = "Does it."
    may_run_beside_others: bool = False
    ran: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    scopes: list[ToolScope] = field(default_factory=list[ToolScope])

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        self.ran.append(dict(arguments))
        self.scopes.append(scope)
        return await self.behave(arguments, scope)


@dataclass
class ScriptedApprover:
    """Answers each question as told, and remembers it; what stands in `during` happens while it is asked."""

    answers: list[ApprovalAnswer] = field(default_factory=list[ApprovalAnswer])
    asked: list[ApprovalRequest] = field(default_factory=list[ApprovalRequest])
    during: Callable[[], None] = lambda: None

    async def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        self.asked.append(request)
        self.during()
        return self.answers.pop(0)


class ManualTimer:
    """Time that only the test moves."""

    def __init__(self) -> None:
        self.now = NOW
        self._due: dict[int, tuple[float, Callable[[], None]]] = {}
        self._numbers = count()

    def clock(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Callable[[], None]) -> Callable[[], object]:
        number = next(self._numbers)
        self._due[number] = self.now + seconds, call
        return lambda: self._due.pop(number, None)

    @property
    def waiting(self) -> int:
        return len(self._due)

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for number, (at, call) in sorted(self._due.items()):
            if at <= self.now:
                self._due.pop(number, None)
                call()


def rules(
    *, allow: Sequence[str] = (), ask: Sequence[str] = (), deny: Sequence[str] = (), **more: Any
) -> PermissionConfig:
    return PermissionConfig(
        sources=(RuleSource(allow=tuple(allow), ask=tuple(ask), deny=tuple(deny)),), **more
    )


class RunRoom:
    """A runner with everything around it."""

    def __init__(
        self,
        *tools: Tool,
        permissions: PermissionConfig | None = None,
        approver: Approver | None = None,
        root: Path | None = None,
        may_run_commands: bool = True,
    ) -> None:
        self.events: list[ProxyEvent] = []
        self.timer = ManualTimer()
        self.list = ApprovalList(self.events.append, self.timer.clock, self.timer.call_later)
        self.approver: Approver = approver or self.list
        self.config = ProxyConfig(
            ServerConfig(SecretStr("x")),
            permissions=permissions or PermissionConfig(),
            workspaces={} if root is None else {"main": WorkspaceConfig("main", str(root))},
        )
        self.judge = Judge(self.config.permissions)
        self.workspaces = Workspaces(self.config, Machine("/home/nobody"))
        self.catalogue = Catalogue(tools)
        self.conversation = Conversation(("local", "conv"))
        self.questions = 0
        """How many calls were asked about."""
        self._asked = asyncio.Event()
        numbers = count(1)
        self.runner = ToolRunner(
            Surroundings(
                lambda: self.catalogue,
                self.judge,
                self.workspaces,
                self._asking,
                self.events.append,
                self.timer.clock,
                self.timer.clock,
                lambda prefix: f"{prefix}{next(numbers)}",
                lambda: may_run_commands,
            )
        )
        self.scope = RunScope(
            RequestContext("req_1", "conv", "tests/1"),
            self.conversation,
            None if root is None else "main",
        )

    async def run(self, tool: str, scope: RunScope | None = None, **arguments: Any) -> ToolOutput:
        return await self.runner.run(ToolCall(tool, arguments), "call_1", scope or self.scope)

    @property
    def decided(self) -> list[ToolDecided]:
        return [event for event in self.events if isinstance(event, ToolDecided)]

    def _asking(self) -> Asking:
        self.questions += 1
        self._asked.set()
        self._asked = asyncio.Event()
        return Asking(self.approver, 120.0)

    async def until_asked(self, calls: int = 1) -> tuple[ApprovalRequest, ...]:
        """Waits until so many calls have been asked about, alone or together; returns the open questions."""
        while self.questions < calls:
            await asyncio.wait_for(self._asked.wait(), 5)
        await asyncio.sleep(0)  # the question's own task begins
        return self.list.pending()


def said(output: ToolOutput) -> str:
    return "\n".join(str(block.get("text")) for block in output.content)
