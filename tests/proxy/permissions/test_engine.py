"""Deny goes before ask, ask before allow, then the mode; every verdict says which rule decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.permissions.engine import judge, tools_denied_by_name
from proxy.permissions.rules import Origin, read_rule
from proxy.permissions.urls import NetworkFacts
from proxy.permissions.values import Decision, Mode, Policy, PolicyName, Rule, ToolCall, Verdict
from tests.proxy.permissions.places import MODES, PROJECT, ROOT, bash, fetch, policy, read, write


def _judged(call: ToolCall, **changes: Any) -> Verdict:
    return judge(call, policy(**changes), PROJECT)


# Order ----------------------------------------------------------------------------------------


def test_deny_goes_before_ask_and_ask_before_allow() -> None:
    call = ToolCall("WebSearch", {"query": "x"})

    assert _judged(call, allow=["WebSearch"]).decision == "allow"
    assert _judged(call, allow=["WebSearch"], ask=["WebSearch"]).decision == "ask"
    assert _judged(call, allow=["WebSearch"], ask=["WebSearch"], deny=["*"]).decision == "deny"


def test_how_specific_a_rule_is_does_not_matter() -> None:
    assert _judged(bash("git log"), deny=["Bash(git *)"], allow=["Bash(git log)"]).decision == "deny"
    assert _judged(bash("git log"), ask=["Bash(git *)"], allow=["Bash(git log)"]).decision == "ask"


_FINDERS = (
    ToolCall("Grep", {"pattern": "x", "path": f"{ROOT}/src"}),
    ToolCall("Glob", {"pattern": "src/*.py"}),
    ToolCall("LS", {"path": f"{ROOT}/src"}),
    ToolCall("NotebookRead", {"notebook_path": f"{ROOT}/src/a.ipynb"}),
)


@pytest.mark.parametrize("call", [read(f"{ROOT}/src/app.py"), *_FINDERS])
def test_under_strict_a_rule_on_the_whole_of_read_is_about_all_that_reads(call: ToolCall) -> None:
    for allowing in ("Read", "Edit"):  # who may edit may read
        assert _judged(call, name="strict").decision == "ask"
        verdict = _judged(call, name="strict", allow=[allowing])
        assert (verdict.decision, verdict.rule) == ("allow", allowing)
    assert _judged(call, name="strict", allow=["Read"], ask=["Read"]).decision == "ask"
    assert _judged(call, name="strict", allow=["Read"], deny=["Read"]).decision == "deny"
    assert _judged(call, name="strict", allow=["Read"], deny=["Edit"]).decision == "allow"


def test_under_strict_a_rule_on_the_whole_of_read_opens_nothing_else() -> None:
    outside = ToolCall("Grep", {"pattern": "x", "path": "/etc"})
    assert _judged(outside, name="strict", allow=["Read"]).decision == "deny"
    secret = ToolCall("Grep", {"pattern": "x", "path": f"{ROOT}/.env"})
    assert _judged(secret, name="strict", allow=["Read"], deny=["Read(.env)"]).decision == "deny"
    assert _judged(write("x"), name="strict", allow=["Read"]).decision == "ask"
    assert _judged(bash("cat /etc/hostname"), name="strict", allow=["Read"]).decision == "ask"


@pytest.mark.parametrize("tool", ["Write", "NotebookEdit"])
def test_a_rule_on_the_whole_of_edit_lets_no_other_tool_write_as_in_the_real_client(tool: str) -> None:
    call = ToolCall(tool, {"file_path": "x", "notebook_path": "x.ipynb", "content": "x", "new_source": "x"})
    for name in ("claude-code", "strict"):
        assert _judged(call, name=name, allow=["Edit"]).decision == "ask"
        assert _judged(call, name=name, allow=["Edit(**)"]).decision == "allow"
    assert _judged(call, name="strict", allow=["Edit(**)"], deny=["Edit"]).decision == "deny"
    assert _judged(call, name="claude-code", allow=["Edit(**)"], deny=["Edit"]).decision == "allow"


def test_in_the_real_client_a_rule_on_the_whole_of_read_is_about_read_alone() -> None:
    for call in _FINDERS[:3]:
        assert _judged(call, deny=["Read"]).decision == "allow"


def test_a_verdict_names_the_rule_and_where_it_is_from() -> None:
    verdict = _judged(ToolCall("WebSearch", {"query": "x"}), deny=["WebSearch"])

    assert verdict == Verdict(
        "deny", "deny rule WebSearch matches WebSearch", "WebSearch", "settings", parts=()
    )


def test_a_verdict_on_a_part_names_the_parts_rule_and_its_source() -> None:
    rule = read_rule("deny", "Read(.env)", Origin("project file"))
    assert isinstance(rule, Rule)

    verdict = judge(read(f"{ROOT}/.env"), Policy(rules=(rule,)), PROJECT)

    assert (verdict.decision, verdict.rule, verdict.source) == ("deny", "Read(.env)", "project file")


@pytest.mark.parametrize("name", get_args(PolicyName))
@pytest.mark.parametrize("command", ["unknown", "unknown && other"])
def test_a_rule_for_all_commands_allows_one_command_as_it_allows_two(command: str, name: PolicyName) -> None:
    assert _judged(bash(command), name=name, allow=["Bash"]).decision == "allow"


def test_a_reason_names_what_it_is_about() -> None:
    assert _judged(read("/etc/hostname")).reason == "/etc/hostname: it lies outside the workspace"
    assert _judged(bash("unknown")).reason == "no rule allows 'unknown'"
    for command in ("unknown $(" + "x" * 5000 + ")", "unknown " + "x" * 5000, "rm -rf /" + "x" * 300):
        assert len(_judged(bash(command)).reason) < 500


def test_every_sub_command_of_a_line_has_its_own_verdict() -> None:
    verdict = _judged(bash("ls && curl x.test"), allow=["Bash(ls)"])

    assert verdict.decision == "ask"
    assert [(part.what, part.decision) for part in verdict.parts] == [("ls", "allow"), ("curl x.test", "ask")]


# Tools without anything to touch --------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tool", ["TodoWrite", "TodoRead", "BashOutput", "KillShell"])
def test_tools_that_touch_nothing_need_no_rule(tool: str, mode: Mode) -> None:
    assert _judged(ToolCall(tool, {}), mode=mode).decision == "allow"
    assert _judged(ToolCall(tool, {}), mode=mode, deny=[tool]).decision == "deny"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tool", ["Task", "Agent"])
def test_a_sub_conversation_needs_no_rule(tool: str, mode: Mode) -> None:
    call = ToolCall(tool, {"subagent_type": "Explore"})

    assert _judged(call, mode=mode).decision == "allow"
    assert _judged(call, mode=mode, deny=["Agent(Plan)"]).decision == "allow"
    assert _judged(call, mode=mode, deny=["Agent(Expl*)"]).decision == "deny"
    assert _judged(ToolCall(tool, {}), mode=mode, deny=["Task(general-purpose)"]).decision == "deny"


@given(st.text(min_size=1).filter(lambda name: not name.startswith("mcp__")), st.sampled_from(MODES))
def test_a_tool_nobody_knows_is_never_allowed_without_a_rule(name: str, mode: Mode) -> None:
    verdict = judge(ToolCall(f"x{name}", {"a": 1}), Policy(mode=mode), PROJECT)

    assert verdict.decision == {"dontAsk": "deny", "bypassPermissions": "allow"}.get(mode, "ask")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("default", "allow"), ("acceptEdits", "allow"), ("plan", "deny"), ("dontAsk", "allow")],
)
def test_an_allowed_mcp_tool_runs_but_not_in_plan_mode(mode: Mode, expected: Decision) -> None:
    assert _judged(
        ToolCall("mcp__t__get", {}), mode=mode, allow=["mcp__t__get_*", "mcp__t__get"]
    ).decision == (expected)


def test_a_tool_that_wants_the_users_word_each_time_is_allowed_by_no_rule_and_no_mode() -> None:
    wanting: dict[str, Any] = {"interactive_tools": frozenset({"mcp__t__ui"}), "allow": ["mcp__t__ui"]}
    call = ToolCall("mcp__t__ui", {})

    assert _judged(call, **wanting).decision == "ask"
    assert _judged(call, mode="bypassPermissions", **wanting).decision == "ask"
    assert _judged(call, deny=["mcp__t__ui"], interactive_tools=frozenset({"mcp__t__ui"})).decision == "deny"


# Parameters -----------------------------------------------------------------------------------


def test_a_rule_may_be_about_a_parameter() -> None:
    rules = {"allow": ["Bash(ls)"], "ask": ["Bash(run_in_background:true)"]}

    assert _judged(bash("ls"), **rules).decision == "allow"
    assert _judged(bash("ls", run_in_background=True), **rules).decision == "ask"
    assert _judged(bash("ls", timeout=5), **{**rules, "deny": ["Bash(timeout:5)"]}).decision == "deny"


def test_an_allow_rule_about_a_parameter_does_nothing() -> None:
    call = ToolCall("mcp__t__x", {"q": "1"})

    assert _judged(call, allow=["mcp__t__x(q:1)"]).decision == "ask"


# Files ----------------------------------------------------------------------------------------


def test_a_rule_for_the_whole_tool_opens_what_only_lacked_a_rule() -> None:
    assert _judged(read("/etc/hostname")).decision == "ask"
    assert _judged(read("/etc/hostname"), allow=["Read"]).decision == "allow"
    assert _judged(write(f"{ROOT}/x"), allow=["Write"]).decision == "allow"
    assert _judged(write(f"{ROOT}/x"), allow=["Edit"]).decision == "ask"
    assert _judged(write(f"{ROOT}/x", "MultiEdit"), allow=["Edit"]).decision == "allow"


def test_a_rule_for_the_whole_tool_does_not_open_what_is_protected() -> None:
    assert _judged(write(f"{ROOT}/.npmrc"), allow=["Write", "Edit(**)"]).decision == "ask"


def test_nothing_opens_what_a_rule_denies() -> None:
    for mode in MODES:
        verdict = _judged(read(f"{ROOT}/.env"), mode=mode, allow=["Read", "Read(**)"], deny=["Read(.env)"])
        assert verdict.decision == "deny"


def test_an_exception_lifts_a_deny_rule_and_nothing_else() -> None:
    rules = {"deny": ["Read(.en*)"], "denyExcept": ["Read(.env)"]}

    assert _judged(read(f"{ROOT}/.env"), **rules).decision == "allow"
    assert _judged(read(f"{ROOT}/.env"), **rules, ask=["Read(.env)"]).decision == "ask"


def test_a_call_without_its_arguments_cannot_be_judged_and_is_denied() -> None:
    for call in (ToolCall("Read", {}), ToolCall("Bash", {"command": 7}), ToolCall("Glob", {"path": "x"})):
        verdict = _judged(call, allow=[call.tool])
        assert verdict.decision == "deny"
        assert "cannot be judged" in verdict.reason


def test_where_a_call_begins_is_taken_from_the_call() -> None:
    call = ToolCall("Read", {"file_path": "app.py"}, cwd="src")

    assert _judged(call).decision == "allow"
    assert judge(replace(call, cwd="/etc"), Policy(), PROJECT).decision == "ask"


@pytest.mark.parametrize("name", get_args(PolicyName))
def test_a_command_that_begins_outside_the_workspace_asks(name: PolicyName) -> None:
    found = policy(allow=["Bash(ls)"], name=name)

    assert judge(replace(bash("ls"), cwd="/etc"), found, PROJECT).decision == "ask"
    assert judge(replace(bash("ls"), cwd="src"), found, PROJECT).decision == "allow"
    assert judge(replace(bash("ls"), cwd="/etc"), replace(found, mode="dontAsk"), PROJECT).decision == "deny"


@pytest.mark.parametrize("call", [read(f"{ROOT}/src/app.py"), bash("ls"), ToolCall("LS", {})])
def test_without_a_workspace_files_and_commands_are_not_touched(call: ToolCall) -> None:
    nowhere = replace(PROJECT, workspace=None)
    rules: dict[str, Any] = {"allow": ["Read", "Bash", "LS", "Bash(ls)"]}

    assert judge(call, policy(**rules), nowhere).decision == "ask"
    assert judge(call, policy(**rules, name="strict"), nowhere).decision == "deny"
    assert judge(call, policy(**rules, deny=[call.tool]), nowhere).decision == "deny"


# Addresses ------------------------------------------------------------------------------------


def test_a_page_needs_a_rule_for_its_host() -> None:
    assert _judged(fetch("https://a.test/x")).decision == "ask"
    assert _judged(fetch("https://a.test/x"), allow=["WebFetch(domain:a.test)"]).decision == "allow"
    assert _judged(fetch("https://a.test/x"), allow=["WebFetch"]).decision == "allow"
    denied = _judged(fetch("https://a.test/x"), deny=["WebFetch(domain:a.test)"])
    assert (denied.decision, denied.rule, denied.source) == ("deny", "WebFetch(domain:a.test)", "settings")


def test_no_rule_opens_an_address_that_is_dangerous_in_itself() -> None:
    for mode in MODES:
        assert _judged(fetch("http://169.254.169.254/"), mode=mode, allow=["WebFetch"]).decision == "deny"


def test_a_stored_secret_does_not_leave_in_an_address() -> None:
    secret = "made-up-" + "secret-value-1234"
    facts = NetworkFacts(secrets=(secret,))
    call = fetch(f"https://a.test/?q={secret}")

    assert judge(call, policy(allow=["WebFetch"]), PROJECT, facts).decision == "deny"


# Modes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "decisions"),
    [
        ("default", ("allow", "ask", "ask", "ask", "ask")),
        ("acceptEdits", ("allow", "ask", "allow", "ask", "ask")),
        ("plan", ("allow", "ask", "deny", "ask", "ask")),
        ("dontAsk", ("allow", "deny", "deny", "deny", "deny")),
        ("bypassPermissions", ("allow", "allow", "allow", "ask", "allow")),
    ],
)
def test_the_mode_decides_where_no_rule_does(mode: Mode, decisions: tuple[Decision, ...]) -> None:
    calls = (
        read(f"{ROOT}/src/app.py"),
        read("/etc/hostname"),
        write(f"{ROOT}/new"),
        write(f"{ROOT}/.npmrc"),
        fetch("https://a.test/"),
    )

    assert tuple(_judged(call, mode=mode).decision for call in calls) == decisions


def test_an_allow_rule_does_not_write_in_plan_mode() -> None:
    assert _judged(write(f"{ROOT}/new"), mode="plan", allow=["Write", "Edit(**)"]).decision == "deny"


def test_bypassing_still_asks_where_a_rule_says_so() -> None:
    assert _judged(fetch("https://a.test/"), mode="bypassPermissions", ask=["WebFetch"]).decision == "ask"


def test_what_dont_ask_denies_says_what_would_have_been_asked() -> None:
    verdict = _judged(ToolCall("WebSearch", {"query": "x"}), mode="dontAsk")

    assert verdict.decision == "deny"
    assert verdict.reason.startswith("no rule is about WebSearch; in the mode dontAsk")


def test_rules_that_could_not_be_read_make_everything_ask() -> None:
    for mode in MODES:
        broken = Policy(rules=policy(deny=["Read(.env)"]).rules, mode=mode, broken="line 3: no list")
        for call in (ToolCall("TodoWrite", {}), read(f"{ROOT}/src/app.py"), bash("ls")):
            verdict = judge(call, broken, PROJECT)
            assert verdict.decision == "ask"
            assert "line 3: no list" in verdict.reason
        assert judge(read(f"{ROOT}/.env"), broken, PROJECT).decision == "deny"


# Names ----------------------------------------------------------------------------------------


def test_tools_denied_by_name_are_those_no_call_of_can_be_allowed() -> None:
    found = policy(deny=["Task", "mcp__t", "WebFetch(domain:a.test)", "Edit", "Read(.env)"], ask=["Bash"])
    names = (
        "Bash",
        "Task",
        "Agent",
        "Edit",
        "MultiEdit",
        "Write",
        "WebFetch",
        "Read",
        "mcp__t__x",
        "mcp__u__x",
    )

    assert tools_denied_by_name(found, names) == ("Task", "Agent", "Edit", "MultiEdit", "mcp__t__x")
