"""Rules that a workspace brings along count in it and nowhere else."""

from __future__ import annotations

from proxy.config import PermissionConfig, RuleSource
from proxy.permissions.values import PathFacts, Place, ToolCall, Workspace
from proxy.tools.judge import Judge

OURS = RuleSource(allow=("Read",))
THEIRS = RuleSource("/site/.claude/settings.json", "/site", deny=("Read(/k)", "WebSearch"), workspace="site")


def _place(name: str) -> Place:
    return Place(
        Workspace(name, "/site"), "/site", "/home/me", lambda path: PathFacts(path, path, path, "file")
    )


async def test_a_projects_deny_rule_counts_in_its_workspace_only() -> None:
    judge = Judge(PermissionConfig(sources=(OURS, THEIRS)))
    call = ToolCall("Read", {"file_path": "/site/k"})

    there, elsewhere = [await judge.judge(call, _place(name), name) for name in ("site", "other")]

    assert (there.decision, there.source) == ("deny", "/site/.claude/settings.json")
    assert elsewhere.decision == "allow"


async def test_a_tool_that_a_project_denies_is_hidden_in_its_workspace_only() -> None:
    judge = Judge(PermissionConfig(sources=(OURS, THEIRS)))

    assert await judge.denied_by_name(["Read", "WebSearch"], "site") == ("WebSearch",)
    assert await judge.denied_by_name(["Read", "WebSearch"], None) == ()


def test_the_mode_of_a_request_replaces_the_one_that_is_set() -> None:
    judge = Judge(PermissionConfig(sources=(OURS, THEIRS)))
    assert (judge.policy_in("site").mode, judge.policy_in(None, "plan").mode) == ("default", "plan")
    assert len(judge.policy_in("site").rules) == 3
