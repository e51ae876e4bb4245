"""Real MCP servers of the registries under `signalbox serve`, used through every door there is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import psutil
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ToolListChangedNotification

from app.settings_edit import Put
from tests.end_to_end.claude import ClaudeCode
from tests.end_to_end.local_web import LocalWeb, local_web
from tests.end_to_end.mcp_box import NAMES, PROVIDER_KEY, Box, box, packages, until_connected
from tests.end_to_end.programs import TOKEN, messages_api

pytestmark = [
    pytest.mark.timeout(400),  # the first test downloads packages where nobody did before
    pytest.mark.skipif(sys.platform == "win32", reason="Claude Code is ended by its process group"),
]

Call = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def signals(
    checks: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Box]:
    cache = request.config.cache
    assert cache is not None
    with box(checks, tmp_path_factory.mktemp("mcp"), packages(cache.mkdir("mcp-packages"))) as made:
        yield made


@pytest.fixture(scope="module")
def web() -> Iterator[LocalWeb]:
    with local_web() as made:
        yield made


def calls_of(signals: Box, web: LocalWeb, prefix: str = "mcp__{}__") -> dict[str, Call]:
    """One call for each server."""
    noon = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
    box_entity = {"name": uuid.uuid4().hex, "entityType": "room", "observations": ["It has levers."]}
    calls: dict[str, Call] = {
        "time": ("convert_time", noon),
        "git": ("git_status", {"repo_path": str(signals.repository)}),
        "fetch": ("fetch", {"url": f"{web.url}/levers"}),
        "everything": ("echo", {"message": "clear ahead"}),
        "filesystem": ("read_text_file", {"path": str(signals.repository / "levers.txt")}),
        "memory": ("create_entities", {"entities": [box_entity]}),
    }
    return {name: (prefix.format(name) + tool, given) for name, (tool, given) in calls.items()}


SAID: Mapping[str, str] = {
    "time": "+9.0h",
    "git": "levers.txt",
    "fetch": "They move the points.",
    "everything": "clear ahead",
    "filesystem": "They move the points.",
    "memory": "It has levers.",
}


def steps(*calls: Call) -> list[dict[str, Any]]:
    text = f"SCENARIO:agent ARGS:{json.dumps({'steps': calls})}"
    return [{"role": "user", "content": text}]


@asynccontextmanager
async def official_client(
    signals: Box, changed: asyncio.Event, listening: asyncio.Event
) -> AsyncGenerator[Client]:
    """The official SDK's client at `/mcp`; `changed` is set when it hears that the list did."""

    async def heard(message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            changed.set()

    async def note(response: httpx2.Response) -> None:
        if response.request.method == "GET":
            listening.set()

    headers = {"Authorization": f"Bearer {TOKEN}"}
    hooks: dict[str, list[Callable[..., Any]]] = {"response": [note]}
    http = httpx2.AsyncClient(headers=headers, timeout=20, event_hooks=hooks)
    async with (
        http,
        Client(
            streamable_http_client(f"{signals.server.url}/mcp", http_client=http),
            mode="legacy",
            message_handler=heard,
        ) as client,
    ):
        yield client


def sdk(signals: Box) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=signals.server.url, api_key=TOKEN, max_retries=0)


def test_a_model_uses_all_of_them_in_one_turn(signals: Box, web: LocalWeb) -> None:
    calls = calls_of(signals, web)
    with sdk(signals) as client:
        create: Any = client.messages.create
        message = create(model="claude-sonnet-4-6", max_tokens=500, messages=steps(*calls.values()))
    blocks: list[Any] = list(message.content)
    results = [each for each in blocks if each.type == "mcp_tool_result"]
    assert [each.is_error for each in results] == [False] * len(calls)
    for name, result in zip(calls, results, strict=True):
        assert SAID[name] in result.content[0]["text"]
    assert blocks[-1].text.endswith("MARK-DONE")


@pytest.mark.conformance("fields.mcp-servers", "server-tools.mcp-toolset")
def test_the_connector_of_the_messages_api_uses_all_of_them(signals: Box, web: LocalWeb) -> None:
    calls = calls_of(signals, web)
    with sdk(signals) as client:
        create: Any = client.beta.messages.create
        message = create(
            model="claude-haiku-4-5",
            max_tokens=500,
            messages=steps(*calls.values()),
            mcp_servers=[{"type": "url", "url": f"signalbox:{name}", "name": name} for name in NAMES],
            tools=[{"type": "mcp_toolset", "mcp_server_name": name} for name in NAMES],
            betas=["mcp-client-2025-11-20"],
        )
    used = [each for each in message.content if each.type == "mcp_tool_use"]
    results = [each for each in message.content if each.type == "mcp_tool_result"]
    assert [each.server_name for each in used] == list(calls)
    for name, result in zip(calls, results, strict=True):
        assert SAID[name] in result.content[0].text


async def test_the_official_client_finds_and_calls_them_until_one_is_switched_off(
    signals: Box, web: LocalWeb
) -> None:
    changed, listening = asyncio.Event(), asyncio.Event()
    async with official_client(signals, changed, listening) as client:
        listed = {each.name for each in (await client.list_tools()).tools}
        for name, (tool, given) in calls_of(signals, web).items():
            result: Any = await client.call_tool(tool, given)
            assert SAID[name] in result.content[0].text
        await asyncio.wait_for(listening.wait(), 10)
        off = Put(("servers", "time", "tools", "convert_time", "enabled"), False)
        assert (await asyncio.to_thread(signals.write, off)).is_ok
        await asyncio.wait_for(changed.wait(), 10)
        later = {each.name for each in (await client.list_tools()).tools}
    on = Put(("servers", "time", "tools", "convert_time", "enabled"), True)
    assert (await asyncio.to_thread(signals.write, on)).is_ok
    assert listed - later == {"mcp__time__convert_time"}
    assert (await asyncio.to_thread(signals.states))["time"] == "connected"  # no new start for a switch


@pytest.mark.conformance("clients.mcp")
def test_claude_code_calls_all_of_them(
    signals: Box, web: LocalWeb, claude_code: Path, checks: Path, tmp_path: Path
) -> None:
    calls = calls_of(signals, web, "mcp__signalbox__mcp__{}__")
    header = f"Authorization: Bearer {TOKEN}"
    words = ("mcp", "add", "--transport", "http", "signalbox", f"{signals.server.url}/mcp")
    homes = tmp_path / "homes"
    homes.mkdir()
    with messages_api(checks, tmp_path) as model:
        client = ClaudeCode(claude_code, model.url, homes)
        client.run(*words, "--header", header)
        names = ",".join(tool for tool, _ in calls.values())
        select: Call = ("ToolSearch", {"query": f"select:{names}", "max_results": 10})
        prompt = steps(select, *calls.values())[0]["content"]
        session = client.ask(prompt, "--allowedTools", "mcp__signalbox,ToolSearch")
    for name, result in zip(calls, session.results[1:], strict=True):
        assert SAID[name] in result
    assert not session.is_error


def test_a_server_that_prints_its_environment_knows_no_key_and_no_token(signals: Box) -> None:
    printed = signals.run("call", "everything", "get-env").stdout
    seen = json.loads(printed)
    assert PROVIDER_KEY not in printed
    assert TOKEN not in printed
    ours = {"HOME", "LANG", "PATH", "PWD", "TERM", "TZ", "USER", "LOGNAME", "TMPDIR", "SIGNALBOX_CHILD"}
    of_npm = {"COLOR", "EDITOR", "INIT_CWD", "NODE"}
    strange = {name for name in seen if not name.startswith(("npm_", "LC_", "LANG"))} - ours - of_npm
    assert strange == set()


def test_a_server_ends_and_starts_by_hand(signals: Box) -> None:
    assert signals.run("stop", "memory").returncode == 0
    assert signals.states()["memory"].partition(":")[0] in {"stopping", "stopped"}
    assert signals.run("call", "memory", "read_graph").returncode == 1
    assert signals.run("start", "memory").returncode == 0
    until_connected(signals, "memory")


def test_no_process_of_any_of_them_outlives_a_kill_of_signalbox(
    checks: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cache = request.config.cache
    assert cache is not None
    with box(checks, tmp_path, packages(cache.mkdir("mcp-packages"))) as doomed:
        children = psutil.Process(doomed.server.pid).children(recursive=True)
        assert len(children) >= 2 * len(NAMES)  # uvx, npx and sh beside the servers themselves
        os.kill(doomed.server.pid, signal.SIGKILL)
        _gone, left = psutil.wait_procs(children, timeout=5)
        assert left == []
