"""What the control channel answers about MCP servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.instance import Reply
from app.mcp_answers import mcp_answer
from tests.app.controller_bench import Make
from tests.app.mcp_bench import McpDesk, mcp_desk


@pytest.fixture
async def desk(make: Make, tmp_path: Path) -> McpDesk:
    return await mcp_desk(make, tmp_path)


async def test_the_control_channel_lists_approves_and_calls(desk: McpDesk) -> None:
    listed = mcp_answer(desk.controls, "mcp.list", {})
    assert isinstance(listed, Reply)
    assert listed.facts["servers"][0]["tools"][0]["name"] == "now"
    mcp_answer(desk.controls, "mcp.approve", {"name": "time", "digest": "d1"})
    changes = mcp_answer(desk.controls, "mcp.changes", {"name": "time"})
    assert isinstance(changes, Reply)
    stale = mcp_answer(desk.controls, "mcp.accept", {"name": "time", "digest": "of what was shown before"})
    assert isinstance(stale, Reply)
    assert (stale.is_ok, "look at them again" in stale.text) == (False, True)
    mcp_answer(desk.controls, "mcp.accept", {"name": "time", "digest": changes.facts["digest"]})
    called = mcp_answer(desk.controls, "mcp.call", {"name": "time", "tool": "now", "arguments": "{}"})

    assert not isinstance(called, Reply)
    reply = await called
    assert (reply.is_ok, reply.text.splitlines()[0]) == (True, "noon")
    assert desk.supervisor.done[:2] == [("approve", "time", "d1"), ("accept_tools", "time", "('now',)")]
