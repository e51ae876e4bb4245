"""The strict policy on shell lines: the attack corpus, 1,300 lines of our own, and lines of many parts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks.inputs.shell_project import RULES, make_project
from proxy.permissions import shell, shell_strict
from proxy.permissions.rules import read_permissions
from proxy.permissions.values import FolderEntry, Place, Policy, Verdict, Workspace
from proxy.tools.guard import WorkspaceGuard
from tests.proxy.permissions.places import paper_place, policy

_OWN = Path(__file__).parents[2] / "data" / "shell_lines.jsonl"
_RANK = {"allow": 0, "ask": 1, "deny": 2}
_STRICT = Policy("strict", read_permissions(dict(RULES)).rules, builtin_read_only=False)

Judge = Callable[[str], Verdict]


def _rows(path: Path) -> list[dict[str, Any]]:
    return [
        cast("dict[str, Any]", json.loads(text)) for text in path.read_text(encoding="utf-8").splitlines()
    ]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("project").resolve()
    make_project(root)
    workspace = Workspace("here", str(root))
    guard = WorkspaceGuard.open(workspace)
    yield Place(workspace, str(root), "/home/user", guard.facts, list_folder=guard.names_in)
    guard.close()


@pytest.fixture
def judge(project: Place) -> Judge:
    return lambda text: shell_strict.judge(shell.parse_line(text), _STRICT, project)


def _wrong(rows: list[dict[str, Any]], judge: Judge) -> list[str]:
    found: list[str] = []
    for row in rows:
        verdict = judge(row["input"])
        if verdict.decision != row["expect"]:
            found.append(f"{row['id']} {row['expect']}, not {verdict.decision}: {row['input'][:200]!r}")
    return found


def test_every_line_of_our_own_is_judged_as_it_should_be(judge: Judge) -> None:
    rows = _rows(_OWN)
    assert len(rows) > 3_600
    assert _wrong(rows, judge) == []


def test_every_line_of_the_attack_corpus_is_judged_as_it_should_be(shared_data: Path, judge: Judge) -> None:
    rows = _rows(shared_data / "attacks" / "open" / "bash_commands.jsonl")
    assert _wrong(rows, judge) == []


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("true && " * 300 + "rm x", "deny"),
        ("echo '" + "x" * 12_000 + "'; rm x", "deny"),
        ("ls; " * 20_000 + "rm -rf build", "deny"),
        ("a=1 ;" * 25_000 + "if /bin/rm x; then", "deny"),
        ("ls " + "x" * 30_000 + " ; cat a b c d e f g h i j .env", "deny"),
        ("echo " + "$(" * 40 + "rm x" + ")" * 40, "deny"),
        ("echo " + "`x`" * 2_000 + "; rm x", "deny"),
        ("ls " + "src/x " * 2_000, "ask"),
        ("echo " + "${x:-" * 60 + "}" * 60, "ask"),
        ("{ " * 200 + "ls" + "; }" * 200, "ask"),
        ("ls " + " ".join(f"f{number}" for number in range(400)), "ask"),
        ("ls " + " ".join(f"f{number}" for number in range(400)) + " secrets/x", "deny"),
        ("ls " + "a " * 2_600, "ask"),
        ("ls " + " ".join(f"src/*{number}" for number in range(400)), "ask"),
        ("echo $(" + "x=${y} " * 1_200 + ")", "ask"),
    ],
    ids=range(15),
)
def test_a_long_line_never_switches_the_deny_scan_off(judge: Judge, text: str, decision: str) -> None:
    assert judge(text).decision == decision


@pytest.mark.parametrize(
    "text",
    [
        *("a;" * 5_000, "$(" * 5_000, "`" * 9_900, "(" * 9_900, "{a," * 3_300, "'" * 9_900, "\\\n" * 5_000),
        *("cat <<A " * 1_200, "> x " * 2_400, "[[ " * 3_300, "sudo " * 1_900, "case x in a) b;; " * 500),
        *("a;" * 50_000, "\0" * 100_000, ";".join(f"rm{number}" for number in range(15_000))),
        *("sh -c 'sh -c \"sh -c ls\"';" * 350, "sed '" + "[[:a" * 2_000 + "'", "awk '" + "/[/" * 3_000 + "'"),
    ],
    ids=range(18),
)
def test_a_hostile_line_does_not_grow_out_of_bounds(judge: Judge, text: str) -> None:
    def seconds() -> float:
        start = time.thread_time()
        assert judge(text).decision != "allow"
        return time.thread_time() - start

    assert min(seconds() for _ in range(3)) < 1.0  # of CPU; the benchmark holds the 100 ms


# Reasons --------------------------------------------------------------------------------------


def _judged(text: str, place: Place | None = None, **lists: list[str]) -> Verdict:
    given = policy(name="strict", **lists)
    return shell_strict.judge(shell.parse_line(text), given, place or paper_place())


def test_a_denial_names_the_rule_and_the_command_behind_the_wrapper() -> None:
    verdict = _judged("sudo rm -rf build", deny=["Bash(rm:*)"])
    assert (verdict.decision, verdict.rule) == ("deny", "Bash(rm:*)")
    assert verdict.reason == "deny rule Bash(rm:*) matches 'rm -rf build'"


def test_each_part_keeps_its_own_verdict() -> None:
    verdict = _judged("ls; make", allow=["Bash(ls:*)"])
    assert [(part.what, part.decision, part.is_open) for part in verdict.parts] == [
        ("ls", "allow", False),
        ("make", "ask", True),
    ]
    assert verdict.reason == "no rule allows 'make'"


def test_a_line_without_a_command_asks() -> None:
    assert _judged("# nothing").decision == "ask"


def test_redirections_alone_run_nothing() -> None:
    assert _judged("{ ls; } 2>/dev/null", allow=["Bash(ls:*)"]).decision == "allow"


def test_an_ask_rule_beats_an_allow_rule() -> None:
    verdict = _judged("git tag v1", allow=["Bash(git:*)"], ask=["Bash(git tag:*)"])
    assert (verdict.decision, verdict.rule) == ("ask", "Bash(git tag:*)")


def test_an_exact_rule_covers_a_wrapper_or_a_shell_and_a_prefix_does_not() -> None:
    assert _judged("sh -c ls", allow=["Bash(sh -c ls)"]).decision == "allow"
    assert _judged("sh -c ls", allow=["Bash(sh:*)"]).decision == "ask"
    assert _judged("env ls", allow=["Bash(env *)"]).decision == "ask"


def test_a_rule_with_a_wildcard_in_its_first_word_is_found() -> None:
    assert _judged("mytool x", allow=["Bash(my*)"]).decision == "allow"
    assert _judged("mytool x", deny=["Bash(my*)"]).decision == "deny"
    assert _judged("x;" * 12_000 + "mytool x", deny=["Bash(my*)"]).decision == "deny"


def test_letter_case_hides_nothing_where_the_volume_folds_it() -> None:
    place = replace(paper_place(), platform="macos")
    assert _judged("RM x", place, deny=["Bash(rm:*)"]).decision == "deny"
    assert _judged("RM x", deny=["Bash(rm:*)"]).decision == "ask"
    assert _judged("LS", place, allow=["Bash(ls:*)"]).decision == "ask"


def test_an_unknown_program_may_be_given_paths_within_the_workspace() -> None:
    assert _judged("mytool src/a --out=b x=y", allow=["Bash(mytool:*)"]).decision == "allow"
    assert _judged("mytool /etc/passwd", allow=["Bash(mytool:*)"]).decision == "ask"
    assert _judged("mytool --config=/etc/x", allow=["Bash(mytool:*)"]).decision == "ask"
    assert _judged("mytool --config=$x", allow=["Bash(mytool:*)"]).decision == "ask"


def test_globs_and_searches_ask_where_nobody_knows_what_a_folder_holds() -> None:
    place = paper_place(("/w/project/src/a.py",))
    assert _judged("cat src/*.py", place, allow=["Bash(cat:*)"]).decision == "ask"
    assert _judged("grep -r x src", place, allow=["Bash(grep:*)"]).decision == "ask"
    assert _judged("cat src/a.py", place, allow=["Bash(cat:*)"]).decision == "allow"


def test_the_same_glob_and_the_same_search_are_looked_at_once(judge: Judge) -> None:
    assert judge("cat src/*.py src/*.py").decision == "allow"
    assert judge("grep -rn def src src").decision == "allow"
    assert judge("cat ~/x*").decision == "ask"


def test_a_wildcard_that_gives_an_option_asks() -> None:
    def entries(path: str) -> tuple[FolderEntry, ...]:
        return (FolderEntry("-n", "file"), FolderEntry("a", "file")) if path.startswith("/w/project") else ()

    place = replace(paper_place(("/w/project/-n", "/w/project/a")), list_folder=entries)
    assert _judged("cat *", place, allow=["Bash(cat:*)"]).decision == "ask"
    assert _judged("cat a*", place, allow=["Bash(cat:*)"]).decision == "allow"


def test_names_beyond_the_budget_are_denied_only_by_a_rule_about_them() -> None:
    names = " ".join(f"f{number}" for number in range(200))
    lists = {"allow": ["Bash(cat:*)"], "deny": ["Read(/closed/key)"]}
    assert _judged(f"cat {names} open/key", None, **lists).decision == "ask"
    assert _judged(f"cat {names} closed/key", None, **lists).decision == "deny"


def test_git_in_a_folder_with_a_repository_of_its_own_asks() -> None:
    allow = ["Bash(git status)", "Bash(cd:*)"]
    for inner in ("sub/.git/config", "sub/HEAD"):
        place = paper_place((f"/w/project/{inner}", "/w/project/sub/deep/x"))
        assert _judged("cd sub && git status", place, allow=allow).decision == "ask"
        assert _judged("cd sub/deep && git status", place, allow=allow).decision == "ask"
    plain = paper_place(("/w/project/sub/x",))
    assert _judged("cd sub && git status", plain, allow=allow).decision == "allow"


def test_without_a_workspace_nothing_is_found_to_be_inside() -> None:
    place = replace(paper_place(), workspace=None)
    assert _judged("git show HEAD:x", place, allow=["Bash(git show:*)"]).decision == "deny"
    assert _judged("git log", place, allow=["Bash(git log:*)"]).decision == "allow"


def test_where_a_cd_may_not_have_run_both_folders_count() -> None:
    place = paper_place(("/w/project/src/a", "/w/project/src/deep/b"))
    allow = ["Bash(cd:*)", "Bash(cat:*)", "Bash(true)"]

    def decision(text: str) -> str:
        return _judged(text, place, allow=allow).decision

    assert decision("cd src && cat ../x") == "allow"
    assert decision("true && cd src && cat ../x") == "allow"
    assert decision("true && cd src; cat ../x") == "ask"
    assert decision("if true; then cd src; fi; cat ../x") == "ask"
    assert decision("cd missing; cat ../x") == "ask"
    assert decision("cd src/deep && cd missing; cat ../x") == "allow"
    assert decision("true && cd src; true && cd deep; cat ../x") == "ask"
    assert decision("for i in a b; do cd src; done; cat a") == "ask"
    assert decision("true || cd src || cat ../x") == "ask"
    assert decision("(true && cd src; cat ../x)") == "ask"
    assert decision("cd $x; cd src && cat a") == "ask"
    assert decision("cd -Z src && cat a") == "ask"
    many = "; ".join(f"true && cd d{number}" for number in range(10))
    assert decision(f"{many}; cat a") == "ask"


def test_the_folder_is_its_real_one_behind_cd_with_the_option_for_it() -> None:
    place = paper_place(("/w/project/real/deep/a",), {"/w/project/link": "/w/project/real/deep"})
    allow = ["Bash(cd:*)", "Bash(cat:*)"]
    assert _judged("cd -P link && cat ../../x", place, allow=allow).decision == "allow"
    assert _judged("cd link && cd .. && cat ../x", place, allow=allow).decision == "ask"


def test_a_folder_under_two_names_is_searched_once(project: Place, judge: Judge) -> None:
    assert judge(f"grep -rn x src {project.cwd}/src").decision == "allow"
    assert judge(f"grep -rn x . {project.cwd}").decision == "ask"
