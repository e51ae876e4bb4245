"""The desk's part about MCP servers over a supervisor that does as the test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from app.mcp_controls import McpControls
from app.mcp_file import McpFile
from gui.desk import DeskEvent
from proxy.mcp.values import (
    Launch,
    LogEntry,
    McpProblem,
    McpServerConfig,
    ServerPhase,
    ServerStatus,
    ToolChange,
    ToolChoice,
    ToolFacts,
)
from tests.app.controller_bench import Bench, Make
from tests.app.test_secrets import Entries

TIME = "servers:\n  time: {type: python, command: mcp-server-time}  # mine\n"


class _Result:
    content = ({"type": "text", "text": "noon"}, {"type": "image", "data": "AA"})
    is_error = False


class _Supervisor:
    """Stands where the supervisor stands."""

    def __init__(self) -> None:
        self.configs: tuple[McpServerConfig, ...] = ()
        self.done: list[tuple[str, ...]] = []
        self.said = [LogEntry(1.0, "stderr", "ready")]
        self.reason = ""
        self.refusal = ""

    def apply(self, configs: Sequence[McpServerConfig]) -> None:
        self.configs = tuple(configs)

    def trust_problem(self) -> str | None:
        return None

    def statuses(self) -> tuple[ServerStatus, ...]:
        said = self.configs[0].tools.get("now", ToolChoice()) if self.configs else ToolChoice()
        tool = ToolFacts("now", "mcp__time__now", "Tells it.", {}, said.is_enabled, said.permission, 40)
        launch = Launch("time", ("uvx", "mcp-server-time==1"), digest="d1")
        return tuple(
            ServerStatus(
                each.name, each.type, ServerPhase.CONNECTED, self.reason, tools=(tool,), launch=launch
            )
            for each in self.configs
        )

    def __getattr__(self, name: str) -> Callable[..., object]:
        def act(*words: str, **named: object) -> None:
            if self.refusal:
                raise McpProblem(self.refusal)
            if words and words[0] not in {each.name for each in self.configs}:
                raise McpProblem(f"there is no MCP server '{words[0]}'")
            self.done.append((name, *map(str, words), *map(str, named.values())))

        return act

    def changes(self, name: str) -> tuple[ToolChange, ...]:
        return (ToolChange("now", "", "{}"),)

    def log(self, name: str) -> tuple[LogEntry, ...]:
        return tuple(self.said)

    async def call(self, name: str, tool: str, arguments: Mapping[str, Any]) -> _Result:
        self.done.append(("call", name, tool, json.dumps(arguments)))
        if tool == "none":
            raise McpProblem("there is no tool 'none'")
        return _Result()


class McpDesk:
    """The controls, what they announced, and their file."""

    def __init__(self, bench: Bench, path: Path) -> None:
        self.events: list[DeskEvent] = []
        self.supervisor = _Supervisor()
        self.path = path
        self.controls = McpControls(
            bench.configuration,
            McpFile(path),
            lambda: self.supervisor,  # pyright: ignore[reportArgumentType] - a stand-in
            self.events.append,
            lambda: None,
            lambda: 1.0,
        )

    async def settled(self) -> None:
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    def servers(self) -> dict[str, Any]:
        return yaml.safe_load(self.path.read_text())["servers"]


async def mcp_desk(make: Make, folder: Path) -> McpDesk:
    """Makes the desk of a file with one server, which runs."""
    path = folder / "mcp_servers.yaml"
    path.write_text(TIME)
    made = McpDesk(make(Entries()), path)
    await made.controls.start_servers()
    return made
