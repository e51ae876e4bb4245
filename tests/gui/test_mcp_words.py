"""The words for MCP servers say the reason with the state, and hide nothing of what would be started."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gui import mcp_words as words
from proxy.mcp.values import Launch, ServerPhase, ServerStatus, ToolChange
from tests.gui.mcp_scenes import CHANGES, FAILED, GITHUB, LAUNCH, SERVERS, TIME


@pytest.mark.parametrize("phase", list(ServerPhase))
def test_every_state_has_a_word_a_tone_and_a_shape(phase: ServerPhase):
    phrase = words.phase_phrase(ServerStatus("x", "stdio", phase, attempt=3))
    assert phrase.text
    assert phrase.icon
    assert phrase.tone in {"neutral", "info", "ok", "warn", "danger"}


def test_a_failure_is_told_with_its_reason_on_one_line():
    server = replace(FAILED, reason="exit 1:\n npx not\u202e found")
    assert words.state_text(server) == "Failed – exit 1: npx not\\u{202e} found"


def test_a_restart_says_which_of_five():
    assert words.state_text(SERVERS[4]) == "Restarting (2 of 5)… – exit -9"


def test_the_launch_is_numbered_and_line_breaks_cannot_forge_an_argument():
    lines = words.launch_lines(LAUNCH).splitlines()
    assert len(lines) == len(LAUNCH.argv)
    assert lines[0] == "0  npx"
    assert lines[-1] == "4  --note=a\\u{202e}txt.exe\\u{a}second line"


@pytest.mark.parametrize(("part", "shown"), [("", '""'), (" x", '" x"'), ("\t", "\\u{9}"), ("a b", "a b")])
def test_blank_arguments_can_be_seen(part: str, shown: str):
    assert words.exact(part) == shown


def test_a_remote_launch_is_its_address_and_means_something_else():
    launch = Launch("box", (), url="https://box.example/mcp", digest="d")
    assert words.launch_lines(launch) == "https://box.example/mcp"
    assert [title for title, *_ in words.launch_facts(launch)] == ["Variables", "Fingerprint"]
    assert words.runs_as(launch) != words.runs_as(LAUNCH)


def test_a_launch_that_is_not_known_yet_has_no_fingerprint():
    facts = {title: text for title, text, _tone in words.launch_facts(Launch("x", ("run",)))}
    assert facts == {
        "Package": "no package: the program as it lies there",
        "Folder": "its own",
        "Variables": "none of yours",
        "Fingerprint": "not known yet",
    }


def test_only_enabled_and_accepted_tools_are_offered():
    assert [tool.name for tool in words.offered(TIME)] == ["get_current_time", "convert_time"]
    assert words.offered(GITHUB) == ()
    assert len(words.quarantined(GITHUB)) == 2


def test_a_changed_definition_shows_both_sides_and_a_new_one_only_itself():
    changed, new = (words.change_lines(each).splitlines() for each in CHANGES)
    assert [line[:1] for line in changed] == ["@", " ", " ", "-", "+", " "]
    assert {line[:2] for line in new} == {"+ "}
    assert words.change_lines(ToolChange("x", "a", "a")) == ""


def test_times_are_told_from_now():
    assert words.ago(None, 100.0) == "–"
    assert words.ago(70.0, 100.0) == "just now"
    assert words.ago(0.0, 600.0) == "10 min ago"


def test_the_summary_counts_what_runs_and_what_it_costs():
    assert words.summary(SERVERS) == "2 of 6 connected  ·  1 failed  ·  2 tools offered, ~412 tokens"
    assert words.summary(SERVERS[5:]) == "0 of 1 connected"
