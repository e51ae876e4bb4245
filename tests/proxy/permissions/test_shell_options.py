"""Options are read as getopt reads them, and what is not surely harmless is a danger."""

from __future__ import annotations

import pytest

from proxy.permissions.shell import parse_line
from proxy.permissions.shell_options import option_table, read_arguments
from proxy.permissions.shell_values import Word


def _words(text: str) -> tuple[Word, ...]:
    return parse_line(f"x {text}").commands[0].words[1:]


_TABLE = option_table(
    {"flag": "ab", "value": "n", "optional": "i", "danger": "x"},
    {"flag": "all another", "value": "lines", "optional": "color", "danger": "output", "read": "file"},
    takes_numbers=True,
)


@pytest.mark.parametrize(
    ("text", "options", "operands"),
    [
        ("-ab c", ["-a", "-b"], ["c"]),
        ("-n 5 c", ["-n 5"], ["c"]),
        ("-an5 c", ["-a", "-n 5"], ["c"]),
        ("-n", ["-n"], []),
        ("-5 c", ["-5"], ["c"]),
        ("-i.bak c", ["-i .bak"], ["c"]),
        ("-i c", ["-i "], ["c"]),
        ("--lines=5 --lines 6", ["--lines 5", "--lines 6"], []),
        ("--lin 5 c", ["--lines 5"], ["c"]),
        ("--lines", ["--lines"], []),
        ("--color c --color=x", ["--color", "--color x"], ["c"]),
        ("c -a -- -b - d", ["-a"], ["c", "-b", "-", "d"]),
        ("- -a", ["-a"], ["-"]),
    ],
)
def test_options_are_read_as_getopt_reads_them(text: str, options: list[str], operands: list[str]) -> None:
    found = read_arguments(_words(text), _TABLE)
    shown = [one.name + (f" {one.value.shown}" if one.value is not None else "") for one in found.options]
    assert shown == options
    assert [one.shown for one in found.operands] == operands
    assert found.danger is None


@pytest.mark.parametrize(
    "text", ["-x", "-ax", "--output=f", "--out f", "--o", "--unknown", "-q", "--a", "--fil=x --zz"]
)
def test_options_that_are_dangerous_unknown_or_ambiguous_are_a_danger(text: str) -> None:
    table = option_table(
        {"flag": "a", "danger": "x"}, {"flag": "all", "value": "after", "read": "file", "danger": "output"}
    )
    assert read_arguments(_words(text), table).danger is not None


def test_an_abbreviation_of_options_of_one_kind_is_that_kind() -> None:
    assert read_arguments(_words("--a"), option_table({}, {"flag": "all any"})).danger is None


def test_options_end_at_the_first_operand_where_they_do_not_mix() -> None:
    found = read_arguments(_words("-a b -x"), _TABLE, permutes=False)
    assert [one.shown for one in found.operands] == ["b", "-x"]
