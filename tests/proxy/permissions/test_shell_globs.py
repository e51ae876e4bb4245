"""Globs are expanded as bash does it, and only where one may look."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from proxy.permissions.shell_globs import TooManyMatches, UnlistedFolder, expand_glob
from tests.proxy.permissions.places import HOME, fill, real_place


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "*",
            "*.py",
            "?.py",
            "[ab].py",
            "[!a].py",
            "d/*",
            "*/*.py",
            "d/*/g.py",
            "d*/",
            ".*",
            ".h*",
            "**/*.py",
            "d/**",
        ),
        *(
            "nothing*",
            "\\**",
            "\\[*",
            "[.]hidden",
            "*/",
            "link/*",
            "./*.py",
            "d/../*.txt",
            "[[]y]",
            "*/nothing",
            "q\\?",
        ),
    ],
)
def test_globs_are_expanded_as_bash_does(folder: Path, pattern: str) -> None:
    with real_place(folder, Path(HOME)) as place:
        found = expand_glob(pattern, str(folder), place, lambda _: True)
    script = f"shopt -s nullglob; printf '%s\\n' {pattern}"
    ran = subprocess.run(
        ["bash", "--norc", "-c", script], cwd=folder, capture_output=True, check=True, text=True
    )
    ours = {name for name in found if name != ".."}
    assert ours == set(ran.stdout.split("\n")) - {"", ".", ".."}


def test_globs_are_expanded_only_where_one_may_look(folder: Path) -> None:
    fill(folder, [f"many/{number}" for number in range(310)])
    with real_place(folder, Path(HOME)) as place:
        with pytest.raises(UnlistedFolder):
            expand_glob("/etc/*", str(folder), place, lambda path: path.startswith(str(folder)))
        assert expand_glob(f"{folder}/*.txt", "/", place, lambda _: True).keys() == {f"{folder}/c.txt"}
        with pytest.raises(TooManyMatches):
            expand_glob("many/*", str(folder), place, lambda _: True)
