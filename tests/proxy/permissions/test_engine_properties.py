"""What holds for every list of rules: no further rule loosens, none tightens, and a verdict says why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast, get_args

from hypothesis import given
from hypothesis import strategies as st

from proxy.permissions.engine import judge
from proxy.permissions.rules import read_rule
from proxy.permissions.values import Decision, Mode, Policy, PolicyName, Rule, ToolCall
from tests.proxy.permissions.places import MODES, PROJECT, ROOT, bash, fetch, read, write

_RULE_TEXTS = (
    "Bash",
    "Bash(ls:*)",
    "Bash(git *)",
    "Bash(rm *)",
    "Bash(* --version)",
    "Read(.env)",
    "Read(src/**)",
    "Read(**)",
    "Read",
    "Edit",
    "Edit(src/**)",
    "Edit(**)",
    "Write",
    "WebFetch(domain:a.test)",
    "WebFetch",
    "WebSearch",
    "mcp__t__x",
    "Agent(Explore)",
    "Bash(run_in_background:true)",
)


_CALLS = (
    bash("ls"),
    bash("ls src && git status"),
    bash("rm -rf build; ls"),
    bash("cat .env"),
    bash("echo x > src/a"),
    bash("ls", run_in_background=True),
    bash("mkdir a"),
    read(f"{ROOT}/.env"),
    read(f"{ROOT}/src/app.py"),
    read("/etc/hostname"),
    write(f"{ROOT}/src/new"),
    write(f"{ROOT}/.npmrc", "Edit"),
    ToolCall("Glob", {"pattern": "**/*.py"}),
    ToolCall("Grep", {"pattern": "x", "path": "docs"}),
    ToolCall("LS", {"path": "/etc"}),
    ToolCall("NotebookEdit", {"notebook_path": "src/a.ipynb", "new_source": "x"}),
    fetch("https://a.test/"),
    fetch("https://b.test/"),
    ToolCall("WebSearch", {"query": "x"}),
    ToolCall("mcp__t__x", {}),
    ToolCall("Task", {"subagent_type": "Explore"}),
    ToolCall("TodoWrite", {"todos": []}),
    ToolCall("Nobody", {}),
)


_RANK = {"allow": 0, "ask": 1, "deny": 2}


_effects = st.sampled_from(cast("tuple[Decision, ...]", get_args(Decision)))


_texts = st.sampled_from(_RULE_TEXTS)


_rules = st.lists(st.tuples(_effects, _texts), max_size=6)


_names = st.sampled_from(cast("tuple[PolicyName, ...]", get_args(PolicyName)))


def _made(rules: list[tuple[Decision, str]]) -> tuple[Rule, ...]:
    return tuple(cast("Rule", read_rule(effect, text)) for effect, text in rules)


@given(_rules, _texts, st.sampled_from(_CALLS), st.sampled_from(MODES), _names)
def test_a_further_deny_rule_never_loosens(
    rules: list[tuple[Decision, str]], text: str, call: ToolCall, mode: Mode, name: PolicyName
) -> None:
    before = Policy(name, _made(rules), mode)
    after = replace(before, rules=(*before.rules, *_made([("deny", text)])))

    assert _RANK[judge(call, after, PROJECT).decision] >= _RANK[judge(call, before, PROJECT).decision]


@given(_rules, _texts, st.sampled_from(_CALLS), st.sampled_from(MODES), _names)
def test_a_further_allow_rule_never_tightens_and_never_lifts_a_prohibition(
    rules: list[tuple[Decision, str]], text: str, call: ToolCall, mode: Mode, name: PolicyName
) -> None:
    before = Policy(name, _made(rules), mode)
    after = replace(before, rules=(*before.rules, *_made([("allow", text)])))
    was, now = judge(call, before, PROJECT), judge(call, after, PROJECT)

    assert _RANK[now.decision] <= _RANK[was.decision]
    if was.rule is not None and was.decision != "allow":
        assert now.decision == was.decision


@given(_rules, st.randoms(), st.sampled_from(_CALLS), st.sampled_from(MODES), _names)
def test_the_order_of_rules_does_not_change_the_decision(
    rules: list[tuple[Decision, str]], random: Any, call: ToolCall, mode: Mode, name: PolicyName
) -> None:
    shuffled = list(rules)
    random.shuffle(shuffled)
    one, other = Policy(name, _made(rules), mode), Policy(name, _made(shuffled), mode)

    assert judge(call, one, PROJECT).decision == judge(call, other, PROJECT).decision


@given(_rules, st.sampled_from(_CALLS), st.sampled_from(MODES))
def test_the_strict_policy_is_never_laxer(
    rules: list[tuple[Decision, str]], call: ToolCall, mode: Mode
) -> None:
    lax, strict = Policy("claude-code", _made(rules), mode), Policy("strict", _made(rules), mode)

    assert _RANK[judge(call, strict, PROJECT).decision] >= _RANK[judge(call, lax, PROJECT).decision]


@given(_rules, st.sampled_from(_CALLS), st.sampled_from(MODES), _names)
def test_every_verdict_says_why(
    rules: list[tuple[Decision, str]], call: ToolCall, mode: Mode, name: PolicyName
) -> None:
    verdict = judge(call, Policy(name, _made(rules), mode), PROJECT)

    assert verdict.reason
    assert (verdict.rule is None) or verdict.source == "settings"
