"""A past call suggests the narrowest rule; modes, effects and ends of calls have their words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gui import permission_words as words
from gui.permission_desk import ApprovalView
from tests.gui.permission_scenes import PUSH, REPEATED


@pytest.mark.parametrize(
    ("tool", "shown", "rule"),
    [
        ("Bash", "npm test", "Bash(npm test)"),
        ("Bash", "a\nb", "Bash"),
        ("Bash", "a\u202eb", "Bash"),
        ("Write", "/home/you/a.py\n\nprint()", "Write(//home/you/a.py)"),
        ("Read", "src/a.py", "Read(src/a.py)"),
        ("WebFetch", "https://user@example.org:8443/a?q=1", "WebFetch(domain:example.org)"),
        ("WebFetch", "https://[::1", "WebFetch"),
        ("mcp__github__get_issue", '{"number": 12}', "mcp__github__get_issue"),
        ("Task", "reviewer\nlook at it", "Task"),
    ],
)
def test_a_rule_is_suggested_for_a_past_call(tool: str, shown: str, rule: str):
    assert words.rule_for(tool, shown) == rule


def test_every_mode_has_a_title_and_a_meaning_and_unknown_ones_their_name():
    for name, _title, meaning in words.MODES:
        assert words.mode_title(name) != name
        assert words.mode_meaning(name) == meaning
    assert words.mode_title("bypassPermissions") == "Bypass"
    assert (words.mode_title("new"), words.mode_meaning("new")) == ("new", "")


def test_what_a_call_wants_is_told_by_its_tool():
    assert words.wants(PUSH) == "Bash wants to run a command"
    assert words.wants(replace(PUSH, tool="mcp__x__y")) == "mcp__x__y wants to run"
    assert words.wants(REPEATED) == "A client repeats the same request"


@pytest.mark.parametrize(
    ("runner", "told"),
    [("client", "client"), ("signalbox", "Signalbox"), ("mcp:github", "MCP github"), ("x", "x")],
)
def test_who_runs_a_call_is_told(runner: str, told: str):
    assert words.runner_words(runner) == told


@pytest.mark.parametrize(
    ("waiting", "told"),
    [
        ([PUSH], "1 tool waiting for approval"),
        ([PUSH] * 12, "12 tools waiting for approval"),
        ([REPEATED], "1 request waiting for approval"),
        ([PUSH, REPEATED], "2 questions waiting for approval"),
    ],
)
def test_what_waits_is_counted(waiting: list[ApprovalView], told: str):
    assert words.waiting_words(waiting) == told
