"""Shell lines are judged as Claude Code judges them, never below what is safe."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pytest

from proxy.permissions.engine import judge
from proxy.permissions.read_only_commands import only_looks
from proxy.permissions.shell_edits import edited_paths
from proxy.permissions.values import Decision, FolderEntry, PathAccess, Place, Verdict
from tests.proxy.permissions.places import HOME, ROOT, bash, paper_place, policy

_FILES = (f"{ROOT}/src/app.py", f"{ROOT}/.env", f"{ROOT}/docs/a.md", "/data/x.csv", f"{ROOT}/secrets/k.txt")


def _list(path: str) -> tuple[FolderEntry, ...]:
    folder = PurePosixPath(posixpath.normpath(path))
    names = {
        PurePosixPath(each).relative_to(folder).parts[0]
        for each in _FILES
        if folder in PurePosixPath(each).parents
    }
    return tuple(FolderEntry(name, "file" if "." in name else "folder") for name in sorted(names))


_PLACE = paper_place(_FILES, list_folder=_list)
_RULES: dict[str, Any] = {
    "allow": ["Bash(mytool *)", "Bash(other)", "Bash(rm:*)", "Bash(find:*)", "Bash(timeout 9 slow:*)"],
    "ask": ["Bash(mytool danger *)", "Read(docs/**)"],
    "deny": ["Bash(curl *)", "Read(.env)", "Read(secrets/**)"],
}


def _judged(command: str, place: Place = _PLACE, **changes: Any) -> Verdict:
    return judge(bash(command), policy(**{**_RULES, **changes}), place)


@pytest.mark.parametrize(
    "command",
    [
        "mytool x",
        "  mytool   x  ",
        "'mytool' \"x y\"",
        "mytool x && other; mytool y | mytool z || other",
        "if mytool a; then other; else other; fi",
        "for i in a b; do other; done",
        "timeout 5 mytool x",
        "timeout -s KILL -k 3 5s mytool x",
        "timeout --signal=TERM --verbose 1.5h mytool x",
        "timeout 9 slow x",
        "nice mytool x",
        "nice -n 5 nohup mytool x",
        "nice -5 stdbuf -oL -e0 mytool x",
        "time -p mytool x",
        "command mytool x",
        "builtin echo x",
        "noglob mytool x",
        "echo a | xargs mytool",
        "NODE_ENV=test LC_ALL=C mytool x",
        "TZ=Europe/Berlin RUST_LOG=a=debug,b mytool x",
        "mytool x > /dev/null 2>&1",
        "mytool x < src/app.py",
        "mytool <<< word",
        "mytool <<'E'\n$(x)\nE",
        "x=1",
        "# only a comment\nother",
        "cd src && mytool x",
        "mytool /data/x.csv --log=/data/y",
        "cd src; cd ..; ls",
        "cd -- src && ls",
        "ls src/*.py",
        "mytool *.md",
        "cat src/app.py | grep -n x | wc -l",
        "sed -n 1,5p src/app.py",
        "git status",
        "git branch -a",
        "git stash list",
        "date +%F",
        "! grep -q x src/app.py",
        "find . -name '*.py'",
    ],
)
def test_a_line_of_allowed_parts_runs(command: str) -> None:
    verdict = _judged(command)

    assert verdict.decision == "allow", verdict


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("unknown x", "no rule allows"),
        ("mytool x && unknown", "no rule allows 'unknown'"),
        ("mytool danger x", "ask rule"),
        ("sudo mytool danger x", "ask rule"),
        ("sudo " * 12, "no rule allows"),
        ("mytool $X", "cannot be checked"),
        ("x=1; mytool $x", "may change"),
        ("mytool $(other)", "nested command"),
        ("mytool `other`", "nested command"),
        ("mytool <(other)", "nested command"),
        ("(mytool x)", "group of commands"),
        ("{ mytool x; }", "group of commands"),
        ("mytool x &", "background"),
        ("mytool() { other; }; mytool", "function"),
        ("eval mytool x", "'eval'"),
        ("watch mytool x", "'watch'"),
        ("setsid mytool x", "'setsid'"),
        (". src/app.py", "'.'"),
        ("FOO=1 mytool x", "FOO"),
        ("NODE_ENV=$X mytool x", "NODE_ENV"),
        ("LANG+=x mytool x", "LANG"),
        ("LANG=./evil mytool x", "LANG"),
        ("TZ=a/../../b mytool x", "TZ"),
        ("PATH=/x", "PATH"),
        ("x=$(other)", "nested command"),
        ("x=1; y=2", "may change"),
        ("a[1]=$y", "may change"),
        ("env mytool x", "no rule allows"),
        ("timeout --unknown 5 mytool x", "no rule allows"),
        ("timeout", "no rule allows"),
        ("timeout $N mytool x", "cannot be checked"),
        ("timeout 5 -x", "no rule allows"),
        ("nice '' mytool", "no rule allows"),
        ("stdbuf -o 'a b' mytool x", "no rule allows"),
        ("xargs -0 mytool", "no rule allows"),
        ("nice " * 9 + "mytool", "no rule allows"),
        ("echo a | xargs cat", "xargs adds"),
        ("echo a | xargs find", "xargs adds"),
        ("echo a | xargs unknown", "xargs adds"),
        ("cd", "outside the workspace"),
        ("cd -", "where cd leads"),
        ("cd ~", "outside the workspace"),
        ("cd ~nobody", "where cd leads"),
        ("cd $X", "cannot be checked"),
        ("cd a b", "where cd leads"),
        ("cd /data && ls", "outside the workspace"),
        ("cd src && git status", "another folder"),
        ("cd .. && ls", "outside the workspace"),
        ("cat /data/x.csv", "outside the workspace"),
        ("cat ~/.bashrc", "outside the workspace"),
        ("cat docs/a.md", "ask rule Read(docs/**)"),
        ("find . -delete", "find"),
        ("find /data -name x", "outside the workspace"),
        ("find . -exec other {} ;", "find"),
        ("mytool x > out", "no rule says whether it may be written"),
        ("mytool x > $F", "where the redirection leads"),
        ("mytool x > ~/f", "where the redirection leads"),
        ("mytool x > *.md", "where the redirection leads"),
        ("mytool x 5> /data/f", "where the redirection leads"),
        ("mytool x > /data/f", "outside the workspace"),
        ("mytool <<< $X", "here-string"),
        ("mytool <> src/app.py", "no rule says"),
        ("mytool x > .npmrc", ".npmrc can change what programs do"),
        ("> out", "no rule says"),
        ("mytool > /dev/tcp/192.0.2.1/80", "devices"),
        ("sort src/*.py", "no rule allows"),
        ("touch src/x", "changes files"),
        ("mytool <<E\nx\nE", "here-document"),
        ("mytool x\u202ey", "U+202E"),
        ("[[ -f x ]]", "no rule allows"),
        ("rm -rf /", "never approved by a rule"),
        ("rm -rf /usr", "never approved by a rule"),
        (f"rm -rf {HOME}", "never approved by a rule"),
        ("rm -rf ~", "never approved by a rule"),
        ("rm -rf .", "never approved by a rule"),
        ("rm -rf ..", "never approved by a rule"),
        ('rm -rf "$X"/*', "never approved by a rule"),
        ("rm -rf /data/x.csv", "outside the workspace"),
        ("cd src && rm -rf ..", "never approved by a rule"),
        ("sudo rm -rf /", "never approved by a rule"),
    ],
)
def test_what_is_not_known_to_be_harmless_asks(command: str, words: str) -> None:
    verdict = _judged(command)

    assert verdict.decision == "ask", verdict
    assert any(words in reason for reason in (verdict.reason, *(part.reason for part in verdict.parts)))


@pytest.mark.parametrize(
    "command",
    [
        "curl x",
        "mytool x && curl x",
        "f() { curl x; }; other",
        "sh -c 'curl x'",
        "sudo timeout 5 curl x",
        "sudo " * 40 + "curl x",
        "eval " * 40 + "env /usr/bin/nice -n 5 curl x",
        "FOO=1 curl x",
        "mytool $(curl x)",
        "cat .env",
        "cd src && cat ../.env",
        "mytool < .env",
        "cat src/../.env",
        "sed -n 1p secrets/k.txt",
        "cat .en?",
    ],
)
def test_what_is_denied_is_denied_wherever_it_stands(command: str) -> None:
    verdict = _judged(command)

    assert verdict.decision == "deny", verdict
    assert verdict.rule is not None


def test_an_edit_rule_lets_a_redirection_write_and_no_other_command() -> None:
    rules: dict[str, Any] = {"allow": [*_RULES["allow"], "Edit(src/**)"]}

    assert _judged("mytool x > src/out", **rules).decision == "allow"
    assert _judged("mytool x > out", **rules).decision == "ask"
    assert _judged("touch src/out", **rules).decision == "ask"
    assert _judged("cd src && mytool x > out", **rules).decision == "allow"
    assert _judged("other && cd src; mytool x > out", **rules).decision == "ask"  # it may be in either folder


@pytest.mark.parametrize(
    ("command", "decision"),
    [
        ("mkdir -p a/b", "allow"),
        ("touch a", "allow"),
        ("rm -f src/app.py", "allow"),
        ("cp src/app.py b", "allow"),
        ("mv src/app.py src/b", "allow"),
        ("sed -i s/a/b/g src/app.py", "allow"),
        ("cd src && touch a", "allow"),
        ("mytool x > out", "allow"),
        ("touch .npmrc", "ask"),
        ("touch /data/y", "ask"),
        ("cp /data/x.csv a", "ask"),
        ("cp .env a", "deny"),
        ("mv secrets a", "deny"),
        ("cp src/app.py .git", "ask"),
        ("rm -rf .", "ask"),
        ("touch *", "ask"),
        ("chmod +x a", "ask"),
    ],
)
def test_accepting_edits_lets_file_commands_run_inside_the_workspace(
    command: str, decision: Decision
) -> None:
    assert _judged(command, mode="acceptEdits").decision == decision


def test_a_rule_for_all_commands_opens_what_only_lacked_a_rule() -> None:
    rules = {"allow": ["Bash"], "deny": ["Read(.env)"]}

    for command in ("unknown x", "mytool $(other) &", "(other)", "eval x", "cat /data/x.csv", "touch a > b"):
        assert judge(bash(command), policy(**rules), _PLACE).decision == "allow", command
    for command in ("rm -rf /", "rm -rf $X", "unknown > .npmrc", "other\u202ex"):
        assert judge(bash(command), policy(**rules), _PLACE).decision == "ask", command
    assert judge(bash("(cat .env)"), policy(**rules), _PLACE).decision == "deny"
    asking = policy(**rules, ask=["Read(docs/**)"])
    assert judge(bash("cat docs/a.md"), asking, _PLACE).decision == "ask"


def test_the_list_of_harmless_commands_can_be_switched_off() -> None:
    assert _judged("ls").decision == "allow"
    assert _judged("ls", builtin_read_only=False).decision == "ask"


def test_an_empty_line_runs_nothing() -> None:
    assert _judged("").decision == "allow"
    assert _judged("# nothing").decision == "allow"


def test_many_changes_of_folder_stay_within_bounds() -> None:
    line = "; ".join(f"cd d{number}" for number in range(200))

    assert _judged(line).decision in {"allow", "ask"}


def test_without_a_workspace_no_command_is_critical_but_all_ask() -> None:
    assert _judged("rm -rf x", replace(_PLACE, workspace=None)).decision == "ask"


# The lists ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words", "is_harmless"),
    [
        ("ls", ["-la"], True),
        ("./ls", [], False),
        ("env", [], False),
        ("whoami", [], True),
        ("whoami", ["x"], False),
        ("date", ["-s", "x"], False),
        ("date", ["-u", "+%F"], True),
        ("printf", ["-v", "x"], False),
        ("diff", ["--paginate", "a"], False),
        ("diff", ["--pag", "a"], False),
        ("diff", ["-u", "a", "--", "b"], True),
        ("grep", ["-rfx"], False),
        ("grep", ["-rn", "x", "."], True),
        ("find", [".", "-name", "x"], True),
        ("find", [".", "-okdir", "x"], False),
        ("uniq", ["-c", "a"], True),
        ("uniq", ["a", "b"], False),
        ("sed", ["-n", "1p"], True),
        ("sed", ["-n", "-e", "1p", "-e", "$p", "a"], True),
        ("sed", ["--quiet", "/x/,/y/p", "a"], True),
        ("sed", ["-ne", "1p"], False),
        ("sed", ["1p"], False),
        ("sed", ["-n"], False),
        ("sed", ["-n", "-e"], False),
        ("sed", ["-n", "-e", "w x"], False),
        ("sed", ["-n", "w x"], False),
        ("sed", ["-i", "1p"], False),
        ("sed", ["-n", "-", "x"], False),
        ("git", [], False),
        ("git", ["log", "-p"], True),
        ("git", ["-C", "/x", "log"], False),
        ("git", ["diff", "--output=x"], False),
        ("git", ["diff", "--out", "x"], False),
        ("git", ["log", "-Ox"], False),
        ("git", ["push"], False),
        ("git", ["branch"], True),
        ("git", ["branch", "new"], False),
        ("git", ["tag", "-l"], True),
        ("git", ["stash"], False),
        ("git", ["stash", "list"], True),
        ("tree", ["-o", "x"], False),
        ("tree", [], True),
    ],
)
def test_a_command_only_looks_with_the_right_options(name: str, words: list[str], is_harmless: bool) -> None:
    assert only_looks(name, words, has_glob=False) is is_harmless


def test_a_pattern_may_be_an_option_in_disguise() -> None:
    assert only_looks("ls", ["*"], has_glob=True)
    assert not only_looks("sort", ["*"], has_glob=True)


@pytest.mark.parametrize(
    ("name", "words", "paths"),
    [
        ("mkdir", ["-p", "a"], ["a"]),
        ("rm", ["-rf", "--", "-x"], ["-x"]),
        ("cp", ["a", "b", "c"], ["a", "b", "c", "c/a", "c/b"]),
        ("mv", ["x/a", "c"], ["x/a", "x/a", "c", "c/a"]),
        ("sed", ["-i", "s/a/b/", "x", "y"], ["x", "y"]),
        ("sed", ["-n", "--in-place", "s,a,b,gI", "x"], ["x"]),
    ],
)
def test_a_file_command_says_what_it_touches(name: str, words: list[str], paths: list[str]) -> None:
    touched = edited_paths(name, words)

    assert touched is not None
    assert [access.path for access in touched] == paths
    assert all(isinstance(access, PathAccess) for access in touched)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chmod", ["x"]),
        ("cp", ["-r", "a", "b"]),
        ("cp", ["-t", "d", "a"]),
        ("cp", ["a"]),
        ("mv", ["a"]),
        ("rm", []),
        ("rm", ["--no-preserve-root", "x"]),
        ("sed", ["s/a/b/", "x"]),
        ("sed", ["-i", "s/a/b/e", "x"]),
        ("sed", ["-i", "w x", "x"]),
        ("sed", ["-i", "s/a/b/"]),
    ],
)
def test_other_file_commands_are_not_followed(name: str, words: list[str]) -> None:
    assert edited_paths(name, words) is None


def test_a_read_rule_for_a_folder_outside_covers_the_commands_that_read_there() -> None:
    rules: dict[str, Any] = {"allow": [*_RULES["allow"], "Read(//data/**)"]}

    assert _judged("cat /data/x.csv").decision == "ask"
    assert _judged("cat /data/x.csv", **rules).decision == "allow"
    assert _judged("cat /other/x.csv", **rules).decision == "ask"
