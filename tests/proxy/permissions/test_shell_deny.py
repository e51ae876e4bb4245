"""What a command would start is found through wrappers, shells and hooks, within a budget."""

from __future__ import annotations

import pytest

from proxy.permissions.shell import parse_line
from proxy.permissions.shell_deny import InnerSearch, inner_commands, program_name


def _inner(text: str) -> list[str]:
    return [command.line for command in inner_commands(parse_line(text))]


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("sudo -u root -E X=1 env -i timeout -k 5 3 a b", "a b"),
        ("/usr/bin/env a", "a"),
        ("nice.exe a", "a"),
        ("xargs -i a", "a"),
        ("xargs -I{} a {}", "a {}"),
        ("bash -lc 'a; b'", "b"),
        ("bash --rcfile x -c a", "a"),
        ("bash +x -c a", "a"),
        ("bash -o pipefail -c a", "a"),
        ("bash -c", "bash -c"),
        ("bash x", "bash x"),
        ("eval -- a b", "a b"),
        ("trap -l", "trap -l"),
        ("trap", "trap"),
        ("command -v a", "command -v a"),
        ("env -S 'a b' c", "a b c"),
        ("env - a", "a"),
        ("su root -c a", "a"),
        ("su -c a root", "a"),
        ("flock --command=a x", "a"),
        ("watch -n 1 'a; b'", "b"),
        ("find . -exec", "find . -exec"),
        ("find . -exec ;", "find . -exec"),
        ("find . -exec a {} + -exec b {} \\;", "b {}"),
        ("git -C x --no-pager a", "git a"),
        ("git -C x", "git -C x"),
        ("git submodule foreach --recursive a", "a"),
        ("git rebase -x a", "a"),
        ("npm --prefix x run a", "npm run a"),
        ("a${IFS}b", "a b"),
        ("a$x b", "a b"),
        ("$x b", "$x b"),
        ("timeout", "timeout"),
        ("timeout 5", "timeout 5"),
        ("time a", "a"),
        ("complete -C a b", "a"),
        ("sh -c 'unclosed", "unclosed"),
    ],
)
def test_what_a_command_would_start_is_found(text: str, last: str) -> None:
    assert _inner(text)[-1] == last


def test_a_program_has_a_name_without_its_folder() -> None:
    assert [program_name(text) for text in ("/bin/rm", "rm", "rm.EXE", ".exe", "a/")] == [
        "rm",
        "rm",
        "rm",
        ".exe",
        "",
    ]


def test_wrappers_are_looked_through_within_a_budget() -> None:
    assert _inner("sudo " * 20 + "rm")[-1] == "rm"
    assert len(_inner("sudo " * 20 + "rm")) == 10
    search = InnerSearch()
    for _ in range(110):
        (command,) = parse_line("sh -c 'a; b'").commands
        assert [one.line for one in search.of(command)][1:] == ["a", "b"]
    deep = parse_line("; ".join(f"env {number}" for number in range(400))).commands
    search = InnerSearch()
    assert sum(len(search.of(command)) for command in deep * 4) < 400 * 4 + 1_100


def test_a_script_that_cannot_be_parsed_is_cut_roughly() -> None:
    script = "{ " * 200 + "rm x" + "; }" * 200
    assert "rm x" in _inner(f"sh -c '{script}'")


def test_a_line_that_cannot_be_parsed_is_cut_roughly() -> None:
    text = "if x=1 rm a; then 'ls' " + "b " * 12_000 + ".env; done"
    assert _inner(text)[:2] == ["rm a", "ls " + "b " * 7] or _inner(text)[0] == "rm a"
    (found,) = inner_commands(parse_line(text), (".env",))
    assert found.line.endswith(".env")
    assert len(found.words) < 20
    assert inner_commands(parse_line(text), ("curl",)) == ()
