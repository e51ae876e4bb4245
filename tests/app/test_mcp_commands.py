"""`signalbox mcp`, asked of a running program over its control channel."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.exit_codes import FAILED, OK
from app.instance import ControlChannel, Reply, Verb, Words
from app.mcp_commands import mcp_command
from app.paths import Folders

TOOL = {
    "name": "le\x1b[31mver",
    "is_enabled": True,
    "permission": "default",
    "quarantine": "new",
    "tokens": 9,
}
BOX: Mapping[str, Any] = {
    "name": "box",
    "type": "stdio",
    "state": "pending approval",
    "reason": "",
    "tools": [TOOL],
    "launch": {
        "argv": ["/bin/box", "a b"],
        "url": "",
        "package": None,
        "cwd": "/",
        "environment_names": ["A", "B"],
        "digest": "d1",
    },
}
CHANGE = {
    "name": "lever",
    "before": '{\n  "description": "Pulls."\n}',
    "after": '{\n  "description": "Wipes."\n}',
}


@dataclass
class Program:
    """Stands where the running program stands."""

    folders: Folders
    changes: list[Mapping[str, Any]] = field(default_factory=lambda: [CHANGE])
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list[Any])
    server: Mapping[str, Any] = field(default_factory=lambda: BOX)

    def answer(self, verb: Verb, words: Words) -> Reply:
        self.asked.append((verb, dict(words)))
        facts: Mapping[str, Mapping[str, Any]] = {
            "mcp.list": {"servers": [self.server]},
            "mcp.changes": {"changes": self.changes, "digest": "of them"},
            "mcp.logs": {"lines": [{"at": 0.0, "kind": "stderr", "text": "a\rb\x1b]0;title\x07"}]},
        }
        if words.get("name") == "none":
            return Reply(is_ok=False, text="there is no MCP server called none")
        return Reply(is_ok=True, text="the result", facts=facts.get(verb, {}))

    async def run(self, action: str, name: str = "box", **more: Any) -> int:
        return await asyncio.to_thread(mcp_command, self.folders, action, name, **more)


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    folders = Folders(config=tmp_path, state=tmp_path, runtime=tmp_path / "run")
    folders.create()
    made = Program(folders)
    channel = ControlChannel(folders.runtime, made.answer)
    assert await channel.claim()
    yield made
    await channel.close()


def says(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))


async def test_exactly_what_was_shown_is_approved_after_a_yes(
    program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, "n")
    assert await program.run("approve") == FAILED
    assert [verb for verb, _ in program.asked] == ["mcp.list"]
    says(monkeypatch, "y")
    assert await program.run("approve") == OK
    assert program.asked[-1] == ("mcp.approve", {"name": "box", "digest": "d1"})
    shown = capsys.readouterr().out
    assert "runs:      /bin/box 'a b'\n" in shown
    assert "variables: A B\n" in shown


async def test_changes_are_shown_before_they_are_accepted_as_shown(
    program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, "")
    assert await program.run("accept") == FAILED
    says(monkeypatch, "yes")
    assert await program.run("accept") == OK
    assert [verb for verb, _ in program.asked] == ["mcp.changes", "mcp.changes", "mcp.accept"]
    assert program.asked[-1][1]["digest"] == "of them"
    assert '-  "description": "Pulls."\n+  "description": "Wipes."\n' in capsys.readouterr().out
    program.changes.clear()
    assert await program.run("accept", is_sure=True) == FAILED
    assert "no tool of 'box' is held back" in capsys.readouterr().err


async def test_what_servers_say_gives_the_terminal_no_orders(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [await program.run(each) for each in ("tools", "logs", "list")] == [OK] * 3
    out = capsys.readouterr().out
    assert "le<U+001B>[31mver\ton, held back: new\tdefault\t~9 tokens" in out
    assert "stderr     a<U+000D>b<U+001B>]0;title<U+0007>" in out
    assert not {"\x1b", "\r", "\x07"} & set(out)


async def test_a_server_that_offers_nothing_says_why(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    program.server = {**BOX, "tools": [], "state": "failed", "reason": "it ended with status 1"}
    assert await program.run("tools") == OK
    said = capsys.readouterr()
    assert said.err == "signalbox: 'box' offers no tool now (failed: it ended with status 1)\n"
    assert said.out == ""


async def test_a_call_prints_its_result_and_other_verbs_what_came_of_them(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await program.run("call", tool="lever", arguments='{"up": 1}') == OK
    assert capsys.readouterr().out == "the result\n"
    assert program.asked[-1][1] == {"name": "box", "tool": "lever", "arguments": '{"up": 1}'}
    for action in ("start", "stop", "restart", "reject"):
        assert await program.run(action) == OK
        assert program.asked[-1][0] == f"mcp.{action}"
    assert await program.run("reload") == OK
    assert [verb for verb, _ in program.asked[-2:]] == ["reload", "mcp.list"]


@pytest.mark.parametrize("action", ["approve", "accept", "start", "logs", "tools", "call"])
async def test_a_server_that_is_not_there_is_said(
    program: Program, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await program.run(action, "none") == FAILED
    assert capsys.readouterr().err.startswith("signalbox: there is no MCP server")


def test_without_a_running_program_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = Folders(config=tmp_path, state=tmp_path, runtime=tmp_path / "run")
    for action in ("list", "reload", "accept", "approve", "logs", "start"):
        assert mcp_command(folders, action, "box") == FAILED
        assert "Signalbox does not run" in capsys.readouterr().err
