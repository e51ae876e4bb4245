"""Which programs of sed read or write files, and which cannot be read."""

from __future__ import annotations

import pytest

from proxy.permissions.shell_sed import SedReading, read_sed


@pytest.mark.parametrize(
    ("program", "danger", "file"),
    [
        ("p # e", None, None),
        ("#n\np", None, None),
        ("s/a/\\n/;p", None, None),
        ("y/a\\/b/cde/", None, None),
        ("/a\\/b/I,/c/!d", None, None),
        ("s", "cannot be read", None),
        ("s\\a\\b\\", "cannot be read", None),
        ("s\na\nb\n", "cannot be read", None),
        ("s/a", "cannot be read", None),
        ("s/a/b", "cannot be read", None),
        ("y/a", "cannot be read", None),
        ("/a", "cannot be read", None),
        ("5", "cannot be read", None),
        ("b x y", "cannot be read", None),
        ("p p", "cannot be read", None),
        ("s/[/]/x/;w f", "writes a file", "f"),
        ("s/[/]/x/w f", "writes a file", "f"),
        ("s/[a/w f]/b/", None, None),
        ("r f", "reads a file", "f"),
        ("R", "reads a file", ""),
        ("a\\", "cannot be read", None),
        ("c x", None, None),
    ],
)
def test_sed_programs(program: str, danger: str | None, file: str | None) -> None:
    reading = read_sed(program)
    assert (reading.danger is None) == (danger is None)
    assert (danger or "") in (reading.danger or "")
    assert reading == SedReading(reading.danger, file)
