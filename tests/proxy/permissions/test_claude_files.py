"""Claude Code's settings files are read with what becomes of each rule, and written back with care."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.permissions.claude_files import ClaudeFile, FileScope, NotJson, RuleFinding, read_file, with_rules
from proxy.permissions.rules import Origin

_ORIGIN = Origin(folder="/p", home="/home/u")


def _read(permissions: Any, scope: FileScope = "user", *, is_trusted: bool = False) -> ClaudeFile:
    text = json.dumps({"model": "x", "permissions": permissions})
    return read_file(text, scope, "settings.json", _ORIGIN, is_trusted=is_trusted)


def _states(file: ClaudeFile) -> dict[str, str]:
    return {finding.text: finding.state for finding in file.findings}


def test_each_rule_is_shown_with_what_becomes_of_it() -> None:
    file = _read(
        {
            "allow": ["Bash(npm test)", "Write(docs/**)", "Bash(* --version)", "mcp__*"],
            "deny": ["Read(.env)", "Skill(x)"],
        }
    )

    assert _states(file) == {
        "Read(.env)": "works",
        "Skill(x)": "scope",
        "Bash(npm test)": "works",
        "Write(docs/**)": "nothing",
        "Bash(* --version)": "broader",
        "mcp__*": "invalid",
    }
    wrong = next(each for each in file.findings if each.text == "Write(docs/**)")
    assert wrong.fix == "Edit(docs/**)"
    assert isinstance(wrong, RuleFinding)


def test_a_rule_that_another_one_goes_before_is_shown_so() -> None:
    file = _read({"allow": ["Bash(git log)", "Bash(ls)"], "deny": ["Bash(git *)"]})

    assert _states(file) == {"Bash(git *)": "works", "Bash(git log)": "nothing", "Bash(ls)": "works"}


def test_one_text_in_several_lists_is_told_apart() -> None:
    file = _read({"allow": ["Bash(ls)"], "ask": ["Bash(ls)"], "deny": ["Bash(ls)"]})

    assert [(each.effect, each.state) for each in file.findings] == [
        ("deny", "works"),
        ("ask", "nothing"),
        ("allow", "nothing"),
    ]


@pytest.mark.parametrize(("scope", "anchor"), [("user", "/home/u/.claude"), ("project", "/p"), ("local", "")])
def test_paths_begin_where_the_file_says(scope: FileScope, anchor: str) -> None:
    (rule,) = _read({"deny": ["Read(/x)"]}, scope).rules.rules

    assert (rule.anchor, rule.source) == (anchor, "settings.json")


_LOOSENING = {
    "allow": ["Bash(ls)"],
    "ask": ["WebSearch"],
    "deny": ["Read(.env)"],
    "denyExcept": ["Read(.env.example)"],
    "additionalDirectories": ["/x"],
    "defaultMode": "bypassPermissions",
}


@pytest.mark.parametrize("scope", ["project", "local"])
def test_a_project_that_is_not_trusted_can_only_tighten(scope: FileScope) -> None:
    file = _read(_LOOSENING, scope)

    assert [rule.text for rule in file.rules.rules] == ["Read(.env)", "WebSearch"]
    assert (file.rules.mode, file.rules.additional_directories) == (None, ())
    assert _states(file)["Bash(ls)"] == "untrusted"
    assert len(file.remarks) == 2


def test_a_project_that_is_not_trusted_can_forbid_to_bypass() -> None:
    assert _read({"disableBypassPermissionsMode": "disable"}, "project").rules.forbids_bypass


def test_an_untrusted_project_that_asks_for_nothing_gets_no_remark() -> None:
    assert _read({"deny": ["Read(x)"]}, "project").remarks == ()


def test_a_trusted_project_counts_whole() -> None:
    file = _read({**_LOOSENING, "defaultMode": "plan"}, "project", is_trusted=True)

    assert len(file.rules.rules) == 4
    assert (file.rules.mode, file.rules.additional_directories) == ("plan", ("/x",))
    assert "untrusted" not in _states(file).values()


def test_a_mode_that_is_not_supported_is_remarked() -> None:
    assert "not supported" in _read({"defaultMode": "auto"}).remarks[0]


@pytest.mark.parametrize("text", ["", "\ufeff \n", "{}", '{"model": "x"}'])
def test_a_file_without_permissions_holds_no_rules(text: str) -> None:
    file = read_file(text, "user", "s.json", _ORIGIN, is_trusted=False)

    assert (file.rules.rules, file.error, file.rules.broken) == ((), None, None)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_file_that_cannot_be_read_makes_everything_ask(text: str) -> None:
    file = read_file(text, "user", "s.json", _ORIGIN, is_trusted=False)

    assert file.error
    assert "s.json" in (file.rules.broken or "")


def test_rules_are_written_back_and_the_rest_stays_as_it_is() -> None:
    text = (
        '{\n  "permissions": {\n    "allow": ["Bash(ls)"],   "deny": [ "Read(.env)" ]\n  },\n  "x" : 1\n}\n'
    )

    after = with_rules(text, {"allow": ["Bash(ls)", "WebSearch"]})

    assert after == text.replace('["Bash(ls)"]', '["Bash(ls)", "WebSearch"]')
    assert with_rules(after, {"allow": ["Bash(ls)"]}) == text


def test_lists_are_added_in_the_order_people_read_them() -> None:
    after = with_rules("", {"deny": ["Read(x)"], "ask": ["WebSearch"], "allow": ["Bash(ls)"]})

    assert list(json.loads(after)["permissions"]) == ["allow", "ask", "deny"]


def test_a_file_that_is_no_json_is_never_written() -> None:
    with pytest.raises(NotJson):
        with_rules("{", {"deny": ["Read(x)"]})
