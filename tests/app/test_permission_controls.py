"""What the desk answers about tools, rules, workspaces and approvals, and what it writes down."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.permission_controls import PermissionControls
from gui.desk import ActionDone, ActionFailed
from gui.permission_desk import (
    ApprovalAnswerDraft,
    ApprovalsChanged,
    CallDraft,
    CallTried,
    HistoryRead,
    PermissionsChanged,
    RuleView,
    WorkspacesChanged,
    WorkspaceView,
)
from proxy.events import ApprovalAsked, ToolDecided
from proxy.permissions.approval import ApprovalRequest, digest_of
from proxy.permissions.values import PartVerdict, ToolCall, Verdict
from tests.app.controller_bench import Bench, Make

RULES = """# mine
permissions:
  allow:
    - Bash(git log *)  # often
  deny: ["Read(./.env)", "Write(docs/**)"]
"""
CALL = ToolCall("Bash", {"command": "git push", "description": "Publish"})


def _waiting(call: ToolCall = CALL, suggestion: str | None = "Bash(git push)") -> ApprovalRequest:
    verdict = Verdict("ask", "no rule allows it")
    return ApprovalRequest(
        "apr_1", call, digest_of(call), verdict, suggestion, "req_1", "claude-cli/2", "c1", None, 1.0, 121.0
    )


def _decided(tool: str, arguments: str, **more: object) -> ToolDecided:
    facts: dict[str, object] = {
        "request_id": "req_1",
        "at": 1234.0,
        "call_id": "call_1",
        "tool": tool,
        "arguments": arguments,
        "runner": "client",
        "decision": "deny",
        "reason": "deny rule",
        "rule": "Read(./.env)",
        "source": "settings",
        "decided_by": "rule",
    }
    return ToolDecided(**{**facts, **more})  # pyright: ignore[reportArgumentType] - named as the value names them


async def _started(make: Make, settings: str = RULES) -> Bench:
    bench = make(settings=settings)
    await bench.controller.start()
    await bench.until(PermissionsChanged)
    return bench


def _written(bench: Bench) -> str:
    return bench.folders.settings_file.read_text()


async def test_rules_stand_in_evaluation_order_with_meaning_and_warning(make: Make) -> None:
    bench = await _started(make)
    rules = bench.controller.rules()

    assert [(each.effect, each.text) for each in rules] == [
        ("deny", "Read(./.env)"),
        ("deny", "Write(docs/**)"),
        ("allow", "Bash(git log *)"),
    ]
    assert all(each.meaning and each.can_change for each in rules)
    assert (rules[1].warning is not None, rules[1].fix) == (True, "Edit(docs/**)")


async def test_a_saved_rule_changes_its_list_and_nothing_else_of_the_file(make: Make) -> None:
    bench = await _started(make)

    assert bench.controller.save_rule("allow", "WebSearch") is None
    await bench.until(PermissionsChanged)

    text = _written(bench)
    assert 'deny: ["Read(./.env)", "Write(docs/**)"]' in text
    assert "# mine" in text
    assert [each.text for each in bench.controller.rules()][-1] == "WebSearch"
    assert bench.servers[0].applied[-1].permissions.sources[0].allow == ("Bash(git log *)", "WebSearch")


async def test_a_fix_replaces_the_rule_it_mends(make: Make) -> None:
    bench = await _started(make)
    old = bench.controller.rules()[1]

    assert bench.controller.save_rule("deny", old.fix or "", replaces=old) is None
    await bench.until(PermissionsChanged)

    assert [each.text for each in bench.controller.rules() if each.effect == "deny"] == [
        "Read(./.env)",
        "Edit(docs/**)",
    ]


@pytest.mark.parametrize(
    ("effect", "text", "said"),
    [
        ("allow", "Bash(git log", "brackets"),
        ("allow", "*", "wildcard"),
        ("deny", "Read(./.env)", "already"),
    ],
)
async def test_what_is_no_rule_or_there_already_is_refused_in_words(
    make: Make, effect: str, text: str, said: str
) -> None:
    bench = await _started(make)
    refused = bench.controller.save_rule(effect, text)  # pyright: ignore[reportArgumentType] - of the table
    assert said in (refused or "")
    assert _written(bench) == RULES


async def test_only_rules_of_ours_can_be_removed(make: Make) -> None:
    bench = await _started(make)
    foreign = RuleView("deny", "Bash", "", "/site/.claude/settings.json", can_change=False)

    assert "stands in /site" in (bench.controller.remove_rule(foreign) or "")
    assert bench.controller.remove_rule(bench.controller.rules()[0]) is None
    await bench.until(PermissionsChanged)
    assert "Read(./.env)" not in _written(bench)
    assert "not there" in (
        bench.controller.remove_rule(
            bench.controller.rules()[-1].__class__("deny", "Read(./.env)", "", "settings", can_change=True)
        )
        or ""
    )


async def test_a_tools_switch_and_default_are_settings(make: Make) -> None:
    bench = await _started(make)

    assert bench.controller.offer_tool("Bash", is_offered=False) is None
    await bench.until(PermissionsChanged)
    assert bench.controller.set_tool_default("Bash", "deny") is None
    await bench.until(PermissionsChanged)
    assert bench.controller.set_tool_default("Bash", "ask") is None
    await bench.until(PermissionsChanged)

    permissions = bench.configuration.settings.permissions
    assert bench.configuration.settings.tools.switched_off == ("Bash",)
    assert (permissions.ask, "Bash" in permissions.deny) == (("Bash",), False)
    views = {each.name: each for each in bench.controller.tools()}
    assert (views["Bash"].default, views["Bash"].rules, views["Read"].default) == ("ask", 2, "allow")
    assert views["Read"].description == "Reads a file."


async def test_the_rules_as_text_can_be_pasted_both_ways(make: Make) -> None:
    bench = await _started(make)
    given = json.loads(bench.controller.rules_text())
    given["ask"] = ["WebFetch"]

    assert bench.controller.save_rules_text(json.dumps(given)) is None
    await bench.until(PermissionsChanged)

    assert bench.configuration.settings.permissions.ask == ("WebFetch",)
    assert "no JSON" in (bench.controller.save_rules_text("{") or "")
    assert "lists of rules" in (bench.controller.save_rules_text("[]") or "")
    assert "cannot be read" in (bench.controller.save_rules_text('{"deny": ["Bash("]}') or "")


async def test_rules_of_a_claude_code_file_are_shown_then_taken_over(make: Make, tmp_path: Path) -> None:
    bench = await _started(make)
    folder = tmp_path / "site" / ".claude"
    folder.mkdir(parents=True)
    file = folder / "settings.json"
    file.write_text(
        json.dumps({"permissions": {"allow": ["Edit(/src/**)", "Skill(x)"], "deny": ["Read(./.env)", "Foo"]}})
    )

    preview = bench.controller.preview_import(str(file))
    found = {each.text: (each.verdict, each.note) for each in preview.rows}
    stored = f"Edit(/{tmp_path}/site/src/**)"
    assert found["Edit(/src/**)"] == ("works", f"stored as {stored}")
    assert found["Read(./.env)"][0] == "already there"
    assert (found["Skill(x)"][0], found["Foo"][0]) == ("out of scope", "does nothing")

    assert bench.controller.import_rules(str(file)) is None
    await bench.until(PermissionsChanged)
    assert bench.configuration.settings.permissions.allow == ("Bash(git log *)", stored)
    assert "nothing" not in (bench.controller.import_rules(str(file)) or "nothing")


@pytest.mark.expects_log("change_failed")
async def test_a_file_that_cannot_be_imported_says_why(make: Make, tmp_path: Path) -> None:
    bench = await _started(make)
    file = tmp_path / "settings.json"

    assert "No such file" in (bench.controller.preview_import(str(file)).problem or "")
    file.write_bytes(b"\xff")
    assert "UTF-8" in (bench.controller.preview_import(str(file)).problem or "")
    file.write_text("{,}")
    assert str(file) in (bench.controller.import_rules(str(file)) or "")
    nobodys = "~no-such-user/settings.json"
    assert "home folder" in (bench.controller.preview_import(nobodys).problem or "")
    assert bench.controller.export_rules(nobodys) is None
    assert "home folder" in (await bench.until(ActionFailed)).text


async def test_exported_rules_join_those_of_the_file_and_leave_its_bytes(make: Make, tmp_path: Path) -> None:
    bench = await _started(make)
    file = tmp_path / "settings.json"
    before = '{\n  "model" : "x",\n  "permissions": {"deny":  [ "Bash(rm *)" ]}\n}\n'
    file.write_text(before)

    assert bench.controller.export_rules(str(file)) is None
    done = await bench.until(ActionDone)

    after = file.read_text()
    assert done.text == f"3 rules written to {file}"
    assert after.startswith('{\n  "model" : "x",\n')
    assert json.loads(after)["permissions"] == {
        "deny": ["Bash(rm *)", "Read(./.env)", "Write(docs/**)"],
        "allow": ["Bash(git log *)"],
    }


async def test_a_workspace_is_made_renamed_made_the_default_and_removed(make: Make, tmp_path: Path) -> None:
    bench = await _started(make)
    desk = bench.controller
    root = str(tmp_path)

    assert desk.save_workspace(WorkspaceView("site", root), replaces=None) is None
    await bench.until(WorkspacesChanged)
    assert desk.workspaces() == (WorkspaceView("site", root, is_default=True),)  # the only one
    draft = WorkspaceView("web", root, (f"{root}/none",), is_default=True)
    assert desk.save_workspace(draft, replaces="site") is None
    await bench.until(WorkspacesChanged)
    (view,) = desk.workspaces()
    assert (view.name, view.read_only, view.problem) == (
        "web",
        (f"{root}/none",),
        f"{root}/none is not there",
    )
    assert bench.configuration.settings.default_workspace == "web"
    assert any("workspace web" in each.title for each in desk.state().problems)
    assert "already" in (desk.save_workspace(WorkspaceView("web", root), replaces=None) or "")
    assert "absolute" in (desk.save_workspace(WorkspaceView("x", "here"), replaces=None) or "")
    assert desk.remove_workspace("web") is None
    await bench.until(WorkspacesChanged)
    assert (desk.workspaces(), bench.configuration.settings.default_workspace) == ((), None)
    assert "no workspace 'web'" in (desk.remove_workspace("web") or "")


async def test_a_projects_own_deny_rules_count_there_and_its_allow_rules_never(
    make: Make, tmp_path: Path
) -> None:
    folder = tmp_path / "site" / ".claude"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(
        '{"permissions": {"allow": ["Bash"], "deny": ["Read(/k)"],'
        ' "disableBypassPermissionsMode": "disable"}}'
    )
    (folder / "settings.local.json").write_text("{broken")
    bench = await _started(make, f"workspaces: {{site: {{root: {tmp_path}/site}}}}\n")

    _ours, shared, local = bench.servers[0].config.permissions.sources
    assert (shared.allow, shared.deny, shared.workspace) == ((), ("Read(/k)",), "site")
    assert (shared.anchor, shared.forbids_bypass) == (f"{tmp_path}/site", True)
    assert (local.ask, local.workspace) == (("*",), "site")


async def test_a_tried_call_is_judged_where_the_draft_says_and_explained(make: Make) -> None:
    bench = await _started(make)
    part = PartVerdict("git push", "ask", "no rule")
    bench.servers[0].verdict = (Verdict("ask", "no rule allows it", parts=(part,)), "Bash(git push)")

    bench.controller.try_call(CallDraft("Bash", "git push", "site", "plan"))
    tried = await bench.until(CallTried)

    assert bench.servers[0].tried == [(ToolCall("Bash", {"command": "git push"}), "site", "plan")]
    assert (tried.view.decision, tried.view.suggestion) == ("ask", "Bash(git push)")
    assert [each.what for each in tried.view.parts] == ["git push"]


@pytest.mark.parametrize(
    ("draft", "problem"),
    [
        (CallDraft("Bash", ""), "Type the command"),
        (CallDraft("Bash", "{broken"), "no JSON object"),
        (CallDraft("mcp__a__b", "x"), "as a JSON object"),
        (CallDraft("Bash", "ls", "x"), "no workspace called x"),
    ],
)
async def test_a_draft_that_is_no_call_says_what_to_type(make: Make, draft: CallDraft, problem: str) -> None:
    bench = await _started(make)
    bench.controller.try_call(draft)
    assert problem in ((await bench.until(CallTried)).view.problem or "")


async def test_without_a_running_proxy_the_desk_has_no_tools_and_says_so(make: Make) -> None:
    desk: PermissionControls = make(settings=RULES).controller
    assert (desk.tools(), desk.approvals(), len(desk.rules())) == ((), (), 3)
    answer = ApprovalAnswerDraft("apr_1", "d", "allow")
    assert "proxy was stopped" in (desk.answer_approval(answer) or "")


async def test_a_waiting_call_is_announced_and_shown_whole(make: Make) -> None:
    bench = await _started(make)
    bench.servers[0].waiting.append(_waiting())
    bench.servers[0].emit(ApprovalAsked("apr_1", "req_1", "Bash"))
    await bench.until(ApprovalsChanged)

    (view,) = bench.controller.approvals()
    assert view.shown == "git push\ndescription (says the model): Publish"
    assert (view.hints, view.suggestion, view.expires_at) == (("uses the network",), "Bash(git push)", 121.0)


async def test_an_answer_for_always_keeps_the_rule_as_the_user_let_it_stand(make: Make) -> None:
    bench = await _started(make)
    request = _waiting()
    bench.servers[0].waiting.append(request)
    draft = ApprovalAnswerDraft("apr_1", request.digest, "allow", "always", "Bash(git push origin *)")

    assert bench.controller.answer_approval(draft) is None
    await bench.until(PermissionsChanged)

    assert bench.configuration.settings.permissions.allow[-1] == "Bash(git push origin *)"
    assert [(each.decision, each.scope) for each in bench.servers[0].answers] == [("allow", "always")]


async def test_a_rule_that_cannot_be_written_leaves_the_call_waiting_for_another_answer(make: Make) -> None:
    bench = await _started(make)
    request = _waiting()
    bench.servers[0].waiting.append(request)
    bench.store.may_move = False  # as with --settings FILE
    draft = ApprovalAnswerDraft("apr_1", request.digest, "allow", "always", "Bash(git push)")

    problem = bench.controller.answer_approval(draft)

    assert "never rewritten" in (problem or "")
    assert (bench.servers[0].answers, _written(bench)) == ([], RULES)
    assert bench.controller.answer_approval(replace(draft, scope="once")) is None


async def test_an_answer_for_another_call_or_with_no_rule_decides_nothing(make: Make) -> None:
    bench = await _started(make)
    request = _waiting()
    bench.servers[0].waiting.append(request)
    desk = bench.controller

    assert desk.answer_approval(ApprovalAnswerDraft("apr_1", "other", "allow")) == "it waits no more"
    assert "which rule" in (
        desk.answer_approval(ApprovalAnswerDraft("apr_1", request.digest, "allow", "always")) or ""
    )
    bad = ApprovalAnswerDraft("apr_1", request.digest, "allow", "always", "Bash(git")
    assert "skipped" in (desk.answer_approval(bad) or "")
    assert (bench.servers[0].answers, _written(bench)) == ([], RULES)


async def test_decisions_count_for_tools_rules_and_requests_and_are_found_again(make: Make) -> None:
    bench = make(settings=RULES)
    await bench.controller.start()
    server = bench.servers[0]
    server.decided = (_decided("Bash", '{"command": "x"}', decision="allow", decided_by="user (window)"),)
    server.emit(_decided("Read", '{"file_path": ".env"}'))
    server.emit(_decided("Read", '{"file_path": "old"}', at=-90_000.0))
    await bench.until(PermissionsChanged)

    read = {each.name: each for each in bench.controller.tools()}["Read"]
    assert (read.allowed, read.asked, read.denied) == (0, 0, 1)
    assert {each.text: each.hits for each in bench.controller.rules()}["Read(./.env)"] == 1
    assert [each.tool for each in bench.controller.decisions_of("req_1")] == ["Read", "Read"]
    assert bench.controller.rule_preview("deny", "Read(.env)").hits == 1
    bench.controller.read_history("command")
    (row,) = (await bench.until(HistoryRead)).rows
    assert (row.tool, row.by) == ("Bash", "user (window)")
