"""Holds sub-conversations for the tool Task: a request of our own through the same loop.

A sub-conversation has at most what its parent has: the parent's token, workspace and mode, the tools the
parent may call here, and consents given for the parent's conversation. Nobody but the model sees it; what it
costs is booked as a request of its own, and its steps carry the parent's `tool_chain` with its own id behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from proxy.context import NewId
from proxy.messages.errors import ApiError
from proxy.messages.message import JsonObject, Message
from proxy.messages.request import MessageParam, MessagesRequest, TextParam
from proxy.messages.wire import write_json
from proxy.permissions.tool_names import canonical
from proxy.service.answer_schema import text_of
from proxy.service.messages import MessagesService
from proxy.service.own_tools import ModelCall, ToolPlan
from proxy.service.parents import PARENT, Parent
from proxy.service.record import Announcer, RequestRecord
from proxy.service.server_tools import KnownText
from proxy.service.tool_door import Prepared, ToolDoor
from proxy.service.toolsets import ToolsetTool, with_tools
from proxy.tools.base import Tool, ToolOutput, ToolScope
from proxy.tools.conversation import Conversation
from proxy.tools.errors import ToolError
from proxy.tools.run_values import RunScope
from proxy.tools.task import SubConversation

MAX_DEPTH = 2
"""A client's conversation may start one, and that may start one more."""
MAX_RUNNING = 8
"""Sub-conversations at the same time, of all clients together."""

_AGENT = "Agent"
_SYSTEM = (
    "You work on one task for another conversation, of which you see nothing. Use your tools as far as the "
    "task needs them, and end with one report that says everything the other conversation must know: it gets "
    "nothing but your last text. Nobody can answer questions; decide yourself and say what you decided."
)


class SubConversations:
    """Starts conversations below those that run."""

    def __init__(
        self,
        service: Callable[[], MessagesService],
        announcer: Callable[[], Announcer],
        new_id: NewId,
    ) -> None:
        """Makes it.

        Args:
            service: Serves messages now.
            announcer: Whom records tell.
            new_id: Makes ids.
        """
        self._service = service
        self._announcer = announcer
        self._new_id = new_id
        self._places = asyncio.Semaphore(MAX_RUNNING)

    async def run(self, asked: SubConversation, scope: ToolScope) -> ToolOutput:
        """Holds a sub-conversation to its end and returns what its model said last.

        Raises:
            ToolError: It may not begin, or came to nothing.
        """
        parent = PARENT.get()
        if parent is None or parent.scope.context.request_id != scope.request_id:
            raise ToolError("Sub-conversations can be started by a model's own call only.")
        service = self._service()
        door = service.tools
        if door is None:
            raise ToolError("Sub-conversations are switched off.")
        if parent.depth >= MAX_DEPTH:
            raise ToolError(f"Sub-conversations may not be nested deeper than {MAX_DEPTH}. Do the work here.")
        if parent.depth > 0:  # its parent has a place already, and waits
            return await self._held(service, door, parent, asked)
        async with self._places:
            return await self._held(service, door, parent, asked)

    async def _held(
        self, service: MessagesService, door: ToolDoor, parent: Parent, asked: SubConversation
    ) -> ToolOutput:
        child = await self._child(service, door, parent, asked)
        context = child.scope.context
        with structlog.contextvars.bound_contextvars(
            request_id=context.request_id, conversation_id=context.conversation_id, agent_type=asked.agent
        ):
            return await self._recorded(service, door, child)

    async def _recorded(self, service: MessagesService, door: ToolDoor, child: _Child) -> ToolOutput:
        record = RequestRecord(child.scope.context, self._announcer(), {})
        body = child.request.model_dump(exclude_unset=True)
        record.start(model=child.request.model, stream=False, body=write_json(body))
        status, failure = 500, None
        try:
            message = await self._answered(service, child, record)
            status = 200
            record.client_told(write_json(message))
        except ApiError as error:
            record.error, status = error, error.status
            raise ToolError(f"The sub-conversation failed: {error.message}") from error
        except BaseException as exc:
            failure = exc
            raise
        finally:
            record.finish(status, failure)
            door.conversations.end(child.scope.conversation)
        return _report(message)

    async def _answered(self, service: MessagesService, child: _Child, record: RequestRecord) -> Message:
        route = await service.route(child.request, {}, child.scope.context)
        return await service.hold(child.prepared(), route, record)

    async def _child(
        self, service: MessagesService, door: ToolDoor, parent: Parent, asked: SubConversation
    ) -> _Child:
        context = replace(
            parent.scope.context,
            request_id=self._new_id("req_"),
            conversation_id=self._new_id("sub_"),
            request_class="subagent",
            agent_type=asked.agent,
            agent_id=None,
        )
        own = door.conversations.get(context.token_name, context.conversation_id, context.request_id)
        _inherit(own, parent.scope.conversation)
        depth = parent.depth + 1
        names = parent.tools if depth < MAX_DEPTH else parent.tools - {_AGENT}
        scope = replace(
            parent.scope,
            context=context,
            conversation=own,
            tool_chain=f"{parent.scope.tool_chain}/{context.request_id}",
            only=names,
        )
        tools = [tool for tool in door.catalogue.all() if canonical(tool.name) in names]
        denied = await door.judge.denied_by_name([tool.name for tool in tools], scope.workspace)
        offered = [tool for tool in tools if tool.name not in denied and door.catalogue.is_offered(tool.name)]
        model = service.config.tools.task_alias or parent.model
        request = MessagesRequest(
            model=model,
            max_tokens=parent.max_tokens,
            system=[TextParam(type="text", text=_SYSTEM)],
            messages=[MessageParam(role="user", content=[TextParam(type="text", text=asked.prompt)])],
        )
        request = with_tools(request, offered, door.declarations)
        return _Child(door, request, scope, offered, replace(parent, scope=scope, tools=names, depth=depth))


@dataclass(frozen=True, slots=True)
class _Child:
    """A sub-conversation before its first question."""

    door: ToolDoor
    request: MessagesRequest
    scope: RunScope
    tools: list[Tool]
    parent: Parent
    """What it is to conversations below it."""

    def prepared(self) -> Prepared:
        """Returns it as the loop takes it: all its calls are ours, and those of unknown tools are refused."""
        runner = self.door.runner
        own = {tool.name: ToolsetTool(tool, runner, self.scope, self.parent) for tool in self.tools}
        plan = ToolPlan(own, frozenset())
        owed = Conversation(self.scope.conversation.key)
        return Prepared(self.request, plan, self.scope, _NobodyElse(), owed, KnownText(self.request))


class _NobodyElse:
    """There is no client that could run a call."""

    async def denial(self, call: ModelCall) -> str | None:
        """Returns what the model is told."""
        return f"No such tool available: {call.name}"


def _inherit(own: Conversation, parent: Conversation) -> None:
    """It begins where its parent stands, and exact calls that the user allowed there stay allowed."""
    own.cwd = parent.cwd
    own.allowed_digests |= parent.allowed_digests


def _report(message: Message) -> ToolOutput:
    said = text_of({**message, "content": _last_words(message)}).strip()
    if message["stop_reason"] == "pause_turn":
        return ToolOutput.text(f"{said}\n\n[It was stopped at the limit of rounds or time.]", is_error=True)
    if not said:
        raise ToolError(f"The sub-conversation ended without a report ({message['stop_reason']}).")
    return ToolOutput.text(said)


def _last_words(message: Message) -> list[JsonObject]:
    """The blocks behind the last result: what the model said before is no report."""
    content = message["content"]
    results = [i for i, block in enumerate(content) if str(block.get("type")).endswith("_result")]
    return content[results[-1] + 1 :] if results else content
