"""Names of tools: old and new ones, MCP servers, and patterns."""

from __future__ import annotations

import pytest

from proxy.permissions.tool_names import canonical, is_mcp, matches_name, names_literal_server


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("Bash", "Bash"),
        ("Agent", "Task"),
        ("Task", "Agent"),
        ("Edit", "MultiEdit"),
        ("Read", "NotebookRead"),
        ("Bash", "Monitor"),
        ("mcp__github", "mcp__github__get_issue"),
        ("mcp__github__*", "mcp__github__get_issue"),
        ("mcp__github__get_*", "mcp__github__get_issue"),
        ("mcp__github__get_issue", "mcp__github__get_issue"),
        ("*", "anything"),
        ("Notebook*", "NotebookEdit"),
    ],
)
def test_a_rule_is_about_a_tool(pattern: str, name: str) -> None:
    assert matches_name(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("Bash", "bash"),
        ("MultiEdit", "Edit"),
        ("Edit", "Write"),
        ("mcp__git", "mcp__github__get_issue"),
        ("mcp__github__get", "mcp__github__get_issue"),
        ("mcp__github", "mcp__github"[:-1]),
    ],
)
def test_a_rule_is_not_about_another(pattern: str, name: str) -> None:
    assert not matches_name(pattern, name)


def test_a_server_must_be_spelt_out_before_a_wildcard() -> None:
    assert names_literal_server("mcp__github__get_*")
    assert not names_literal_server("mcp__*")
    assert not names_literal_server("mcp__git*__get")
    assert not names_literal_server("*")


def test_old_names_become_new_ones() -> None:
    assert canonical("Task") == "Agent"
    assert canonical("Bash") == "Bash"
    assert is_mcp("mcp__a__b")
