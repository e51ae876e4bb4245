"""`Bash(…)` patterns: exact, with arguments, with wildcards."""

from __future__ import annotations

import pytest

from proxy.permissions.command_patterns import command_matches, read_pattern


@pytest.mark.parametrize(
    ("spec", "command"),
    [
        ("build", "build"),
        ("  npm   test ", "npm test"),
        ("mytool run *", "mytool run"),
        ("mytool run *", "mytool run x y"),
        ("mytool run:*", "mytool run x"),
        ("mytool run*", "mytool runx"),
        ("mytool * main", "mytool push --force main"),
        ("* --version", "anything --version"),
        ("git * -m *", "git commit -m x"),
        ("git * -m *", "git commit -m"),
        (":*", "whatever"),
        ("bui:* x", "bui:y x"),
    ],
)
def test_a_command_matches(spec: str, command: str) -> None:
    assert command_matches(spec, command)


@pytest.mark.parametrize(
    ("spec", "command"),
    [
        ("build", "build x"),
        ("build", "Build"),
        ("mytool run *", "mytool runx"),
        ("mytool run:*", "mytool"),
        ("mytool * main", "mytool main"),
        ("bui:* x", "build x"),
    ],
)
def test_another_command_does_not(spec: str, command: str) -> None:
    assert not command_matches(spec, command)


def test_a_wildcard_before_the_end_is_told_apart() -> None:
    assert read_pattern("git * main").has_inner_wildcard
    assert not read_pattern("git log:*").has_inner_wildcard
