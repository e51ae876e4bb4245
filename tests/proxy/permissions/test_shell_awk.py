"""Which programs of awk only read and print, and what strings they hold."""

from __future__ import annotations

import pytest

from proxy.permissions.shell_awk import read_awk


@pytest.mark.parametrize(
    ("program", "is_harmless"),
    [
        ("{ print ($1 + $2) / 2 }", True),
        ("{ print $1 }\n\n{ print $2 }", True),
        ("{ print a,\n b }", True),
        ("{ x = 1 /2/ 3 }", True),
        ("{ a[1] /= 2; print $NF / 3 }", True),
        ("{ i++ / 2 }", True),
        ('"a" /b/', True),
        ("{ print 1.5e3, .5 }", True),
        ("/a[/]b/ { print }", True),
        ("{ if (x) /a|b/ }", False),
        ("{ print a ? b : c > d }", False),
        ("{ print a,\n b > c }", False),
        ("{ print (a,\n b) > c }", False),
        ('{ print "a }', False),
        ("{ print /a }", False),
        ("`ls`", False),
        ("{ print \\ }", False),
        ("{ print 'a' }", False),
    ],
)
def test_awk_programs(program: str, is_harmless: bool) -> None:
    assert (read_awk(program).danger is None) is is_harmless


def test_awk_programs_tell_their_strings() -> None:
    assert read_awk('{ getline x < "a.txt"; print "b" }').strings == ("a.txt", "b")
