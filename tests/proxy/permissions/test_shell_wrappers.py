"""Harmless wrappers come off a command; one with other options stays."""

from __future__ import annotations

import pytest

from proxy.permissions.shell import parse_line
from proxy.permissions.shell_wrappers import shell_scripts, unwrap, without_safe_wrappers


def test_shell_texts_of_a_shell() -> None:
    assert shell_scripts(["-c", "a", "b"]) == ["a"]
    assert shell_scripts(["-c", "--", "a"]) == ["a"]
    assert shell_scripts(["--norc", "-"]) == []
    assert unwrap("env", ["-S"]).scripts == []


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("timeout -k 5 --signal=KILL 5m nice -n 5 stdbuf -o L nohup time -p ls -l", "ls -l"),
        ("time -- ls", "ls"),
        ("timeout 5", ""),
        ("ls", "ls"),
    ],
)
def test_harmless_wrappers_come_off(text: str, rest: str) -> None:
    found = without_safe_wrappers(parse_line(text).commands[0].words)
    assert found is not None
    assert " ".join(word.shown for word in found) == rest


@pytest.mark.parametrize(
    "text", ["timeout", "timeout x ls", "timeout -k", "nice -z ls", "time -o f ls", "stdbuf -o x ls"]
)
def test_a_wrapper_with_other_options_stays(text: str) -> None:
    assert without_safe_wrappers(parse_line(text).commands[0].words) is None
