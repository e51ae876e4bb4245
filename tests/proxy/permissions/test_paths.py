"""Accesses to paths under both policies: what comes first, and what is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.permissions.paths import judge, judge_facts, zone_of
from proxy.permissions.values import (
    Decision,
    PartVerdict,
    PathAccess,
    PathFacts,
    Place,
    Policy,
    PolicyName,
    Workspace,
)
from tests.proxy.permissions.path_place import HOME, ROOT, SHARED, facts, place, policy

OPEN: Policy = policy(allow=("Read(./**)", "Edit(./**)"))


def _judged(
    path: str, operation: str, rules: Policy, where: Place | None = None, *, from_shell: bool = False
) -> PartVerdict:
    access = PathAccess(path, operation)  # pyright: ignore[reportArgumentType] - tests name operations freely
    return judge(access, rules, where or place(), from_shell=from_shell)


# Where nothing but the place speaks -----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path", "operation", "decision", "is_open"),
    [
        ("claude-code", "a.py", "read", "allow", False),
        ("claude-code", "a.py", "write", "ask", True),
        ("claude-code", "/etc/hosts", "read", "ask", True),
        ("claude-code", "/etc/hosts", "write", "ask", True),
        ("claude-code", f"{SHARED}/a", "read", "allow", False),
        ("claude-code", f"{SHARED}/a", "write", "deny", False),
        ("strict", "a.py", "read", "ask", True),
        ("strict", "a.py", "write", "ask", True),
        ("strict", "/etc/hosts", "read", "deny", False),
        ("strict", "/etc/hosts", "write", "deny", False),
        ("strict", f"{SHARED}/a", "read", "allow", False),
        ("strict", f"{SHARED}/a", "write", "deny", False),
    ],
)
def test_where_no_rule_speaks_the_policy_does(
    name: PolicyName, path: str, operation: str, decision: Decision, is_open: bool
) -> None:
    verdict = _judged(path, operation, policy(name))
    assert (verdict.decision, verdict.is_open) == (decision, is_open)


@pytest.mark.parametrize(
    ("path", "operation", "decision"),
    [("a.py", "read", "allow"), ("a.py", "write", "ask"), ("/etc/hosts", "read", "ask")],
)
def test_words_of_a_command_read_freely_inside_and_ask_outside(
    path: str, operation: str, decision: Decision
) -> None:
    assert _judged(path, operation, policy(), from_shell=True).decision == decision


def test_accepted_edits_need_no_rule_inside() -> None:
    for name in ("claude-code", "strict"):
        accepting = policy(name, mode="acceptEdits")
        assert _judged("a.py", "write", accepting).decision == "allow"
        assert _judged("/etc/hosts", "write", accepting).decision != "allow"


def test_additional_folders_are_inside() -> None:
    rules = policy("claude-code", additional=("/data/more",))
    assert _judged("/data/more/x", "read", rules).decision == "allow"
    assert zone_of("/data/more/x", rules, place()) == "inside"


def test_an_additional_folder_may_be_named_by_a_link() -> None:
    where = place({"/data/link": facts("/data/link", real="/mnt/data", kind="folder")})
    rules = policy("claude-code", additional=("/data/link",))
    assert zone_of("/mnt/data/x", rules, where) == "inside"
    assert zone_of("/mnt/other", rules, where) == "outside"


def test_a_folder_that_may_only_be_read_stays_so_inside_the_root() -> None:
    vendor = place(read_only=(f"{ROOT}/vendor",))
    assert _judged("vendor/x", "write", OPEN, vendor).decision == "deny"
    assert _judged("vendor/x", "read", OPEN, vendor).decision == "allow"
    assert _judged("vendored/x", "write", OPEN, vendor).decision == "allow"


def test_without_a_workspace_files_ask_or_are_denied() -> None:
    nowhere = place(has_workspace=False)
    assert _judged("a", "read", policy("strict"), nowhere).decision == "deny"
    assert _judged("a", "read", policy("claude-code"), nowhere).decision == "ask"
    assert _judged("a", "read", policy("claude-code", deny=("Read(a)",)), nowhere).decision == "deny"


# Rules ----------------------------------------------------------------------------------------


def test_deny_comes_first_and_names_its_rule() -> None:
    rules = policy(allow=("Read(./**)",), ask=("Read(a*)",), deny=("Read(a.py)",))
    verdict = _judged("a.py", "read", rules)
    assert verdict == PartVerdict("a.py", "deny", "deny rule Read(a.py) matches", "Read(a.py)", "settings")


def test_ask_comes_before_allow() -> None:
    verdict = _judged("a.py", "read", policy(allow=("Read(a.py)",), ask=("Read(*.py)",)))
    assert (verdict.decision, verdict.rule, verdict.is_open) == ("ask", "Read(*.py)", False)


def test_an_ask_rule_about_something_else_says_nothing() -> None:
    assert _judged("a.py", "read", policy(allow=("Read(a.py)",), ask=("Read(b.py)",))).decision == "allow"


def test_what_may_not_be_read_may_not_be_written() -> None:
    rules = policy(allow=("Edit(./**)",), deny=("Read(k)",))
    assert _judged("k", "write", rules).decision == "deny"


def test_what_may_not_be_written_may_be_read() -> None:
    rules = policy(allow=("Read(./**)",), deny=("Edit(k)",))
    assert _judged("k", "read", rules).decision == "allow"
    assert _judged("k", "write", rules).decision == "deny"


def test_what_may_be_written_may_be_read() -> None:
    assert _judged("src/a", "read", policy(allow=("Edit(src/**)",))).decision == "allow"
    assert _judged("src/a", "write", policy(allow=("Read(src/**)",))).decision == "ask"


def test_asking_about_reading_is_not_asking_about_writing() -> None:
    rules = policy(allow=("Edit(./**)",), ask=("Read(a)",))
    assert _judged("a", "write", rules).decision == "allow"
    assert _judged("a", "write", policy(allow=("Edit(./**)",), ask=("Edit(a)",))).decision == "ask"


def test_an_exception_lifts_deny_rules_of_its_kind() -> None:
    rules = policy(allow=("Read(./**)",), deny=("Read(**/.env.*)",), deny_except=("Read(**/.env.example)",))
    assert _judged("x/.env.example", "read", rules).decision == "allow"
    assert _judged("x/.env.local", "read", rules).decision == "deny"
    other = policy(deny=("Edit(**/.env.*)",), deny_except=("Read(**/.env.example)",))
    assert _judged(".env.example", "write", other).decision == "deny"


def test_each_deny_rule_needs_its_own_exception() -> None:
    rules = policy(
        allow=("Read(./**)",),
        deny=("Read(**/.env.*)", "Edit(**/*.example)"),
        deny_except=("Read(**/.env.example)",),
    )
    assert _judged(".env.example", "write", rules).decision == "deny"
    assert _judged(".env.example", "read", rules).decision == "allow"


def test_a_rule_on_the_whole_tool_is_left_to_the_engine() -> None:
    assert _judged("a", "read", policy(allow=("Read",), deny=("Edit",))).is_open


def test_rules_of_other_tools_do_not_count() -> None:
    rules = policy("claude-code", deny=("Bash(rm *)", "Write(a)"), allow=("Bash(a)",))
    assert _judged("a", "write", rules).is_open


# What no rule can open ------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "~/x", "a\0b", "http://x.test/"])
def test_a_text_that_is_no_path_is_denied_unseen(path: str) -> None:
    def never(path: str) -> PathFacts:
        raise AssertionError(path)

    blind = Place(place().workspace, ROOT, HOME, never)
    assert judge(PathAccess(path, "read"), OPEN, blind).decision == "deny"


@pytest.mark.parametrize("name", ["strict", "claude-code"])
@pytest.mark.parametrize("path", ["/proc/self/environ", "/dev/sda", "/dev"])
def test_devices_and_processes_are_no_files(name: PolicyName, path: str) -> None:
    assert _judged(path, "read", policy(name, allow=("Read(//**)",))).decision == "deny"


def test_what_cannot_be_looked_at_is_denied() -> None:
    there = {f"{ROOT}/fifo": facts(f"{ROOT}/fifo", kind="other")}
    assert _judged("fifo", "read", OPEN, place(there)).decision == "deny"


def test_a_link_to_a_device_is_a_device() -> None:
    there = {f"{ROOT}/zero": facts(f"{ROOT}/zero", real="/dev/zero", via=("/dev/zero",))}
    assert (
        _judged("zero", "read", policy("claude-code", allow=("Read(//**)",)), place(there)).decision == "deny"
    )


@pytest.mark.parametrize("name", ["strict", "claude-code"])
@pytest.mark.parametrize("operation", ["read", "write"])
@pytest.mark.parametrize("path", [f"{HOME}/.config/signalbox/config.yaml", "a/.signalbox/x"])
def test_signalboxs_own_files_are_denied(name: PolicyName, operation: str, path: str) -> None:
    rules = policy(name, allow=("Read(//**)", "Edit(//**)"))
    assert _judged(path, operation, rules).decision == "deny"


def test_signalboxs_own_files_are_denied_by_any_name_of_their_folder() -> None:
    own = f"{HOME}/.config/signalbox"
    where = place({own: facts(own, real="/var/home/u/.config/signalbox", kind="folder")})
    assert _judged("/var/home/u/.config/signalbox/x", "read", policy("claude-code"), where).decision == "deny"


def test_protected_names_ask_whatever_is_allowed_and_exists() -> None:
    verdict = _judged(".git/hooks/pre-commit", "write", OPEN)
    assert (verdict.decision, verdict.is_open) == ("ask", False)
    assert _judged(".git/config", "read", OPEN).decision == "allow"


def test_claude_codes_worktrees_are_protected_under_strict_only() -> None:
    path = ".claude/worktrees/one/a.py"
    assert _judged(path, "write", OPEN).decision == "ask"
    assert _judged(path, "write", policy("claude-code", allow=("Edit(./**)",))).decision == "allow"


def test_unseen_characters_hide_no_protected_name_where_they_do_not_count() -> None:
    assert _judged(".g\u200cit/x", "write", OPEN, place(platform="macos")).decision == "ask"
    assert _judged(".g\u200cit/x", "write", OPEN).decision == "allow"


def test_a_link_to_a_protected_name_is_one() -> None:
    there = {f"{ROOT}/hook": facts(f"{ROOT}/hook", real=f"{ROOT}/.git/hooks/x", kind="missing")}
    assert _judged("hook", "write", OPEN, place(there)).decision == "ask"


def test_a_workspace_within_a_protected_folder_is_not_protected_itself() -> None:
    root = "/w/.claude/worktrees/one"
    where = Place(Workspace("one", root), root, HOME, place().look)
    assert judge(PathAccess("a.py", "write"), OPEN, where).decision == "allow"
    assert judge(PathAccess(".git/x", "write"), OPEN, where).decision == "ask"


def test_hard_links_ask_before_they_are_written() -> None:
    there = {f"{ROOT}/h": facts(f"{ROOT}/h", links=2)}
    assert _judged("h", "write", OPEN, place(there)).decision == "ask"
    assert _judged("h", "read", OPEN, place(there)).decision == "allow"


def test_names_that_turn_what_is_shown_ask_before_they_are_written() -> None:
    assert _judged("a\u202etxt.exe", "write", OPEN).decision == "ask"
    assert _judged("a\u202etxt.exe", "read", OPEN).decision == "allow"


def test_a_link_out_of_the_workspace_is_not_written_through() -> None:
    there = {f"{ROOT}/out": facts(f"{ROOT}/out", real="/srv/x", via=("/srv/x",))}
    rules = policy("claude-code")
    assert _judged("out", "write", rules, place(there)).decision == "deny"
    assert _judged("out", "read", rules, place(there)).decision == "ask"


# Kinds of things ------------------------------------------------------------------------------


def test_files_and_folders_are_not_taken_for_each_other() -> None:
    there = {
        f"{ROOT}/src": facts(f"{ROOT}/src", kind="folder"),
        f"{ROOT}/src/": facts(f"{ROOT}/src/", kind="folder"),
        f"{ROOT}/a.py/": facts(f"{ROOT}/a.py"),
        f"{ROOT}/a.py/.": facts(f"{ROOT}/a.py"),
    }
    where = place(there)
    assert _judged("src", "read", OPEN, where).decision == "deny"
    assert _judged("src", "write", OPEN, where).decision == "deny"
    assert _judged("src/", "list", OPEN, where).decision == "allow"
    assert _judged("a.py/", "read", OPEN, where).decision == "deny"
    assert _judged("a.py/.", "search", OPEN, where).decision == "deny"
    assert _judged("new/", "write", OPEN, where).decision == "deny"
    assert _judged("new/", "list", OPEN, where).decision == "allow"
    assert _judged("src", "read", policy(), where, from_shell=True).decision == "allow"


def test_a_path_that_begins_with_a_variable_leads_nowhere() -> None:
    rules = policy(allow=("Read(./**)", "Edit(./**)"), deny=("Read(**/id_rsa*)",))
    assert _judged("$HOME/.ssh/id_rsa", "read", rules).decision == "allow"
    assert _judged("$HOME/.ssh/id_rsa", "write", rules).decision == "deny"
    there = {f"{ROOT}/$HOME/.ssh/id_rsa": facts(f"{ROOT}/$HOME/.ssh/id_rsa")}
    assert _judged("$HOME/.ssh/id_rsa", "read", rules, place(there)).decision == "deny"


# Folders and globs ----------------------------------------------------------------------------


def test_no_path_means_the_working_folder() -> None:
    where = place({ROOT: facts(ROOT, kind="folder")})
    assert _judged("", "list", OPEN, where).decision == "allow"
    assert _judged("", "search", OPEN, where).decision == "allow"


def test_a_folder_whose_all_is_denied_is_neither_listed_nor_searched() -> None:
    rules = policy(allow=("Read(./**)",), deny=("Read(secrets/*)",))
    where = place({f"{ROOT}/secrets": facts(f"{ROOT}/secrets", kind="folder")})
    assert _judged("secrets", "list", rules, where).decision == "deny"
    assert _judged("secrets/*", "search", rules, where).decision == "deny"
    assert _judged("{docs,secrets}/*", "search", rules, where).decision == "deny"
    assert _judged("**/*.txt", "search", rules, where).decision == "allow"


def test_a_glob_is_judged_by_every_folder_it_begins_in() -> None:
    assert _judged("src/**/*.py", "search", OPEN).decision == "allow"
    assert _judged("../*", "search", OPEN).decision == "deny"
    assert _judged("{src,../x}/*", "search", OPEN).decision == "deny"
    assert _judged("/etc/*", "search", OPEN).decision == "deny"
    assert _judged("src/*/../../../x", "search", OPEN).decision == "deny"
    assert _judged("{a,b}" * 12, "search", OPEN).decision == "deny"
    assert _judged("*\0", "search", OPEN).decision == "allow"  # it matches no name there is


def test_brackets_in_the_name_of_what_is_there_are_part_of_it() -> None:
    rules = policy(allow=("Read(./**)",), deny=("Read(app/\\[id\\]/**)",))
    where = place({f"{ROOT}/app/[id]": facts(f"{ROOT}/app/[id]", kind="folder")})
    assert _judged("app/[id]", "search", rules, where).decision == "deny"


# Windows and macOS ----------------------------------------------------------------------------


def test_a_name_windows_would_cut_is_judged_as_what_it_becomes_or_denied() -> None:
    rules = policy(allow=("Read(./**)", "Edit(./**)"), deny=("Read(secrets/**)",))
    where = place(platform="windows", cwd=ROOT)
    assert _judged("README.md.", "read", rules, where).decision == "deny"
    assert _judged("secrets \\k", "read", rules, where).decision == "deny"
    assert _judged(".git.\\config", "write", rules, where).decision == "ask"
    assert _judged("README.md.", "read", policy(), where).decision == "deny"


def test_windows_separators_end_a_folder_too() -> None:
    where = place({f"{ROOT}/a.py/": facts(f"{ROOT}/a.py")}, platform="windows")
    assert _judged("a.py\\", "read", OPEN, where).decision == "deny"
    assert _judged("src\\*.py", "search", OPEN, where).decision == "allow"


def test_case_does_not_hide_a_protected_name_where_it_may_not_count() -> None:
    assert _judged(".GIT/config", "write", OPEN, place(platform="macos")).decision == "ask"
    assert _judged(".GIT/config", "write", OPEN).decision == "allow"


# Invariants -----------------------------------------------------------------------------------

_NAMES = st.sampled_from(["a", "b", ".git", ".env", "secrets", "..", "x.pem", ".signalbox", ".npmrc"])
_TEXTS = st.lists(_NAMES, min_size=1, max_size=5).map("/".join)
_STRICTNESS = {"allow": 0, "ask": 1, "deny": 2}


@given(path=_TEXTS, operation=st.sampled_from(["read", "write", "list", "search"]))
def test_a_deny_rule_never_makes_a_verdict_milder(path: str, operation: str) -> None:
    allow = ("Read(./**)", "Edit(./**)")
    without = _judged(path, operation, policy(allow=allow))
    with_it = _judged(path, operation, policy(allow=allow, deny=("Read(**/b)", "Edit(secrets/**)")))
    assert _STRICTNESS[with_it.decision] >= _STRICTNESS[without.decision]


@given(path=_TEXTS, operation=st.sampled_from(["read", "write"]))
def test_strict_is_never_milder_than_claude_code(path: str, operation: str) -> None:
    rules = (("Read(./**)",), ("Read(**/.env)",))
    strict = _judged(path, operation, policy("strict", allow=rules[0], deny=rules[1]))
    real = _judged(path, operation, policy("claude-code", allow=rules[0], deny=rules[1]))
    assert _STRICTNESS[strict.decision] >= _STRICTNESS[real.decision]


def test_facts_are_judged_under_the_name_they_were_given() -> None:
    verdict = judge_facts(facts("a.py"), "read", OPEN, place())
    assert verdict.what == "a.py"


def test_a_glob_that_begins_in_too_many_places_is_denied_unseen() -> None:
    assert _judged("{a,b}" * 7, "search", OPEN).decision == "allow"
    assert _judged("{a,b}" * 8, "search", OPEN).decision == "deny"
