from __future__ import annotations

import json

import pytest

from proxy.tools.base import ToolOutput, ToolScope
from proxy.tools.errors import ToolError
from proxy.tools.task import SubConversation, Task
from proxy.tools.todo_read import TodoRead
from proxy.tools.todo_write import TodoWrite
from tests.proxy.tools.tool_room import ToolRoom


async def test_a_list_is_kept_for_the_conversation(room: ToolRoom) -> None:
    todos = [
        {"content": "Fix it", "status": "completed", "activeForm": "Fixing it"},
        {"content": "Test it", "status": "in_progress", "note": "unknown"},
    ]

    said = await room.say(TodoWrite(), todos=todos)

    assert said == "Todos have been modified successfully: 1 of 2 completed; in progress: Test it."
    assert json.loads(await room.say(TodoRead())) == [
        todos[0],
        {"content": "Test it", "status": "in_progress"},
    ]


async def test_each_call_replaces_the_list(room: ToolRoom) -> None:
    assert await room.say(TodoRead()) == "The to-do list is empty."
    await room.run(TodoWrite(), todos=[{"content": "a", "status": "pending"}])

    assert await room.say(TodoWrite(), todos=[]) == "Todos have been modified successfully: 0 of 0 completed."
    assert await room.say(TodoRead()) == "The to-do list is empty."


class Other:
    """Holds sub-conversations by noting them."""

    def __init__(self) -> None:
        self.asked: list[tuple[SubConversation, ToolScope]] = []

    async def hold(self, asked: SubConversation, scope: ToolScope) -> ToolOutput:
        self.asked.append((asked, scope))
        return ToolOutput.text("the report")


async def test_a_task_is_handed_to_another_conversation_and_its_report_comes_back(room: ToolRoom) -> None:
    other = Other()

    said = await room.say(Task(other.hold), description="Find", prompt="Find x", subagent_type="Explore")

    assert said == "the report"
    assert other.asked == [(SubConversation("Find x", "Find", "Explore"), room.scope)]


async def test_an_agent_that_is_not_named_is_the_general_one(room: ToolRoom) -> None:
    other = Other()

    await room.run(Task(other.hold), description="Find", prompt="Find x")

    assert other.asked[0][0].agent == "general-purpose"


async def test_an_empty_prompt_starts_nothing(room: ToolRoom) -> None:
    other = Other()

    with pytest.raises(ToolError, match="The prompt is empty"):
        await room.run(Task(other.hold), description="Find", prompt=" \n")

    assert other.asked == []
