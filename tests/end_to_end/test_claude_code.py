"""The real Claude Code through Signalbox: files, answers and calls are as straight to the Messages API."""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.claude import ClaudeCode, Outcome
from tests.end_to_end.conftest import BEHIND, CHAT, CHAT_MODEL, MESSAGES, STRAIGHT, UPSTREAM
from tests.end_to_end.programs import Record, Server, signalbox
from tests.end_to_end.terminal import Terminal

pytestmark = [
    pytest.mark.timeout(180),  # three sessions, and the first test starts the servers
    pytest.mark.skipif(sys.platform == "win32", reason="Claude Code is ended by its process group"),
]

Comes = tuple[tuple[Outcome, ...], Mapping[str, str]]
"""What the prompts of a session came to, and what stands in its folder at the end."""
Session = Callable[[ClaudeCode], tuple[Outcome, ...]]
Both = Callable[[Session, str], tuple[Comes, Comes]]


@pytest.fixture(scope="session")
def both(claude_code: Path, ways: Mapping[str, Server], tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Holds a session through a dialect; returns what it came to, and what it came to straight."""
    homes = tmp_path_factory.mktemp("homes")
    straight: dict[Session, Comes] = {}

    def hold(session: Session, way: str) -> Comes:
        client = ClaudeCode(claude_code, ways[way].url, homes)
        outcomes = session(client)
        return outcomes, {each.name: each.read_text("utf-8") for each in client.folder.iterdir()}

    def run(session: Session, dialect: str) -> tuple[Comes, Comes]:
        if session not in straight:
            straight[session] = hold(session, STRAIGHT)
        return hold(session, dialect), straight[session]

    return run


def steps(*calls: tuple[str, dict[str, Any]]) -> str:
    return f"SCENARIO:agent ARGS:{json.dumps({'steps': calls})}"


def at_once(scenario: str, *calls: tuple[str, dict[str, Any]]) -> str:
    return f"SCENARIO:{scenario} ARGS:{json.dumps({'calls': calls})}"


def reads_edits_runs(client: ClaudeCode) -> tuple[Outcome, ...]:
    path = client.file("note.txt", "alpha\nbeta\ngamma\n")
    prompt = steps(
        ("Read", {"file_path": path}),
        ("Edit", {"file_path": path, "old_string": "beta", "new_string": "BETA"}),
        (
            "Write",
            {"file_path": str(client.folder / "new.txt"), "content": 'say "hi" \\ \U0001f389\n\ttab\n'},
        ),
        ("Bash", {"command": f"wc -l < {path}; echo ran-it", "description": "count lines"}),
    )
    return (client.ask(prompt, "--allowedTools", "Read,Edit,Write,Bash"),)


def searches(client: ClaudeCode) -> tuple[Outcome, ...]:
    prompt = steps(
        ("ToolSearch", {"query": "select:WebSearch", "max_results": 3}),
        ("WebSearch", {"query": "signal box history"}),
    )
    return (client.ask(prompt, "--allowedTools", "ToolSearch,WebSearch"),)


def thinks_with_tools(client: ClaudeCode) -> tuple[Outcome, ...]:
    path = client.file("note.txt", "thought of\n")
    tool = json.dumps({"tool": "Read", "input": {"file_path": path}})
    return (client.ask(f"SCENARIO:reasoning_tool ARGS:{tool}", "--allowedTools", "Read"),)


def calls_at_once(client: ClaudeCode) -> tuple[Outcome, ...]:
    one, two = client.file("one.txt", "first\n"), client.file("two.txt", "second\n")
    calls = (
        ("Read", {"file_path": one}),
        ("Read", {"file_path": two}),
        ("Bash", {"command": "echo third", "description": "say it"}),
    )
    return tuple(
        client.ask(at_once(scenario, *calls), "--allowedTools", "Read,Bash")
        for scenario in ("parallel", "interleaved")
    )


def goes_on_after_a_cut(client: ClaudeCode) -> tuple[Outcome, ...]:
    path = client.file("note.txt", "before the cut\n")
    return (
        client.ask("USERMARK-A " + steps(("Read", {"file_path": path})), "--allowedTools", "Read"),
        client.ask(f"USERMARK-B SCENARIO:disconnect_once NONCE:{uuid.uuid4().hex}"),
        client.ask("USERMARK-C SCENARIO:seen"),
    )


def asks_for_the_context(client: ClaudeCode) -> tuple[Outcome, ...]:
    return (client.ask("/context"),)


@pytest.mark.conformance("clients.tools")
@pytest.mark.parametrize("dialect", BEHIND)
def test_a_file_is_read_edited_and_run_as_straight(both: Both, dialect: str) -> None:
    (outcomes, files), straight = both(reads_edits_runs, dialect)

    assert (outcomes, files) == straight
    (session,) = outcomes
    assert files == {"note.txt": "alpha\nBETA\ngamma\n", "new.txt": 'say "hi" \\ \U0001f389\n\ttab\n'}
    assert [name for name, _ in session.calls] == ["Read", "Edit", "Write", "Bash"]
    assert "3\nran-it" in session.given
    assert (session.answer.split()[-1], session.turns, session.is_error) == ("MARK-DONE", 5, False)


@pytest.mark.conformance("clients.web-search")
@pytest.mark.parametrize("dialect", BEHIND)
def test_a_web_search_brings_the_same_pages_as_straight(both: Both, dialect: str) -> None:
    through, straight = both(searches, dialect)

    assert through == straight
    (session,) = through[0]
    assert [name for name, _ in session.calls] == ["ToolSearch", "WebSearch"]
    assert "https://example.com/one" in session.results[1]


@pytest.mark.conformance("clients.thinking")
@pytest.mark.parametrize("dialect", BEHIND)
def test_thinking_comes_back_signed_to_the_model_that_thought(both: Both, dialect: str) -> None:
    through, straight = both(thinks_with_tools, dialect)

    assert through == straight
    (session,) = through[0]
    assert session.thinking == ("I should call Read. REASON-MARK",)
    assert session.answer.startswith("THINKING-REPLAYED:signed ")


@pytest.mark.conformance("clients.parallel")
@pytest.mark.parametrize("dialect", BEHIND)
def test_calls_at_once_all_run_as_straight(both: Both, dialect: str) -> None:
    through, straight = both(calls_at_once, dialect)

    assert through == straight
    for session in through[0]:
        assert [name for name, _ in session.calls] == ["Read", "Read", "Bash"]
        assert "third" in session.given


@pytest.mark.conformance("clients.cut-stream")
@pytest.mark.parametrize("dialect", BEHIND)
def test_a_session_goes_on_after_a_cut_stream_as_straight(both: Both, dialect: str) -> None:
    through, straight = both(goes_on_after_a_cut, dialect)

    assert through == straight
    _, cut, seen = through[0]
    assert cut.answer == "Recovered after 1. MARK-RECOVERED"
    assert "user_marks=['USERMARK-A', 'USERMARK-B', 'USERMARK-C']" in seen.given


@pytest.mark.conformance("clients.context")
def test_the_context_is_counted_to_the_token_by_the_api_behind(both: Both) -> None:
    through, straight = both(asks_for_the_context, MESSAGES)

    assert through == straight
    assert "Context Usage" in through[0][0].answer


@pytest.mark.conformance("clients.context")
def test_the_context_is_counted_where_the_upstream_counts_nothing(
    claude_code: Path, ways: Mapping[str, Server], tmp_path: Path
) -> None:
    # A server of its own: counts follow the usage seen before, which scripted answers make up.
    base_url = ways[UPSTREAM].url + "/api/v1"
    with signalbox(tmp_path / "signalbox", CHAT, base_url, CHAT_MODEL) as server:
        (outcome,) = asks_for_the_context(ClaudeCode(claude_code, server.url, tmp_path))
        counted = server.logged("request_finished", until=lambda found: len(_counts(found)) > 5)
    (straight,) = asks_for_the_context(ClaudeCode(claude_code, ways[STRAIGHT].url, tmp_path))

    rows, expected = _categories(outcome.answer), _categories(straight.answer)
    assert list(rows) == list(expected)
    assert rows["used"] == pytest.approx(expected["used"], rel=0.2)  # the scripted API counts characters / 4
    assert len(_counts(counted)) > 5, "else the client made the numbers up itself"


@pytest.mark.conformance("clients.interactive")
def test_the_window_of_claude_code_talks_counts_and_is_interrupted(
    claude_code: Path, ways: Mapping[str, Server], tmp_path: Path
) -> None:
    client = ClaudeCode(claude_code, ways[CHAT].url, tmp_path)
    with Terminal(claude_code, client) as terminal:
        terminal.wait_for("Claude Code")
        terminal.enter("SCENARIO:text")
        terminal.wait_for("MARK-TEXT-OK")
        terminal.enter("/context")
        terminal.wait_for("System prompt")
        terminal.enter("SCENARIO:cancel")
        terminal.wait_for("c0010")
        terminal.press("\x1b")
        terminal.wait_for("Interrupted")

    assert _cancelled(ways[CHAT].logged("request_finished", until=_cancelled))


def _counts(finished: list[Record]) -> list[Record]:
    return [record for record in finished if record["path"] == "/v1/messages/count_tokens"]


def _cancelled(finished: list[Record]) -> bool:
    return any(record["outcome"] == "cancelled" for record in finished)


def _categories(text: str) -> dict[str, float]:
    """The table of `/context` by category, and how many tokens are used in all."""
    used = re.search(r"\*\*Tokens:\*\* ([\d.]+)k /", text)
    assert used, text
    table = text.partition("### Skills")[0]
    found = re.findall(r"^\| ([A-Z][^|]+) \| ([\d.]+)(k?) \|", table, re.MULTILINE)
    rows = {name: float(number) * (1000 if thousand else 1) for name, number, thousand in found}
    return {"used": float(used[1]) * 1000, **rows}
