"""Rules that do nothing, or mean more than they look, are found, explained, and mended where possible."""

from __future__ import annotations

import pytest

from proxy.permissions.rule_problems import problem_of, problems_of
from proxy.permissions.rules import Origin, read_rule
from proxy.permissions.values import Decision, Rule
from tests.proxy.permissions.places import rule_set


def _rule(effect: Decision, text: str, anchor: str = "") -> Rule:
    found = read_rule(effect, text, Origin(anchor=anchor))
    assert isinstance(found, Rule)
    return found


@pytest.mark.parametrize(
    ("effect", "text", "words", "fix"),
    [
        ("deny", "Foo", "matches no known tool", None),
        ("deny", "bash(rm *)", "matches no known tool", "Bash(rm *)"),
        ("deny", "WebFech", "matches no known tool", "WebFetch"),
        ("deny", "Foo*", "matches no known tool", None),
        ("deny", "Bash(command:rm *)", "compares command as a raw string", "Bash(rm *)"),
        ("ask", "Read(file_path:.env)", "compares file_path as a raw string", "Read(.env)"),
        ("ask", "Write(file_path:x)", "compares file_path as a raw string", "Edit(x)"),
        ("deny", "WebFetch(url:https://x.test/a)", "compares url", "WebFetch(domain:x.test)"),
        ("deny", "WebFetch(url:*)", "compares url", "WebFetch"),
        ("allow", "Write(docs/**)", "only Edit(path) rules are", "Edit(docs/**)"),
        ("deny", "MultiEdit(x/**)", "only Edit(path) rules are", "Edit(x/**)"),
        ("deny", "Grep(x/**)", "only Read(path) rules are", "Read(x/**)"),
        ("deny", "Monitor(tail *)", "covers Monitor", "Bash(tail *)"),
        ("allow", "WebFetch(https://x.test:8080/a)", "takes domain:host", "WebFetch(domain:x.test)"),
        ("allow", "Bash(run_in_background:true)", "only deny and ask rules", None),
        ("deny", "WebSearch(cats)", "takes nothing in brackets", "WebSearch"),
        ("deny", "WebFetch(domain:https://x.test)", "the domain holds more than a host", None),
        ("allow", "Bash(bui:* x)", "only at the end", "Bash(bui * x)"),
        ("allow", "Bash(a:* b:*)", "only at the end", "Bash(a * b:*)"),
        ("allow", "Bash(cd x && npm test)", "never with several", None),
        ("deny", "Bash(FOO=1 rm *)", "assignments", "Bash(rm *)"),
        ("allow", "Bash(watch *)", "always asks", None),
        ("allow", "Bash(eval)", "always asks", None),
        ("deny", "Read(/etc/passwd)", "not the absolute path", "Read(//etc/passwd)"),
    ],
)
def test_a_rule_that_does_nothing_is_explained(
    effect: Decision, text: str, words: str, fix: str | None
) -> None:
    problem = problem_of(_rule(effect, text))

    assert problem is not None
    assert words in problem.text
    assert (problem.fix, problem.kind, problem.rule, problem.effect) == (fix, "nothing", text, effect)


@pytest.mark.parametrize(
    ("text", "words", "fix"),
    [
        ("Bash", "every command", None),
        ("Bash(mytool * main)", "any options inserted", None),
        ("Bash(git * -m *)", "any options inserted", None),
        ("Bash(* --version)", "every program", None),
        ("Bash(npm run test*)", "only begin like this", "Bash(npm run test:*)"),
        ("Bash(python3:*)", "is told to run", None),
        ("Bash(sudo *)", "is told to run", None),
        ("Bash(/usr/bin/node *)", "is told to run", None),
    ],
)
def test_an_allow_rule_that_is_broader_than_it_looks_is_explained(
    text: str, words: str, fix: str | None
) -> None:
    problem = problem_of(_rule("allow", text))

    assert problem is not None
    assert words in problem.text
    assert (problem.fix, problem.kind) == (fix, "broader")
    assert problem_of(_rule("deny", text)) is None


@pytest.mark.parametrize("text", ["Skill(deploy *)", "PowerShell(Get-*)", "Cd(/x)"])
def test_a_rule_for_the_client_alone_is_said_to_be_out_of_scope(text: str) -> None:
    problem = problem_of(_rule("deny", text))

    assert problem is not None
    assert problem.kind == "scope"


@pytest.mark.parametrize(
    ("effect", "text"),
    [
        ("allow", "Bash(git log:*)"),
        ("allow", "Bash(npm test)"),
        ("allow", "Bash(sed:*)"),
        ("allow", "Bash(python3 manage.py check)"),
        ("deny", "Bash(rm *)"),
        ("deny", "Read(//etc/passwd)"),
        ("deny", "Read(/src/**)"),
        ("deny", "Read"),
        ("deny", "Notebook*"),
        ("deny", "mcp__nobody__knows"),
        ("allow", "WebFetch(domain:*.x.test)"),
        ("ask", "Bash(run_in_background:true)"),
        ("deny", "Agent(Explore)"),
    ],
)
def test_an_ordinary_rule_has_no_problem(effect: Decision, text: str) -> None:
    assert problem_of(_rule(effect, text)) is None


def test_a_path_that_looks_absolute_is_said_to_begin_at_its_source() -> None:
    problem = problem_of(_rule("deny", "Read(/home/u/x)", anchor="/p"))

    assert problem is not None
    assert "below /p" in problem.text


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        ({"deny": ["Bash"]}, {"allow": ["Bash(ls)"]}),
        ({"ask": ["WebSearch"]}, {"allow": ["WebSearch"]}),
        ({"deny": ["mcp__t"]}, {"allow": ["mcp__t__x"]}),
        ({"deny": ["Read(.env)"]}, {"allow": ["Read(.env)"]}),
        ({"deny": ["Bash(git *)"]}, {"ask": ["Bash(git push:*)"]}),
        ({"deny": ["Bash(git *)"]}, {"allow": ["Bash(git status)"]}),
    ],
)
def test_a_rule_behind_a_stronger_one_does_nothing(
    stronger: dict[str, list[str]], weaker: dict[str, list[str]]
) -> None:
    (text,) = next(iter(weaker.values()))

    (problem,) = problems_of(rule_set(**stronger, **weaker).rules)

    assert problem.rule == text
    assert "goes before it" in problem.text


@pytest.mark.parametrize(
    "lists",
    [
        {"deny": ["Bash(git push:*)"], "allow": ["Bash(git:*)"]},
        {"deny": ["Bash(git status)"], "allow": ["Bash(git status:*)"]},
        {"deny": ["Read(a/**)"], "allow": ["Read(b/**)"]},
        {"deny": ["Read(.env.*)"], "denyExcept": ["Read(.env.*)"]},
        {"ask": ["Bash(run_in_background:true)"], "deny": ["Bash(rm *)"]},
        {"deny": ["Agent(Explore)"], "allow": ["Agent(Plan)"]},
        {"allow": ["Bash(ls)", "Bash(ls -l)"]},
    ],
)
def test_rules_that_leave_each_other_room_have_no_problem(lists: dict[str, list[str]]) -> None:
    assert problems_of(rule_set(**lists).rules) == ()
