"""Which tools a request gets from the catalogue, and which of the client's are run here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.config import ToolConfig
from tests.proxy.scripted import DONE, Reply, ScriptedUpstream, delta, proxy_config
from tests.proxy.tooling import BUILTIN, FakeTool, ask, call, calling, declared, kinds, rules, running_tools


async def test_a_toolset_never_takes_the_name_of_a_clients_tool() -> None:
    upstream = ScriptedUpstream([Reply(calling(call("Task", "{}")))])
    tools = [FakeTool(), FakeTool("Agent", "Run")]
    async with running_tools(upstream, tools=tools, toolsets=BUILTIN) as proxy:
        message = await ask(proxy, tools=declared("Task"))
    assert kinds(message) == ["tool_use"]
    assert [tool["function"]["name"] for tool in upstream.asked[0]["tools"]] == ["Task", "TodoWrite"]


async def test_a_call_of_nobodys_tool_is_answered_here_where_the_client_runs_none() -> None:
    upstream = ScriptedUpstream([Reply(calling(call("Reed", "{}"))), Reply()])
    async with running_tools(upstream, tools=[FakeTool()], toolsets=BUILTIN) as proxy:
        message = await ask(proxy)
    assert message["stop_reason"] == "end_turn"
    assert kinds(message) == ["text"]
    told = upstream.asked[1]["messages"][-1]
    assert (told["role"], told["content"]) == ("tool", "Error: No such tool available: Reed")


async def test_a_call_of_nobodys_tool_is_left_to_a_client_that_runs_tools() -> None:
    upstream = ScriptedUpstream([Reply(calling(call("Reed", "{}")))])
    async with running_tools(upstream, tools=[FakeTool()], toolsets=BUILTIN) as proxy:
        message = await ask(proxy, tools=declared("Lookup"))
    assert [block.get("name") for block in message["content"]] == ["Reed"]


async def test_requests_of_the_client_for_itself_get_no_further_tools() -> None:
    upstream = ScriptedUpstream()
    async with (
        running_tools(upstream, tools=[FakeTool()], toolsets=BUILTIN) as proxy,
        proxy.post(**{"X-Claude-Code-Request-Class": "auxiliary"}) as response,
    ):
        await response.read()
    assert "tools" not in upstream.asked[0]


async def test_the_clients_own_declarations_of_our_names_are_run_here_where_the_alias_says_so() -> None:
    task = FakeTool("Agent", "Run")
    upstream = ScriptedUpstream([Reply(calling(call("Task", '{"prompt":"p"}'))), Reply()])
    async with running_tools(upstream, tools=[task], tools_run_in="proxy") as proxy:
        message = await ask(proxy, tools=declared("Task", "Other"))
    assert task.called == [{"prompt": "p"}]
    assert kinds(message) == ["mcp_tool_use", "mcp_tool_result", "text"]
    sent = [tool["function"]["description"] for tool in upstream.asked[0]["tools"]]
    assert sent == ["Task", "Other"]  # the client's own words


async def test_a_clients_bash_that_runs_here_gets_a_way_to_its_background_commands() -> None:
    tools = [FakeTool(name, "Run") for name in ("Bash", "BashOutput", "KillShell")]
    upstream = ScriptedUpstream([Reply(), Reply()])
    async with running_tools(upstream, tools=tools, tools_run_in="proxy") as proxy:
        await ask(proxy, tools=declared("Bash", "KillShell"))
        await ask(proxy, tools=declared("Read"))
    sent = [[tool["function"]["name"] for tool in asked["tools"]] for asked in upstream.asked]
    assert sent == [["Bash", "KillShell", "BashOutput"], ["Read"]]


async def test_a_tool_that_is_denied_as_a_whole_is_not_added() -> None:
    upstream = ScriptedUpstream()
    tools = [FakeTool(), FakeTool("Bash", "Run")]
    async with running_tools(
        upstream, tools=tools, permissions=rules(deny=["Bash"]), toolsets=BUILTIN
    ) as proxy:
        await ask(proxy)
    assert [tool["function"]["name"] for tool in upstream.asked[0]["tools"]] == ["TodoWrite"]


async def test_a_tool_that_is_switched_off_is_neither_added_nor_run_for_the_client() -> None:
    config = replace(proxy_config("one"), tools=ToolConfig(switched_off=("Bash",)))
    upstream = ScriptedUpstream([Reply(calling(call("Bash", '{"command":"ls"}')))])
    async with running_tools(
        upstream,
        config,
        tools=[FakeTool(), FakeTool("Bash", "Run")],
        toolsets=BUILTIN,
        tools_run_in="proxy",
    ) as proxy:
        message = await ask(proxy, tools=declared("Bash"))
    assert kinds(message) == ["tool_use"]
    assert [tool["function"]["name"] for tool in upstream.asked[0]["tools"]] == ["Bash", "TodoWrite"]


async def test_tools_of_an_mcp_server_are_shown_under_its_name() -> None:
    issue = FakeTool("mcp__github__get_issue", "MCP")
    upstream = ScriptedUpstream([Reply(calling(call(issue.name, "{}"))), Reply()])
    async with running_tools(
        upstream, tools=[FakeTool()], permissions=rules(allow=["mcp__github"]), toolsets=("mcp:github",)
    ) as proxy:
        proxy.server.tools.add([issue])
        message = await ask(proxy)
    assert [tool["function"]["name"] for tool in upstream.asked[0]["tools"]] == [issue.name]
    assert (message["content"][0]["server_name"], message["content"][0]["name"]) == ("github", issue.name)
    assert len(issue.called) == 1


@pytest.mark.expects_log("structured_output_invalid")
async def test_an_answer_that_shall_match_a_schema_may_use_tools_before_and_is_asked_for_again() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    upstream = ScriptedUpstream(
        [
            Reply(calling(call("TodoWrite", "{}"))),
            Reply(),
            Reply((delta(content='{"n":1}'), delta("stop"), DONE)),
        ]
    )
    todo = FakeTool()
    async with running_tools(
        upstream, tools=[todo], permissions=rules(allow=["TodoWrite"]), toolsets=BUILTIN
    ) as proxy:
        message = await ask(proxy, output_config={"format": {"type": "json_schema", "schema": schema}})
    assert kinds(message) == ["mcp_tool_use", "mcp_tool_result", "text"]
    assert message["content"][2]["text"] == '{"n":1}'
    assert len(todo.called) == 1
