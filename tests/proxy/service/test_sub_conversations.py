"""Sub-conversations that the tool Task starts: their tools, their rights, their depth, what they cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest
from structlog.typing import EventDict

from proxy.config import PermissionConfig, ProxyConfig, ToolConfig
from proxy.events import RequestFinished, RequestStarted, ToolDecided
from proxy.ids import new_id
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.messages.message import JsonObject
from proxy.service.sub_conversations import SubConversations
from proxy.tasks import spawn
from proxy.tools.base import ToolOutput, ToolScope
from proxy.tools.conversation import Conversation
from proxy.tools.errors import ToolError
from proxy.tools.task import SubConversation
from tests.proxy.scripted import (
    DONE,
    USAGE,
    Reply,
    Running,
    ScriptedUpstream,
    delta,
    proxy_config,
)
from tests.proxy.tooling import FakeTool, ask, call, calling, rules, running_tools, saying

ALLOWED = rules(allow=["TodoWrite"])
TASK = call("Task", '{"description":"look","prompt":"Look at it."}')


def tasked(
    upstream: ScriptedUpstream,
    *tools: FakeTool,
    permissions: PermissionConfig = ALLOWED,
    config: ProxyConfig | None = None,
) -> AbstractAsyncContextManager[Running]:
    """A proxy with these tools and the real Task."""
    return running_tools(
        upstream, config, tools=tools, keep=("Task",), permissions=permissions, toolsets=("builtin",)
    )


def result_of(message: JsonObject) -> tuple[str, bool]:
    block = next(each for each in message["content"] if each["type"] == "mcp_tool_result")
    return block["content"][0]["text"], block["is_error"]


def names(asked: JsonObject) -> list[str]:
    return [tool["function"]["name"] for tool in asked["tools"]]


async def test_a_task_is_a_conversation_of_its_own_whose_last_words_come_back() -> None:
    todo = FakeTool()
    upstream = ScriptedUpstream(
        [
            Reply(calling(TASK)),
            Reply(calling(call("TodoWrite", "{}"), text="I begin.")),
            saying("It is fine."),
            saying("Done."),
        ]
    )
    async with tasked(upstream, todo) as proxy:
        message = await ask(proxy)
    assert result_of(message) == ("It is fine.", False)
    assert len(todo.called) == 1
    child = upstream.asked[1]
    assert [each["role"] for each in child["messages"]] == ["system", "user"]
    assert child["messages"][1]["content"] == "Look at it."
    assert names(child) == ["TodoWrite", "Task"]


async def test_it_is_booked_as_a_request_of_its_own_and_chained_to_its_parent() -> None:
    upstream = ScriptedUpstream([Reply(calling(TASK)), Reply(calling(call("TodoWrite", "{}"))), saying("x")])
    async with tasked(upstream, FakeTool()) as proxy:
        await ask(proxy)
        started, finished = proxy.of(RequestStarted), proxy.of(RequestFinished)
        decided = proxy.of(ToolDecided)
    parent, child = started
    assert [each.request_id for each in finished] == [child.request_id, parent.request_id]
    assert [each.output_tokens for each in finished] == [14, 14]
    assert [(each.tool, each.request_id) for each in decided] == [
        ("TodoWrite", child.request_id),
        ("Task", parent.request_id),
    ]


async def test_its_steps_stand_in_the_log_under_its_own_id_and_its_parents_chain(
    log_events: list[EventDict],
) -> None:
    upstream = ScriptedUpstream([Reply(calling(TASK)), Reply(calling(call("TodoWrite", "{}"))), saying("x")])
    async with tasked(upstream, FakeTool()) as proxy:
        await ask(proxy)
        parent, child = (each.request_id for each in proxy.of(RequestStarted))
    ran = [each for each in log_events if each["event"] == "tool_ran"]
    assert [(each["tool"], each["request_id"], each["tool_chain"]) for each in ran] == [
        ("TodoWrite", child, f"{parent}/{child}"),
        ("Task", parent, parent),
    ]
    finished = [each["request_id"] for each in log_events if each["event"] == "request_finished"]
    assert finished == [child, parent]


async def test_it_is_nested_no_deeper_than_two() -> None:
    deeper = [Reply(calling(TASK)), Reply(calling(TASK)), Reply(calling(TASK)), saying("inner")]
    upstream = ScriptedUpstream([*deeper, saying("middle"), saying("outer")])
    async with tasked(upstream, FakeTool()) as proxy:
        message = await ask(proxy)
    offered = [names(asked) for asked in upstream.asked]
    assert offered[:3] == [["TodoWrite", "Task"], ["TodoWrite", "Task"], ["TodoWrite"]]
    told = upstream.asked[3]["messages"][-1]["content"]
    assert told == "Error: No such tool available: Task"
    assert result_of(message) == ("middle", False)


async def test_it_may_not_call_what_its_parent_may_not() -> None:
    bash = FakeTool("Bash", "Run")
    upstream = ScriptedUpstream(
        [Reply(calling(TASK)), Reply(calling(call("Bash", '{"command":"rm x"}'))), saying("no")]
    )
    denying = rules(allow=["Bash"], deny=["Bash(rm:*)"])
    async with tasked(upstream, bash, permissions=denying) as proxy:
        await ask(proxy)
    assert bash.called == []
    assert "has been denied" in upstream.asked[2]["messages"][-1]["content"]


async def test_a_tool_that_nobody_has_is_refused_and_the_model_goes_on() -> None:
    upstream = ScriptedUpstream([Reply(calling(TASK)), Reply(calling(call("Nope", "{}"))), saying("fine")])
    async with tasked(upstream, FakeTool()) as proxy:
        message = await ask(proxy)
    assert result_of(message) == ("fine", False)


async def test_its_failure_is_an_error_of_the_tool() -> None:
    upstream = ScriptedUpstream(
        [Reply(calling(TASK)), UpstreamError(ErrorType.API, "broken"), saying("Then not.")]
    )
    async with tasked(upstream, FakeTool()) as proxy:
        message = await ask(proxy)
    assert result_of(message) == ("The sub-conversation failed: broken", True)


async def test_one_without_a_word_is_an_error_of_the_tool() -> None:
    silent = Reply((delta("stop"), USAGE, DONE))
    upstream = ScriptedUpstream([Reply(calling(TASK)), silent, saying("Then not.")])
    async with tasked(upstream, FakeTool()) as proxy:
        text, is_error = result_of(await ask(proxy))
    assert (text.startswith("The sub-conversation ended without a report"), is_error) == (True, True)


@pytest.mark.expects_log("tool_loop_paused")
async def test_one_that_reaches_a_limit_says_so() -> None:
    config = replace(proxy_config("one"), tools=ToolConfig(max_rounds=2))
    again = [Reply(calling(call("TodoWrite", "{}", f"call_{n}"), text="More.")) for n in range(2)]
    upstream = ScriptedUpstream([Reply(calling(TASK)), *again, saying("Then not.")])
    async with tasked(upstream, FakeTool(), config=config) as proxy:
        text, is_error = result_of(await ask(proxy))
    assert is_error
    assert "stopped at the limit" in text


async def test_it_is_served_by_the_alias_that_the_settings_name() -> None:
    config = replace(proxy_config("one"), tools=ToolConfig(task_alias="small"))
    upstream = ScriptedUpstream([Reply(calling(TASK)), saying("x")])
    async with tasked(upstream, FakeTool(), config=config) as proxy:
        await ask(proxy)
        started = proxy.of(RequestStarted)
    assert [each.model_asked for each in started] == ["big", "small"]


async def test_a_client_that_leaves_ends_its_sub_conversations() -> None:
    async def answer(arguments: Mapping[str, Any]) -> ToolOutput:
        await asyncio.Event().wait()
        raise AssertionError

    todo = FakeTool(answer=answer)
    upstream = ScriptedUpstream([Reply(calling(TASK)), Reply(calling(call("TodoWrite", "{}")))])
    async with tasked(upstream, todo) as proxy:
        asking = spawn(ask(proxy), name="ask")
        await asyncio.wait_for(todo.is_called.wait(), 5)
        asking.cancel()
        await proxy.events.until(RequestFinished)
    assert todo.is_cancelled
    assert {each.outcome for each in proxy.of(RequestFinished)} == {"cancelled"}


async def test_nobody_but_a_models_own_call_starts_one() -> None:
    def never() -> Any:
        raise AssertionError

    scope = ToolScope("call_1", "req_1", Conversation(("local", "c")))
    with pytest.raises(ToolError, match="a model's own call"):
        await SubConversations(never, never, new_id).run(SubConversation("p", "d"), scope)
