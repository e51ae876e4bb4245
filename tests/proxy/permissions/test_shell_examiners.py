"""What each program's arguments say: a danger, or the files it works on."""

from __future__ import annotations

import pytest

from proxy.permissions.shell import parse_line
from proxy.permissions.shell_examiners import examine


@pytest.mark.parametrize(
    ("text", "danger"),
    [
        ("find -O3 . -newermt 2026-01-01", False),
        ("find . -newer x -samefile y", False),
        ("find -H . -O9", True),
        ("git log -O", True),
        ("git log -Oorder", True),
        ("git log -L", False),
        ("git log -L 1,2", False),
        ("git log -L :main", False),
        ("git diff -- :/x ':!.env' ':(exclude)x' ':(top)y' :1:z", False),
        ("git diff -", False),
        ("git branch --list=x", False),
        ("git", False),
        ("git --no-pager branch", False),
        ("git -c alias.x=!ls x", True),
        ("git config alias.x !ls", True),
        ("git rebase -x ls main", True),
        ("git fetch --upload-pack=./x", True),
        ("git commit -m x --amend", False),
        ("gawk 'BEGIN{system(1)}'", True),
        ("jq '# \"\n env # \"'", True),
        ("jq '# x\n .a' f", False),
        ("rg -g '!secret*' -g '*.{a,b}' -g '!a/b' x", False),
        ("rg -t unknown x", False),
        ("rg -t", False),
        ("rg --type-list", False),
        ("rg -f list src", False),
        ("jq -- .a x", False),
        ("jq --args . a", False),
        ("jq", False),
        ("jq - x", False),
        ("awk", False),
        ("awk 1 x=1 y", False),
        ("sed", False),
        ("python x.py --a=b", False),
        ("python -m pytest -pno:cacheprovider -p no:x a", False),
        ("npm run test", False),
        ("tar", True),
        ("tar tf - x", False),
        ("uniq", False),
        ("printf", False),
        ("printf --", False),
        ("grep -d skip x y", False),
        ("grep -d", False),
        ("diff --to-file=a b", False),
        ("ls --unknown=/x", False),
        ("declare -x a", False),
        ("unknown a --b=c -d --e=", False),
    ],
)
def test_arguments_of_programs(text: str, danger: bool) -> None:
    command = parse_line(text).commands[0]
    examined = examine(command.words[0].shown, command.words[1:])
    assert (examined.danger is not None) is danger


def test_the_files_of_revisions_and_pathspecs_are_operands() -> None:
    def paths(text: str) -> list[tuple[str, bool]]:
        return [
            (one.word.shown, one.from_top)
            for one in examine("git", parse_line(f"git {text}").commands[0].words[1:]).operands
        ]

    assert paths("show HEAD:a b:./c") == [("a", True), ("./c", False)]
    assert paths("diff x -- y :/z ':(top)w' :!v :0:u") == [
        *(("x", False), ("y", False), ("z", True), ("w", True), ("u", True))
    ]
    assert paths("log -L 1,2:f -L:g:h") == [("f", False), ("h", False)]
