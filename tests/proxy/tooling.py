"""A proxy whose tools are made for a test: who runs them, under which rules, and what they were given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from proxy.config import DialectName, PermissionConfig, ProxyConfig, RuleSource
from proxy.dialects.unfold import unfold
from proxy.messages.events import StreamEvent
from proxy.messages.fold import fold
from proxy.messages.message import JsonObject
from proxy.messages.sse import encode_event
from proxy.messages.stream_state import StreamState
from proxy.permissions.approval import ApprovalRequest
from proxy.permissions.values import ToolCall
from proxy.server.limits import Limits
from proxy.service.tool_desk import Host
from proxy.tools.base import Tool, ToolGroup, ToolOutput, ToolScope
from tests.proxy.scripted import (
    BODY,
    DONE,
    HOST,
    USAGE,
    Reply,
    Running,
    ScriptedUpstream,
    delta,
    proxy_config,
    running,
)

Answer = Callable[[Mapping[str, Any]], Awaitable[ToolOutput]]
FIRST: JsonObject = {"role": "user", "content": "hi"}
THINKING: JsonObject = {"type": "thinking", "thinking": "hm", "signature": "c2lnbmF0dXJlLW9mLXRoZS1tb2RlbA=="}


@dataclass(slots=True)
class FakeTool:
    """A tool that says what it was called with."""

    name: str = "TodoWrite"
    group: ToolGroup = "Plan"
    description: str = "Says what it was called with."
    input_schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    may_run_beside_others: bool = True
    timeout_s: float | None = None
    answer: Answer | None = None
    called: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    is_called: asyncio.Event = field(default_factory=asyncio.Event)
    is_cancelled: bool = False

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        self.called.append(dict(arguments))
        self.is_called.set()
        if self.answer is None:
            return ToolOutput.text(f"{self.name} was given {sorted(arguments.items())}")
        try:
            return await self.answer(arguments)
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise


def rules(
    *, allow: Sequence[str] = (), ask: Sequence[str] = (), deny: Sequence[str] = ()
) -> PermissionConfig:
    """Rules under the real client's policy, with nobody to ask."""
    source = RuleSource(allow=tuple(allow), ask=tuple(ask), deny=tuple(deny))
    return PermissionConfig(sources=(source,), approvals="deny")


BUILTIN = ("builtin",)
ALLOWED = rules(allow=["TodoWrite", "Read", "Bash"])


@asynccontextmanager
async def running_tools(
    upstream: ScriptedUpstream,
    config: ProxyConfig | None = None,
    *,
    permissions: PermissionConfig | None = None,
    tools: Sequence[Tool] | None = None,
    keep: Sequence[str] = (),
    host: Host = HOST,
    limits: Limits | None = None,
    toolsets: tuple[str, ...] = (),
    tools_run_in: Literal["client", "proxy"] = "client",
) -> AsyncGenerator[Running]:
    """Starts a proxy over one scripted upstream, whose built-in tools are the test's.

    Args:
        upstream: Answers for the model.
        config: Instead of one provider with the alias `big`.
        permissions: The rules.
        tools: The tools there are; None: the real ones.
        keep: Names of real ones to keep behind them.
        host: The machine, and the web.
        limits: The server's.
        toolsets: Of the alias `big`.
        tools_run_in: Of the alias `big`.
    """
    made = config or proxy_config("one")
    aliases = tuple(
        replace(each, toolsets=toolsets, tools_run_in=tools_run_in) if each.name == "big" else each
        for each in made.aliases
    )
    made = replace(made, aliases=aliases, permissions=permissions or made.permissions)
    async with running({"one": upstream}, made, limits, host=host) as proxy:
        catalogue = proxy.server.tools
        if not catalogue.all():
            is_made = asyncio.Event()
            end = catalogue.watch(is_made.set)
            await asyncio.wait_for(is_made.wait(), 10)
            end()
        if tools is not None:
            kept = [tool for tool in catalogue.all() if tool.name in keep]
            catalogue.replace_builtin([*tools, *kept])
        yield proxy


def call(name: str, arguments: str, call_id: str = "call_1", index: int = 0) -> bytes:
    """One whole tool call in a chunk."""
    function = {"name": name, "arguments": arguments}
    return delta(tool_calls=[{"index": index, "id": call_id, "type": "function", "function": function}])


def calling(*calls: bytes, text: str = "") -> tuple[bytes, ...]:
    """A whole answer that makes calls."""
    said = (delta(role="assistant", content=text),) if text else ()
    return (*said, *calls, delta("tool_calls"), USAGE, DONE)


def declared(*names: str) -> list[JsonObject]:
    """Tools as a client declares them."""
    return [{"name": name, "description": name, "input_schema": {"type": "object"}} for name in names]


def saying(text: str) -> Reply:
    """A whole answer of one text."""
    return Reply((delta(role="assistant", content=text), delta("stop"), USAGE, DONE))


def through(dialect: DialectName) -> ProxyConfig:
    """One provider of a dialect."""
    made = proxy_config("one")
    one = replace(made.providers["one"], dialect=dialect)
    return replace(made, providers={"one": one})


def spoken(*content: JsonObject, stop_reason: str = "tool_use", **usage: int) -> tuple[bytes, ...]:
    """A whole answer of an upstream that speaks the Messages API."""
    message: JsonObject = {
        "id": "msg_up",
        "type": "message",
        "role": "assistant",
        "model": "up",
        "content": list(content),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 7, **usage},
    }
    return tuple(encode_event(event) for event in unfold(message))


def use(name: str, arguments: JsonObject, call_id: str = "toolu_1") -> JsonObject:
    """A call as the Messages API has it."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def read_stream(text: str) -> list[StreamEvent]:
    """The events of a stream, as a client reads them."""
    return [json.loads(each[6:]) for each in text.splitlines() if each.startswith("data: ")]


async def ask(proxy: Running, **more: Any) -> JsonObject:
    """The whole answer to a request."""
    async with proxy.post({**BODY, **more}) as response:
        assert response.status == 200, await response.text()
        return json.loads(await response.text())


async def ask_streamed(proxy: Running, **more: Any) -> JsonObject:
    """The streamed answer, judged event by event and folded."""
    async with proxy.post({**BODY, **more, "stream": True}) as response:
        events = read_stream(await response.text())
    judge = StreamState()
    for event in events:
        judge.advance(event)
    judge.finish()
    return dict(fold(events))


def kinds(message: JsonObject) -> list[str]:
    """What an answer's blocks are."""
    return [block["type"] for block in message["content"]]


def tool_call(request: ApprovalRequest) -> ToolCall:
    """The tool call a question is about."""
    assert isinstance(request.call, ToolCall)
    return request.call


def turn(message: JsonObject) -> JsonObject:
    """An answer as a client sends it back."""
    return {"role": "assistant", "content": message["content"]}
