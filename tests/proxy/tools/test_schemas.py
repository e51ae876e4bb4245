from __future__ import annotations

import os
from typing import Any

import jsonschema_rs
import pytest

from proxy.tools.background import BashOutput, KillShell
from proxy.tools.base import Tool, ToolOutput, ToolScope
from proxy.tools.bash import Bash
from proxy.tools.children import Children
from proxy.tools.edit import Edit
from proxy.tools.multi_edit import MultiEdit
from proxy.tools.notebook_edit import NotebookEdit
from proxy.tools.notebook_read import NotebookRead
from proxy.tools.read import Read
from proxy.tools.sandbox import Sandbox
from proxy.tools.task import SubConversation, Task
from proxy.tools.todo_read import TodoRead
from proxy.tools.todo_write import TodoWrite
from proxy.tools.write import Write


async def _held(_asked: SubConversation, _scope: ToolScope) -> ToolOutput:
    return ToolOutput.text("")


def _tools() -> list[Tool]:
    children = Children(os.environ)
    bash = Bash(children, Sandbox(children, "off"), shell="/bin/bash")
    files: list[Tool] = [Read(), Write(), Edit(), MultiEdit(), NotebookRead(), NotebookEdit()]
    return [*files, bash, BashOutput(), KillShell(), Task(_held), TodoRead(), TodoWrite()]


_CLAUDE_CODE: dict[str, dict[str, Any]] = {
    "Read": {"file_path": "/a", "offset": 1, "limit": 2, "pages": "1-2", "allow_large": True},
    "Write": {"file_path": "/a", "content": ""},
    "Edit": {"file_path": "/a", "old_string": "a", "new_string": "b", "replace_all": False},
    "MultiEdit": {"file_path": "/a", "edits": [{"old_string": "a", "new_string": "b"}]},
    "NotebookRead": {"notebook_path": "/a.ipynb"},
    "NotebookEdit": {
        "notebook_path": "/a.ipynb",
        "cell_id": "c",
        "new_source": "",
        "cell_type": "code",
        "edit_mode": "insert",
    },
    "Bash": {
        "command": "ls",
        "timeout": 1000,
        "description": "List",
        "run_in_background": False,
        "dangerouslyDisableSandbox": True,
    },
    "BashOutput": {"bash_id": "bash_1", "filter": "x"},
    "KillShell": {"shell_id": "bash_1"},
    "Task": {"description": "Find", "prompt": "Find x", "subagent_type": "Explore", "model": "opus"},
    "TodoRead": {},
    "TodoWrite": {"todos": [{"content": "a", "status": "pending", "activeForm": "Doing a"}]},
}
"""What the clients that declare these tools call them with."""


@pytest.mark.parametrize("tool", _tools(), ids=lambda tool: tool.name)
def test_a_schema_takes_what_clients_send(tool: Tool) -> None:
    validator = jsonschema_rs.validator_for(dict(tool.input_schema))

    assert list(validator.iter_errors(_CLAUDE_CODE[tool.name])) == []


@pytest.mark.parametrize("tool", _tools(), ids=lambda tool: tool.name)
def test_a_schema_refuses_what_lacks_a_needed_argument(tool: Tool) -> None:
    validator = jsonschema_rs.validator_for(dict(tool.input_schema))

    for name in tool.input_schema.get("required", ()):
        rest = {key: value for key, value in _CLAUDE_CODE[tool.name].items() if key != name}
        assert not validator.is_valid(rest)


@pytest.mark.parametrize("tool", _tools(), ids=lambda tool: tool.name)
def test_a_schema_is_one_that_the_api_takes_and_words_are_short(tool: Tool) -> None:
    assert tool.input_schema["type"] == "object"
    assert not {"anyOf", "oneOf", "allOf"} & tool.input_schema.keys()
    assert 40 < len(tool.description) < 700
    for described in tool.input_schema["properties"].values():
        assert described["description"]
