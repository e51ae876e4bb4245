"""Rules are read as Claude Code writes them; what cannot be read is said, and never opens anything."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.permissions.rules import (
    Origin,
    RuleProblem,
    kind_of,
    parameter_matches,
    parameter_of,
    read_permissions,
    read_rule,
    rules_of,
)
from proxy.permissions.values import Decision, Policy, Rule
from tests.proxy.permissions.places import policy


def _rule(effect: Decision, text: str) -> Rule:
    found = read_rule(effect, text)
    assert isinstance(found, Rule), found
    return found


def _problem(effect: Decision, text: str, **more: Any) -> RuleProblem:
    found = read_rule(effect, text, **more)
    assert isinstance(found, RuleProblem), found
    return found


@pytest.mark.parametrize(
    ("text", "tool", "spec"),
    [
        ("Bash", "Bash", None),
        ("Bash(*)", "Bash", None),
        ("Bash()", "Bash", None),
        ("Bash(npm run test:*)", "Bash", "npm run test:*"),
        ("Task(Explore)", "Agent", "Explore"),
        ("Read(//**/*.key)", "Read", "//**/*.key"),
        ("mcp__t__get_*", "mcp__t__get_*", None),
        (r"Bash(python -c print\(1\))", "Bash", "python -c print(1)"),
        (r"Bash(a\\b)", "Bash", r"a\b"),
        (" WebSearch ", "WebSearch", None),
    ],
)
def test_a_rule_is_a_tool_with_something_in_brackets(text: str, tool: str, spec: str | None) -> None:
    rule = _rule("allow", text)

    assert (rule.tool, rule.spec, rule.text) == (tool, spec, text)


def test_a_rule_knows_where_it_is_from() -> None:
    rule = read_rule("deny", "Read(/x)", Origin("a file", "/p"))

    assert isinstance(rule, Rule)
    assert (rule.source, rule.anchor) == ("a file", "/p")


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("git status", "Bash(git status)"),
        ("Bash(rm *", "Bash(rm *)"),
        ("Bash (rm)", None),
        ("(x)", None),
        (":x", None),
        ("", None),
    ],
)
def test_what_is_no_rule_is_said_with_a_fix_where_there_is_one(text: str, fix: str | None) -> None:
    problem = _problem("deny", text)

    assert (problem.fix, problem.kind, problem.effect) == (fix, "invalid", "deny")
    assert "Bash(git log:*)" in problem.text


@pytest.mark.parametrize("text", ["*", "mcp__*", "Notebook*", "mcp__g*__x"])
def test_an_allow_rule_must_spell_out_what_it_allows(text: str) -> None:
    assert "wildcard tool name" in _problem("allow", text).text
    assert _rule("deny", text).tool == text


@pytest.mark.parametrize("text", ["Read", "Bash(rm *)"])
def test_only_paths_can_be_excepted_from_deny_rules(text: str) -> None:
    assert "denyExcept" in _problem("deny", text, is_exception=True).text


@pytest.mark.parametrize(
    ("effect", "text", "kind"),
    [
        ("deny", "Bash", "tool"),
        ("deny", "Bash(rm *)", "command"),
        ("deny", "Bash(timeout:*)", "command"),
        ("deny", "Bash(npm run test:unit)", "command"),
        ("ask", "Bash(run_in_background:true)", "parameter"),
        ("allow", "Bash(run_in_background:true)", "inert"),
        ("deny", "Bash(command:rm *)", "inert"),
        ("deny", "Read(secrets/**)", "path"),
        ("deny", "Read(file_path:x)", "inert"),
        ("deny", "Edit(src/**)", "path"),
        ("deny", "Write(docs/**)", "inert"),
        ("deny", "Glob(pattern:*.key)", "parameter"),
        ("deny", "WebFetch(domain:x.test)", "domain"),
        ("deny", "WebFetch(x.test)", "inert"),
        ("deny", "WebFetch(url:https://x.test)", "inert"),
        ("deny", "Agent(Explore)", "agent"),
        ("deny", "Agent(model:opus)", "parameter"),
        ("deny", "mcp__t__x(q:1)", "parameter"),
        ("deny", "mcp__t__x(q)", "inert"),
        ("deny", "Skill(name)", "inert"),
        ("deny", "Skill(args:x)", "parameter"),
        ("deny", "WebSearch(cats)", "inert"),
    ],
)
def test_what_the_brackets_mean_depends_on_the_tool(effect: Decision, text: str, kind: str) -> None:
    assert kind_of(_rule(effect, text)) == kind


@pytest.mark.parametrize(
    ("text", "arguments", "is_about"),
    [
        ("Bash(run_in_background:true)", {"run_in_background": True}, True),
        ("Bash(run_in_background:true)", {"run_in_background": False}, False),
        ("Bash(run_in_background:true)", {}, False),
        ("Bash(timeout:6*)", {"timeout": 60000}, True),
        ("mcp__t__x(q:*secret*)", {"q": "a secret b"}, True),
        ("mcp__t__x(q:*)", {"q": {"a": 1}}, False),
        ("mcp__t__x(q:null)", {"q": None}, True),
        ("Bash(rm *)", {"rm *": "x"}, False),
    ],
)
def test_a_parameter_rule_compares_one_plain_argument(
    text: str, arguments: dict[str, Any], is_about: bool
) -> None:
    assert parameter_matches(_rule("deny", text), arguments) == is_about


def test_a_rule_without_brackets_is_about_no_parameter() -> None:
    assert parameter_of(_rule("deny", "Bash")) is None


def test_exceptions_are_kept_apart_from_deny_rules() -> None:
    found = policy(deny=["Read(**/.env.*)"], denyExcept=["Read(**/.env.example)"])

    assert [rule.text for rule in rules_of(found, "deny")] == ["Read(**/.env.*)"]
    assert [rule.text for rule in found.rules if rule.is_exception] == ["Read(**/.env.example)"]


# A whole object -------------------------------------------------------------------------------


def test_an_object_gives_rules_in_evaluation_order_a_mode_and_folders() -> None:
    read = read_permissions(
        {
            "allow": ["Bash(ls)"],
            "ask": ["WebSearch"],
            "deny": ["Read(.env)"],
            "additionalDirectories": ["../shared", "~/notes", "~", "/abs/x/.."],
            "defaultMode": "acceptEdits",
            "disableBypassPermissionsMode": "disable",
        },
        Origin("s", "", "/p/a", "/home/u"),
    )

    assert [(rule.effect, rule.text) for rule in read.rules] == [
        ("deny", "Read(.env)"),
        ("ask", "WebSearch"),
        ("allow", "Bash(ls)"),
    ]
    assert read.additional_directories == ("/p/shared", "/home/u/notes", "/home/u", "/abs")
    assert (read.mode, read.forbids_bypass, read.broken, read.problems) == ("acceptEdits", True, None, ())


def test_a_mode_that_the_same_object_forbids_is_not_taken() -> None:
    read = read_permissions({"defaultMode": "bypassPermissions", "disableBypassPermissionsMode": "disable"})
    assert (read.mode, read.forbids_bypass) == (None, True)
    assert "forbids it" in read.problems[0].text


def test_an_object_without_anything_holds_no_rules() -> None:
    for empty in (None, dict[str, Any]()):
        read = read_permissions(empty)
        assert (read.rules, read.mode, read.broken) == ((), None, None)


def test_manual_is_another_word_for_the_default_mode() -> None:
    assert read_permissions({"defaultMode": "manual"}).mode == "default"


@pytest.mark.parametrize(
    ("mode", "words"), [("auto", "not supported"), ("yolo", "no such mode"), (7, "no such mode")]
)
def test_a_mode_that_is_not_there_is_said_and_not_used(mode: Any, words: str) -> None:
    read = read_permissions({"defaultMode": mode})

    assert read.mode is None
    assert words in read.problems[0].text


@pytest.mark.parametrize(
    "bad", [{"deny": "Bash"}, {"ask": {}}, {"deny": [1]}, {"deny": ["Bash(rm"]}, [], "x"]
)
def test_what_forbids_and_cannot_be_read_makes_everything_ask(bad: Any) -> None:
    assert read_permissions(bad).broken


@pytest.mark.parametrize(
    "good", [{"allow": [1, "Bash(ls)"]}, {"allow": ["*", "Bash(ls)"]}, {"allow": ["rm x", "Bash(ls)"]}]
)
def test_an_allow_rule_that_cannot_be_read_is_left_out(good: Any) -> None:
    read = read_permissions(good)

    assert read.broken is None
    assert [rule.text for rule in read.rules] == ["Bash(ls)"]
    assert len(read.problems) == 1


@pytest.mark.parametrize("bad", ["x", [1], [""]])
def test_additional_folders_that_are_no_paths_are_left_out(bad: Any) -> None:
    read = read_permissions({"additionalDirectories": bad})

    assert read.additional_directories == ()
    assert read.problems


def test_an_exception_that_cannot_be_read_is_left_out() -> None:
    read = read_permissions({"denyExcept": ["Bash(ls)"], "deny": ["Read(x)"]})

    assert (len(read.rules), len(read.problems), read.broken) == (1, 1, None)


def test_rules_of_a_policy_keep_their_order() -> None:
    found = policy(deny=["Bash(b)", "Bash(a)"])

    assert isinstance(found, Policy)
    assert [rule.text for rule in rules_of(found, "deny")] == ["Bash(b)", "Bash(a)"]
