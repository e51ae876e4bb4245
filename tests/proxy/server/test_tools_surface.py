"""What the program asks of its server about tools: the catalogue, approvals, a tried call, decisions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.config import Alias, ToolConfig
from proxy.permissions.approval import ApprovalAnswer
from proxy.permissions.values import ToolCall
from proxy.service.storage import StorageConfig
from proxy.tools.approvals import AnswerRefused
from tests.proxy.scripted import proxy_config, running
from tests.proxy.tools.run_room import rules


async def test_the_server_shows_its_tools_and_answers_about_them(home: Path) -> None:
    config = replace(
        proxy_config("one"), aliases=(Alias("tooled", toolsets=("builtin",)),), permissions=rules(deny=["LS"])
    )
    async with running(config=config, storage=StorageConfig(home / "store")) as proxy:
        server = proxy.server
        assert server.tools.find("Read") is not None
        assert server.approvals() == ()
        with pytest.raises(AnswerRefused):
            server.answer_approval("apr_1", "0" * 64, ApprovalAnswer("allow", "window"))
        tried = await server.try_call(ToolCall("LS", {"path": "."}), None, None)
        assert not isinstance(tried, str)
        assert (tried[0].decision, tried[0].rule) == ("deny", "LS")
        assert await server.decisions() == []
        assert await server.decisions_of("req_1") == []
        assert await server.describe_sandbox()
        server.apply(replace(config, tools=ToolConfig(switched_off=("Read",))))
        assert server.tools.find("Read") is None
