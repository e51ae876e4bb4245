"""A rule's meaning is said in words."""

from __future__ import annotations

import pytest

from proxy.permissions.rule_words import describe
from proxy.permissions.rules import Origin, read_rule
from proxy.permissions.values import Decision, Rule


def _words(effect: Decision, text: str, anchor: str = "", *, is_exception: bool = False) -> str:
    rule = read_rule(effect, text, Origin(anchor=anchor), is_exception=is_exception)
    assert isinstance(rule, Rule)
    return describe(rule)


@pytest.mark.parametrize(
    ("effect", "text", "words"),
    [
        ("allow", "Bash", "Allows running any command."),
        ("allow", "Bash(:*)", "Allows running any command."),
        ("ask", "Bash(git push:*)", "Asks before running `git push`, alone or with any arguments."),
        ("allow", "Bash(npm test)", "Allows running exactly `npm test`."),
        ("allow", "Bash(git * main)", "Allows running commands like `git * main`."),
        (
            "allow",
            "Bash(git * -m *)",
            "Allows running commands like `git * -m`, alone or with any arguments.",
        ),
        ("deny", "Bash(command:rm)", "Does nothing."),
        (
            "ask",
            "Bash(run_in_background:true)",
            "Asks before calls of Bash whose argument run_in_background is `true`.",
        ),
        ("deny", "Bash(timeout:6*)", "Forbids calls of Bash whose argument timeout is like `6*`."),
        ("deny", "Read", "Forbids the tool Read on any file (under strict: every tool that reads files)."),
        ("deny", "Write", "Forbids the tool Write."),
        ("deny", "Notebook*", "Forbids every tool whose name is like Notebook*."),
        ("deny", "*", "Forbids every tool."),
        ("deny", "mcp__git", "Forbids every tool of the MCP server git."),
        ("deny", "mcp__git__*", "Forbids every tool of the MCP server git."),
        ("allow", "mcp__git__get_*", "Allows the tools like get_* of the MCP server git."),
        ("allow", "mcp__git__log", "Allows the tool log of the MCP server git."),
        (
            "deny",
            "Read(.env)",
            "Forbids reading anything called `.env`, at any depth below the working directory.",
        ),
        ("deny", "Read(a/**)", "Forbids reading what matches `a/**` below the working directory."),
        ("allow", "Edit(./a)", "Allows changing (and reading) what matches `a` below the working directory."),
        ("deny", "Read(//etc/**)", "Forbids reading what matches `/etc/**`."),
        ("deny", "Read(~/.ssh/**)", "Forbids reading what matches `~/.ssh/**` in the home folder."),
        ("deny", "Read(/a/b)", "Forbids reading what matches `a/b` below the working directory."),
        ("allow", "WebFetch(domain:a.test)", "Allows fetching pages of a.test."),
        ("allow", "WebFetch(domain:*)", "Allows fetching pages of any host."),
        (
            "allow",
            "WebFetch(domain:*.a.test)",
            "Allows fetching pages of hosts below a.test, not of a.test itself.",
        ),
        ("allow", "WebFetch(domain:a.*)", "Allows fetching pages of hosts like a.*."),
        ("deny", "Agent(Explore)", "Forbids sub-conversations of the type `Explore`."),
    ],
)
def test_a_rule_is_said_in_one_sentence(effect: Decision, text: str, words: str) -> None:
    assert _words(effect, text) == words


def test_an_anchor_is_named() -> None:
    assert _words("deny", "Read(/a/b)", "/p") == "Forbids reading what matches `a/b` below /p."


def test_an_exception_lifts_deny_rules() -> None:
    assert _words("deny", "Read(//a)", is_exception=True) == "Lifts deny rules for reading what matches `/a`."
