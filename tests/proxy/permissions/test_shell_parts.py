"""What the strict policy's parts know: options, programs of sed and awk, wrappers, globs, searches."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from proxy.permissions.shell import parse_line
from proxy.permissions.shell_awk import read_awk
from proxy.permissions.shell_deny import InnerSearch, inner_commands, program_name
from proxy.permissions.shell_examiners import examine
from proxy.permissions.shell_globs import TooManyMatches, UnlistedFolder, expand_glob
from proxy.permissions.shell_options import option_table, read_arguments
from proxy.permissions.shell_programs import Search
from proxy.permissions.shell_search import MAX_ENTRIES, Searcher, suspicious_names
from proxy.permissions.shell_sed import SedReading, read_sed
from proxy.permissions.shell_values import Word
from proxy.permissions.shell_wrappers import shell_scripts, unwrap, without_safe_wrappers
from proxy.permissions.values import FolderEntry, Place, Workspace
from proxy.tools.guard import WorkspaceGuard
from tests.proxy.permissions.places import ROOT, paper_place, policy


def words(text: str) -> tuple[Word, ...]:
    return parse_line(f"x {text}").commands[0].words[1:]


def inner(text: str) -> list[str]:
    return [command.line for command in inner_commands(parse_line(text))]


# Options --------------------------------------------------------------------------------------

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
    found = read_arguments(words(text), _TABLE)
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
    assert read_arguments(words(text), table).danger is not None


def test_an_abbreviation_of_options_of_one_kind_is_that_kind() -> None:
    assert read_arguments(words("--a"), option_table({}, {"flag": "all any"})).danger is None


def test_options_end_at_the_first_operand_where_they_do_not_mix() -> None:
    found = read_arguments(words("-a b -x"), _TABLE, permutes=False)
    assert [one.shown for one in found.operands] == ["b", "-x"]


# Programs -------------------------------------------------------------------------------------


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
        return [(one.word.shown, one.from_top) for one in examine("git", words(text)).operands]

    assert paths("show HEAD:a b:./c") == [("a", True), ("./c", False)]
    assert paths("diff x -- y :/z ':(top)w' :!v :0:u") == [
        *(("x", False), ("y", False), ("z", True), ("w", True), ("u", True))
    ]
    assert paths("log -L 1,2:f -L:g:h") == [("f", False), ("h", False)]


# Wrappers -------------------------------------------------------------------------------------


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
    assert inner(text)[-1] == last


def test_a_program_has_a_name_without_its_folder() -> None:
    assert [program_name(text) for text in ("/bin/rm", "rm", "rm.EXE", ".exe", "a/")] == [
        "rm",
        "rm",
        "rm",
        ".exe",
        "",
    ]


def test_wrappers_are_looked_through_within_a_budget() -> None:
    assert inner("sudo " * 20 + "rm")[-1] == "rm"
    assert len(inner("sudo " * 20 + "rm")) == 10
    search = InnerSearch()
    for _ in range(110):
        (command,) = parse_line("sh -c 'a; b'").commands
        assert [one.line for one in search.of(command)][1:] == ["a", "b"]
    deep = parse_line("; ".join(f"env {number}" for number in range(400))).commands
    search = InnerSearch()
    assert sum(len(search.of(command)) for command in deep * 4) < 400 * 4 + 1_100


def test_a_script_that_cannot_be_parsed_is_cut_roughly() -> None:
    script = "{ " * 200 + "rm x" + "; }" * 200
    assert "rm x" in inner(f"sh -c '{script}'")


def test_a_line_that_cannot_be_parsed_is_cut_roughly() -> None:
    text = "if x=1 rm a; then 'ls' " + "b " * 12_000 + ".env; done"
    assert inner(text)[:2] == ["rm a", "ls " + "b " * 7] or inner(text)[0] == "rm a"
    (found,) = inner_commands(parse_line(text), (".env",))
    assert found.line.endswith(".env")
    assert len(found.words) < 20
    assert inner_commands(parse_line(text), ("curl",)) == ()


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


# Globs and searches ---------------------------------------------------------------------------


def _tree(root: Path, names: Sequence[str]) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x", encoding="utf-8")


def _place(root: Path, guard: WorkspaceGuard) -> Place:
    return Place(Workspace("here", str(root)), str(root), "/home/u", guard.facts, list_folder=guard.names_in)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "root"
    root.mkdir()
    _tree(root, ["a.py", "b.py", "c.txt", ".hidden", "d/e.py", "d/f/g.py", "-x", "[y]", "d/.env", "*", "q?"])
    (root / "link").symlink_to("d")
    return root


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
    guard = WorkspaceGuard.open(Workspace("here", str(folder)))
    found = expand_glob(pattern, str(folder), _place(folder, guard), lambda _: True)
    guard.close()
    script = f"shopt -s nullglob; printf '%s\\n' {pattern}"
    ran = subprocess.run(
        ["bash", "--norc", "-c", script], cwd=folder, capture_output=True, check=True, text=True
    )
    ours = {name for name in found if name != ".."}
    assert ours == set(ran.stdout.split("\n")) - {"", ".", ".."}


def test_globs_are_expanded_only_where_one_may_look(folder: Path) -> None:
    guard = WorkspaceGuard.open(Workspace("here", str(folder)))
    place = _place(folder, guard)
    with pytest.raises(UnlistedFolder):
        expand_glob("/etc/*", str(folder), place, lambda path: path.startswith(str(folder)))
    assert expand_glob(f"{folder}/*.txt", "/", place, lambda _: True).keys() == {f"{folder}/c.txt"}
    _tree(folder, [f"many/{number}" for number in range(310)])
    with pytest.raises(TooManyMatches):
        expand_glob("many/*", str(folder), place, lambda _: True)
    guard.close()


def _search(place: Place, path: str, search: Search, **lists: list[str]) -> str | None:
    given = policy(name="strict", **lists)
    return Searcher(given, place, suspicious_names(given)).search(path, search)


def test_a_search_is_followed_into_what_it_would_print(folder: Path) -> None:
    guard = WorkspaceGuard.open(Workspace("here", str(folder)))
    place = _place(folder, guard)
    (folder / "d" / "out").symlink_to("/etc")
    (folder / "d" / "f" / "loop").symlink_to("..")
    (folder / "d" / "f" / "file").symlink_to("../.env")
    top, deny = str(folder), ["Read(**/.env)"]
    assert _search(place, top, Search(), deny=deny) is not None
    assert _search(place, top, Search(skips_hidden=True), deny=deny) is None
    assert _search(place, top, Search(includes=("*.py",)), deny=deny) is None
    assert _search(place, top, Search(excludes=("d",)), deny=deny) is None
    assert _search(place, top, Search(excludes=(".env",)), deny=deny) is None
    follows = Search(excludes=("out", ".env"), follows_links=True)
    assert "loop" not in (_search(place, top, follows, deny=deny) or "loop")
    assert (
        _search(place, top, Search(includes=("*.py",), excludes=("out",), follows_links=True), deny=deny)
        is None
    )
    assert "out" in (_search(place, top, Search(excludes=(".env",), follows_links=True), deny=deny) or "")
    assert _search(place, f"{top}/a.py", Search(), deny=deny) is None
    assert _search(place, top, Search(), deny=["Read(d/f/*)"]) is not None
    assert _search(place, top, Search(), deny=["Read(d/**)"]) is not None
    assert _search(place, top, Search(), deny=["Read(**)"]) is not None
    assert _search(place, top, Search(), deny=["Read({x,y}.py)"], ask=["Edit(zz)"]) is None
    guard.close()


def test_a_search_too_large_to_be_followed_asks() -> None:
    entries = tuple(FolderEntry(f"{number}.txt", "file") for number in range(MAX_ENTRIES + 1))
    place = Place(
        Workspace("here", ROOT),
        ROOT,
        "/home/u",
        paper_place((f"{ROOT}/x",)).look,
        list_folder=lambda _: entries,
    )
    assert "names" in (_search(place, ROOT, Search()) or "")
