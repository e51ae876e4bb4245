"""Always allow stores the narrowest rule, or none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.permissions.engine import judge, narrowest_rule
from proxy.permissions.rules import read_rule
from proxy.permissions.values import Policy, Rule, ToolCall
from tests.proxy.permissions.places import ROOT, bash, paper_place, policy

_PLACE = paper_place(
    (f"{ROOT}/src/app.py", f"{ROOT}/a b/[x].txt", "/data/x.csv", "/data/link"), {"/data/link": "/data/x.csv"}
)


def _suggested(call: ToolCall, **changes: Any) -> str | None:
    return narrowest_rule(call, policy(**changes), _PLACE)


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (bash("npm test"), "Bash(npm test)"),
        (bash("  npm   run 'build' "), "Bash(npm run build)"),
        (bash("npm run a*b"), None),
        (bash("npm run 'a*b'"), r"Bash(npm run a\\*b)"),
        (bash("npm run 'x:*'"), r"Bash(npm run x:\\*)"),
        (bash("npm run 'a(b)'"), r"Bash(npm run a\(b\))"),
        (ToolCall("Read", {"file_path": "/data/x.csv"}), "Read(//data/x.csv)"),
        (ToolCall("LS", {"path": "/data"}), "Read(//data/**)"),
        (ToolCall("Grep", {"pattern": "x", "path": "/data/x.csv"}), "Read(//data/x.csv)"),
        (ToolCall("Write", {"file_path": f"{ROOT}/new"}), f"Edit(/{ROOT}/new)"),
        (ToolCall("Edit", {"file_path": "src/app.py"}), f"Edit(/{ROOT}/src/app.py)"),
        (ToolCall("Edit", {"file_path": "app.py"}, cwd="src"), f"Edit(/{ROOT}/src/app.py)"),
        (ToolCall("WebFetch", {"url": "https://A.test:443/x", "prompt": "p"}), "WebFetch(domain:a.test)"),
        (ToolCall("WebSearch", {"query": "x"}), "WebSearch"),
        (ToolCall("mcp__t__get_x", {}), "mcp__t__get_x"),
    ],
)
def test_the_rule_is_as_narrow_as_the_call(call: ToolCall, rule: str | None) -> None:
    assert _suggested(call) == rule


def test_names_that_patterns_use_are_escaped() -> None:
    call = ToolCall("Edit", {"file_path": f"{ROOT}/a b/[x].txt"})

    rule = _suggested(call)

    assert rule is not None
    assert judge(call, policy(allow=[rule]), _PLACE).decision == "allow"
    other = ToolCall("Edit", {"file_path": f"{ROOT}/a b/x.txt"})
    assert judge(other, policy(allow=[rule]), _PLACE).decision == "ask"


@pytest.mark.parametrize(
    "command",
    [
        "npm test && npm run build",
        "npm test | tee x",
        "npm test > out",
        "npm run $X",
        "npm run $(x)",
        "FOO=1 npm test",
        "npm run 'a b'",
        "npm run ''",
        "cat ~/x",
        "python3 x.py",
        "sudo npm test",
        "env npm test",
        "eval x",
        "awk '{print}' x",
        "/usr/bin/bash x",
        "npm test &",
        "(npm test)",
        "npm run 'x",
        "> x",
        "x=1",
        "",
    ],
)
def test_there_is_none_for_what_may_do_more_than_it_shows(command: str) -> None:
    assert _suggested(bash(command)) is None


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("Read", {}),
        ToolCall("Read", {"file_path": "/data/link"}),
        ToolCall("Glob", {"pattern": "/data/*"}),
        ToolCall("Glob", {"pattern": "*", "path": "/data"}),
        ToolCall("WebFetch", {"url": "not a url", "prompt": "p"}),
        ToolCall("mcp__t", {}),
        ToolCall("mcp__t__a*", {}),
        ToolCall("Nobody", {}),
    ],
)
def test_there_is_none_for_what_cannot_be_named_exactly(call: ToolCall) -> None:
    assert _suggested(call) is None


@pytest.mark.parametrize(
    ("call", "changes"),
    [
        (bash("npm test"), {"ask": ["Bash(npm *)"]}),
        (bash("npm test"), {"deny": ["Bash"]}),
        (ToolCall("Write", {"file_path": f"{ROOT}/.npmrc"}), {}),
        (ToolCall("Write", {"file_path": f"{ROOT}/new"}), {"mode": "plan"}),
        (ToolCall("mcp__t__x", {}), {"interactive_tools": frozenset({"mcp__t__x"})}),
        (bash("npm test"), {"broken": "x"}),
    ],
)
def test_there_is_none_where_a_rule_would_not_help(call: ToolCall, changes: dict[str, Any]) -> None:
    assert _suggested(call, **changes) is None


@given(st.text(alphabet="ab/*?[]()\\ '\"$-.~!#{}", min_size=1, max_size=12))
def test_a_suggestion_allows_its_call_and_is_read_as_one_rule(text: str) -> None:
    for call in (bash(f"tool {text}"), ToolCall("Write", {"file_path": f"{ROOT}/{text}"})):
        rule = narrowest_rule(call, Policy(), _PLACE)
        if rule is not None:
            read = read_rule("allow", rule)
            assert isinstance(read, Rule)
            assert judge(call, Policy(rules=(read,)), _PLACE).decision == "allow"
