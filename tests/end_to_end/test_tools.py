"""The real Claude Code with tools of Signalbox: run there, denied on the way, searched and fetched there."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.claude import ClaudeCode
from tests.end_to_end.conftest import BEHIND, CHAT, CHAT_MODEL
from tests.end_to_end.local_web import HIT, local_web
from tests.end_to_end.programs import MODEL, Server, chat_upstream, messages_api, signalbox

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform == "win32", reason="Claude Code is ended by its process group"),
]

Start = Callable[..., tuple[ClaudeCode, Server]]


@pytest.fixture
def start(claude_code: Path, checks: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts a Signalbox whose only workspace is the folder that the client works in."""
    with ExitStack() as started:
        homes = tmp_path / "homes"
        homes.mkdir()

        def begin(of_big: str = "", dialect: str = CHAT, **settings: Any) -> tuple[ClaudeCode, Server]:
            client = ClaudeCode(claude_code, "", homes)
            settings["workspaces"] = {"work": {"root": str(client.folder)}}
            settings["default_workspace"] = "work"
            settings["tools"] = {"may_run_as_root": True, **settings.get("tools", {})}
            more = "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items())
            if dialect == CHAT:
                url, model = (
                    started.enter_context(chat_upstream(checks, tmp_path)).url + "/api/v1",
                    CHAT_MODEL,
                )
            else:
                url, model = started.enter_context(messages_api(checks, tmp_path)).url, MODEL
            server = started.enter_context(
                signalbox(tmp_path / "box", dialect, url, model, of_big=of_big, more=more)
            )
            client.move_to(server.url)
            return client, server

        yield begin


def steps(*calls: tuple[str, dict[str, Any]]) -> str:
    return f"SCENARIO:agent ARGS:{json.dumps({'steps': calls})}"


@pytest.mark.conformance("clients.tools-run-here")
@pytest.mark.parametrize("dialect", BEHIND)
def test_a_session_whose_tools_run_in_the_proxy_finishes_its_task(start: Start, dialect: str) -> None:
    allowed = ["Read", "Edit", "Write", "Bash(wc:*)"]
    client, server = start("    tools_run_in: proxy\n", dialect, permissions={"allow": allowed})
    path = client.file("note.txt", "alpha\nbeta\ngamma\n")
    prompt = steps(
        ("Read", {"file_path": path}),
        ("Edit", {"file_path": path, "old_string": "beta", "new_string": "BETA"}),
        ("Bash", {"command": f"wc -l {path}", "description": "count lines"}),
    )
    session = client.ask(prompt)  # without a word of what the client itself may do
    later = client.ask("SCENARIO:seen")
    assert (session.answer.split()[-1], session.turns, session.is_error) == ("MARK-DONE", 1, False)
    assert session.calls == ()  # none of them was the client's
    assert any(each.startswith("3 ") for each in session.given)
    assert Path(path).read_text("utf-8") == "alpha\nBETA\ngamma\n"
    ran = server.logged("tool_ran")
    assert [each["tool"] for each in ran] == ["Read", "Edit", "Bash"]
    assert len({each["tool_chain"] for each in ran}) == 1
    calls_and_results = ["assistant", "tool"] * 3
    assert f"roles={['user', *calls_and_results, 'assistant', 'user']}" in later.given


@pytest.mark.conformance("clients.denied-in-passing")
@pytest.mark.parametrize("dialect", BEHIND)
def test_a_session_under_a_scoped_deny_rule_finishes_its_task_without_the_denied_call(
    start: Start, dialect: str
) -> None:
    client, _ = start(dialect=dialect, permissions={"deny": ["Bash(rm:*)"]})
    path = client.file("note.txt", "alpha\nbeta\n")
    prompt = steps(
        ("Read", {"file_path": path}),
        ("Bash", {"command": f"rm -f {path}", "description": "remove it"}),
        ("Bash", {"command": f"wc -l {path}", "description": "count lines"}),
    )
    session = client.ask(prompt, "--allowedTools", "Read,Bash")
    later = client.ask("SCENARIO:seen")
    assert (session.answer.split()[-1], session.is_error) == ("MARK-DONE", False)
    assert [name for name, _ in session.calls] == ["Read", "Bash"]
    assert any("Permission to use Bash with command rm -f" in each for each in session.given)
    assert any(each.startswith("2 ") for each in session.given)
    assert Path(path).exists()
    calls_and_results = ["assistant", "tool"] * 3
    assert f"roles={['user', *calls_and_results, 'assistant', 'user']}" in later.given


@pytest.mark.conformance("clients.search-served-here")
def test_a_search_of_the_client_is_answered_by_the_engine_of_the_settings(start: Start) -> None:
    with local_web() as web:
        client, _ = start(web_search={"engine": "searxng", "base_url": web.url})
        session = client.ask(
            steps(
                ("ToolSearch", {"query": "select:WebSearch", "max_results": 3}),
                ("WebSearch", {"query": steps(("web_search", {"query": "signal box history"}))}),
            ),
            "--allowedTools",
            "ToolSearch,WebSearch",
        )
    assert web.queries == ["signal box history"]
    assert [name for name, _ in session.calls] == ["ToolSearch", "WebSearch"]
    assert HIT["url"] in session.results[1]
    assert not session.is_error


@pytest.mark.conformance("clients.fetch-served-here")
def test_a_page_is_fetched_by_the_proxy_where_tools_run_in_it(start: Start) -> None:
    with local_web() as web:
        client, server = start(
            "    tools_run_in: proxy\n",
            permissions={"allow": ["WebFetch"]},
            tools={"local_hosts": [web.url.removeprefix("http://")]},
        )
        session = client.ask(
            steps(
                ("ToolSearch", {"query": "select:WebFetch", "max_results": 3}),
                ("WebFetch", {"url": f"{web.url}/levers", "prompt": "what do they do"}),
            ),
            "--allowedTools",
            "ToolSearch",
        )
    assert web.pages == ["/levers"]
    assert any("They move the points." in each for each in session.given)
    assert [each["tool"] for each in server.logged("tool_ran")] == ["WebFetch"]
