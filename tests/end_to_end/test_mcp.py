"""The real Claude Code with Signalbox as its MCP server: what it finds there, calls, and no longer finds."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.config import ToolConfig
from proxy.events import ToolDecided
from tests.end_to_end.claude import ClaudeCode
from tests.end_to_end.programs import ROOT, chat_upstream, environment, messages_api, signalbox
from tests.end_to_end.programs import TOKEN as SERVER_TOKEN
from tests.proxy.mcp.server_room import RAW
from tests.proxy.mcp_clients import ScriptedServers
from tests.proxy.scripted import TOKEN, Running, ScriptedUpstream, proxy_config
from tests.proxy.tooling import FakeTool, rules, running_tools

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform == "win32", reason="Claude Code is ended by its process group"),
]

ECHO = "mcp__signalbox__mcp__raw__echo"
TODO, LEVER = "mcp__signalbox__TodoWrite", "mcp__signalbox__mcp__box__lever"


@pytest.fixture
def client(claude_code: Path, checks: Path, tmp_path: Path) -> Iterator[ClaudeCode]:
    """A client whose model is scripted."""
    homes = tmp_path / "homes"
    homes.mkdir()
    with messages_api(checks, tmp_path) as model:
        yield ClaudeCode(claude_code, model.url, homes)


async def introduced(client: ClaudeCode, proxy: Running) -> str:
    """Adds Signalbox as a user does, and returns what the client says of its servers."""
    header = f"Authorization: Bearer {TOKEN}"
    words = ("mcp", "add", "--transport", "http", "signalbox", f"{proxy.url}/mcp", "--header", header)
    await asyncio.to_thread(client.run, *words)
    return await asyncio.to_thread(client.run, "mcp", "list")


async def session(client: ClaudeCode, *calls: tuple[str, dict[str, Any]]) -> tuple[list[str], Any]:
    """Has the model make calls; returns the tools that the client has, and what came of it."""
    prompt = f"SCENARIO:agent ARGS:{json.dumps({'steps': calls})}"
    flags = ("--allowedTools", "mcp__signalbox,ToolSearch")
    events = await asyncio.to_thread(client.events, prompt, *flags)
    began = next(each for each in events if each.get("subtype") == "init")
    return [each for each in began["tools"] if each.startswith("mcp__")], client.outcome(events)


@pytest.mark.conformance("clients.mcp")
async def test_it_finds_and_calls_tools_and_no_longer_finds_one_that_is_switched_off(
    client: ClaudeCode,
) -> None:
    allowed = rules(allow=["TodoWrite", "mcp__box"])
    servers = ScriptedServers()
    async with running_tools(ScriptedUpstream(), permissions=allowed, tools=[FakeTool()]) as proxy:
        servers.offer(proxy)
        assert "Connected" in await introduced(client, proxy)
        select = ("ToolSearch", {"query": f"select:{TODO},{LEVER}", "max_results": 5})
        tools, done = await session(client, select, (TODO, {"todos": [1]}), (LEVER, {"pull": "up"}))
        off = ToolConfig(switched_off=("mcp__box__lever",))
        proxy.server.apply(replace(proxy_config("one"), permissions=allowed, tools=off))
        later, _ = await session(client)
        decided = proxy.of(ToolDecided)
    assert {TODO, LEVER} <= set(tools)
    assert [name for name, _ in done.calls] == ["ToolSearch", TODO, LEVER]
    assert "TodoWrite was given" in done.results[1]
    assert "lever of {'pull': 'up'}" in done.results[2]
    assert servers.called == [("box", "lever", {"pull": "up"})]
    assert {each.client.partition("/")[0] for each in decided} == {"claude-code"}
    assert TODO in later
    assert LEVER not in later


@pytest.mark.conformance("clients.mcp")
async def test_it_uses_a_server_of_the_file_once_its_user_approved_it(
    client: ClaudeCode, checks: Path, tmp_path: Path
) -> None:
    servers = tmp_path / "servers.yaml"
    entry = {"type": "stdio", "command": sys.executable, "args": [RAW]}
    servers.write_text(json.dumps({"servers": {"raw": entry}}), "utf-8")
    settings = {
        "mcp_config": str(servers),
        "permissions": {"allow": ["mcp__raw"]},
        "tools": {"may_run_as_root": True},
    }
    more = "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items())
    box = tmp_path / "box"
    with (
        chat_upstream(checks, tmp_path) as model,
        signalbox(box, "openai-chat", f"{model.url}/api/v1", "some-model", more=more) as server,
    ):
        words = ("mcp", "add", "--transport", "http", "signalbox", f"{server.url}/mcp")
        await asyncio.to_thread(client.run, *words, "--header", f"Authorization: Bearer {SERVER_TOKEN}")
        before, _ = await session(client)
        await asyncio.to_thread(commanded, box, "approve", "raw", "--yes")
        while "connected" not in await asyncio.to_thread(commanded, box, "list"):
            pass  # each round starts a program, and the test's own limit ends it
        select = ("ToolSearch", {"query": f"select:{ECHO}", "max_results": 5})
        after, done = await session(client, select, (ECHO, {"text": "over both doors"}))
    assert ECHO not in before
    assert ECHO in after
    assert "over both doors" in done.results[-1]


def commanded(box: Path, *words: str) -> str:
    """What `signalbox mcp` of the running program says."""
    done = subprocess.run(
        (sys.executable, "-m", "app", "mcp", *words),
        cwd=ROOT,
        env=environment(box / "home"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
