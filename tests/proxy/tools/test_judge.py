"""The judge: the rules in force now, loaded when first needed, never blocking the loop."""

from __future__ import annotations

from proxy.config import PermissionConfig, RuleSource
from proxy.permissions.urls import NetworkFacts
from proxy.permissions.values import ToolCall
from proxy.tools.judge import Judge
from proxy.tools.workspaces import Machine, place_for
from tests.proxy.tools.run_room import rules

NOWHERE = place_for(None, None, Machine("/home/nobody"))
SEARCH = ToolCall("WebSearch", {"query": "x"})


async def test_rules_that_are_applied_count_from_the_next_call() -> None:
    judge = Judge(PermissionConfig())
    assert (await judge.judge(SEARCH, NOWHERE)).decision == "ask"
    judge.apply(rules(deny=["WebSearch"]))
    assert (await judge.judge(SEARCH, NOWHERE)).decision == "deny"
    assert judge.policy.rules[0].text == "WebSearch"


async def test_a_mode_can_be_tried_without_being_set() -> None:
    judge = Judge(PermissionConfig())
    assert (await judge.judge(SEARCH, NOWHERE, mode="dontAsk")).decision == "deny"
    assert (await judge.judge(SEARCH, NOWHERE)).decision == "ask"


async def test_where_a_source_forbids_to_bypass_what_no_rule_allows_asks() -> None:
    for_one = RuleSource("/one/.claude/settings.json", workspace="one", forbids_bypass=True)
    judge = Judge(PermissionConfig(mode="bypassPermissions", sources=(for_one,)))
    assert (await judge.judge(SEARCH, NOWHERE, "one")).decision == "ask"
    assert (await judge.judge(SEARCH, NOWHERE, "other")).decision == "allow"
    everywhere = RuleSource(forbids_bypass=True)
    judge.apply(PermissionConfig(mode="bypassPermissions", sources=(everywhere,)))
    assert (await judge.judge(SEARCH, NOWHERE, "other")).decision == "ask"
    assert (await judge.judge(SEARCH, NOWHERE)).decision == "ask"


async def test_tools_denied_as_a_whole_are_named() -> None:
    judge = Judge(rules(deny=["WebFetch", "Bash(rm *)"], allow=["Read"]))
    assert await judge.denied_by_name(["Read", "Bash", "WebFetch"]) == ("WebFetch",)
    assert await Judge(rules(allow=["Read"])).denied_by_name(["Read"]) == ()


async def test_the_narrowest_rule_is_suggested() -> None:
    assert await Judge(PermissionConfig()).suggestion(SEARCH, NOWHERE) == "WebSearch"


async def test_an_address_that_carries_a_stored_secret_is_denied() -> None:
    secret = "stored-" + "value-" + "0123456789"
    judge = Judge(rules(allow=["WebFetch"]), lambda: NetworkFacts((secret,)))
    call = ToolCall("WebFetch", {"url": f"https://a.example/?q={secret}", "prompt": "x"})
    assert (await judge.judge(call, NOWHERE)).decision == "deny"


async def test_what_of_the_rules_cannot_be_read_is_told() -> None:
    judge = Judge(rules(allow=["Bash(rm"]))
    assert [problem.rule for problem in judge.problems] == ["Bash(rm"]
