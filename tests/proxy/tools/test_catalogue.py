"""The catalogue: one name a tool, old names understood, what is switched off is offered to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from proxy.tools.catalogue import (
    BUILTIN,
    BUILTIN_NAMES,
    Catalogue,
    NameTaken,
    definition_of,
    tokens_of,
    toolset_of,
)
from tests.proxy.tools.run_room import ScriptedTool

READ, TASK = ScriptedTool("Read"), ScriptedTool("Task")
ISSUES, OTHER = ScriptedTool("mcp__github__issues"), ScriptedTool("mcp__other_one__get")


def test_a_tool_is_found_by_its_old_name_and_its_new_one() -> None:
    catalogue = Catalogue([READ, TASK])
    assert catalogue.find("Task") is catalogue.find("Agent") is TASK
    assert catalogue.find("Reed") is None


@pytest.mark.parametrize("second", ["Read", "Agent"])
def test_two_tools_never_have_one_name(second: str) -> None:
    catalogue = Catalogue([READ, TASK])
    with pytest.raises(NameTaken):
        catalogue.add([ISSUES, ScriptedTool(second)])
    assert catalogue.all() == (READ, TASK)


def test_what_is_switched_off_is_listed_but_not_found_or_offered() -> None:
    catalogue = Catalogue([READ, TASK], switched_off=["Agent"])
    assert catalogue.all() == (READ, TASK)
    assert catalogue.find("Task") is None
    assert not catalogue.is_offered("Agent")
    assert catalogue.offered() == (READ,)
    catalogue.switch_off(["Read"])
    assert catalogue.offered() == (TASK,)


def test_toolsets_are_the_built_in_tools_and_each_server_alone() -> None:
    catalogue = Catalogue([READ, ISSUES, OTHER])
    assert catalogue.offered() == (READ,)
    assert catalogue.offered(["mcp:github"]) == (ISSUES,)
    assert catalogue.offered([BUILTIN, "mcp:other_one"]) == (READ, OTHER)
    assert [toolset_of(each.name) for each in (READ, ISSUES, OTHER)] == [
        "builtin",
        "mcp:github",
        "mcp:other_one",
    ]


def test_servers_tools_come_and_go_and_whoever_watches_is_told() -> None:
    told: list[int] = []
    catalogue = Catalogue([READ])
    end = catalogue.watch(lambda: told.append(len(catalogue.all())))
    catalogue.add([ISSUES])
    catalogue.remove(["mcp__github__issues"])
    catalogue.remove(["mcp__github__issues"])
    catalogue.switch_off(["Read"])
    catalogue.switch_off(["Read"])
    assert told == [2, 1, 1]
    end()
    catalogue.add([ISSUES])
    assert told == [2, 1, 1]


def test_built_in_tools_can_be_made_anew_without_touching_the_servers() -> None:
    fresh = ScriptedTool("Read")
    catalogue = Catalogue([READ, TASK, ISSUES])
    catalogue.replace_builtin([fresh])
    assert catalogue.all() == (fresh, ISSUES)
    assert catalogue.find("Read") is fresh


def test_a_definition_is_plain_json_whatever_the_schema_is_made_of() -> None:
    properties: Mapping[str, Any] = MappingProxyType({})
    schema: Mapping[str, Any] = MappingProxyType(
        {"type": "object", "properties": properties, "required": ("x",)}
    )
    assert definition_of(ScriptedTool("Read", schema)) == {
        "name": "Read",
        "description": "Does it.",
        "input_schema": {"type": "object", "properties": {}, "required": ["x"]},
    }


def test_a_longer_definition_costs_more_tokens() -> None:
    short, long = ScriptedTool("Read"), ScriptedTool("Read", description="word " * 360)
    assert 10 < tokens_of(short) < 40
    assert 400 < tokens_of(long) - tokens_of(short) < 600


def test_the_names_that_need_no_tool_loaded_are_canonical() -> None:
    assert len(BUILTIN_NAMES) == 17
    assert {"Agent", "BashOutput", "KillShell"} < BUILTIN_NAMES
