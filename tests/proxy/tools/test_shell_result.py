from __future__ import annotations

import pytest

from proxy.tools.base import ToolOutput
from proxy.tools.child_output import HeadOutput
from proxy.tools.sandbox import Walls
from proxy.tools.shell_result import MAX_CHARS, last_program, sandbox_note, shell_result


def _output(text: str, limit: int = 2**20) -> HeadOutput:
    output = HeadOutput(limit)
    output.feed(text.encode())
    return output


def _said(command: str, code: int, out: str = "", errors: str = "", *notes: str) -> ToolOutput:
    return shell_result(command, code, _output(out), _output(errors), notes=notes)


def test_output_comes_first_then_errors_then_our_notes() -> None:
    assert _said("x", 0, "out\n", "err\n", "note") == ToolOutput.text("out\nerr\nnote", exit_code=0)


def test_a_failure_names_its_exit_code() -> None:
    assert _said("x", 3, "out\n", "err\n") == ToolOutput.text(
        "Exit code 3\nout\nerr", is_error=True, exit_code=3
    )
    assert _said("false", 1) == ToolOutput.text("Exit code 1", is_error=True, exit_code=1)


def test_no_output_is_said_in_words() -> None:
    assert _said("true", 0, "\n\n") == ToolOutput.text("(Bash completed with no output)", exit_code=0)


def test_a_signal_is_what_a_shell_makes_of_it() -> None:
    assert _said("x", -9).exit_code == 137


def test_blank_lines_around_go_and_indentation_stays() -> None:
    assert _said("x", 0, "\n \n  lead\n\ntrail  \n\n") == ToolOutput.text("  lead\n\ntrail", exit_code=0)


@pytest.mark.parametrize(
    "command",
    ["grep x f", "cat f | grep -q x", "cd a && /usr/bin/rg x", "diff a b", "[ -f x ]", "true; test -f x"],
)
def test_an_exit_code_that_is_an_answer_is_no_error(command: str) -> None:
    assert not _said(command, 1).is_error
    assert _said(command, 2).is_error


def test_the_last_program_is_guessed() -> None:
    assert [last_program(each) for each in ("", "ls", "a | /bin/b -c", "a && b", "a & b", "x; y;z")] == [
        "",
        "ls",
        "b",
        "b",
        "b",
        "z",
    ]


def test_a_time_out_says_so_and_shows_what_was_written() -> None:
    output = shell_result("x", -15, _output("begun"), _output(""), timed_out_after_s=1.5)

    assert output == ToolOutput.text(
        "Exit code 143\nCommand timed out after 1.5s\nbegun", is_error=True, exit_code=143
    )


def test_long_output_is_cut_and_says_how_much() -> None:
    text = "".join(f"{number}\n" for number in range(20_000))

    said = _said("seq", 0, text).content[0]["text"]

    shown, note = said.split("\n\n... [")
    assert shown == text[:MAX_CHARS]
    assert note == f"{20_000 - text[:MAX_CHARS].count(chr(10))} lines truncated] ..."


def test_what_was_not_even_kept_counts_as_cut() -> None:
    output = shell_result("x", 0, _output("1\n2\n3\n4\n", limit=2), _output(""))

    assert output.content[0]["text"] == "1\n\n... [4 lines truncated] ..."


@pytest.mark.parametrize(
    ("code", "errors", "is_noted"),
    [
        (1, "touch: cannot touch '/etc/x': Read-only file system", True),
        (6, "curl: (6) Could not resolve host: example.com", True),
        (1, "some other trouble", False),
        (0, "Network is unreachable", False),
    ],
)
def test_a_command_that_hit_the_sandboxs_walls_is_told_of_them(
    code: int, errors: str, *, is_noted: bool
) -> None:
    note = sandbox_note(code, _output(errors), Walls(("/work",), "/private"))

    assert ("They can write only in /work, /tmp, and have no network." in "".join(note)) is is_noted


def test_who_keeps_the_network_is_not_told_otherwise() -> None:
    walls = Walls(("/work",), "/private", has_network=True)

    assert "network" not in sandbox_note(1, _output("Permission denied"), walls)[0]
