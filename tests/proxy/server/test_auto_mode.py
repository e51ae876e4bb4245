"""Claude Code's auto mode asks for `safeguards`, which only Anthropic's own service has.

Refused or left out, Claude Code tells its user the same: which host does not pass the check through, and to
use another permission mode. Leaving it out costs no second request, so it is a named loss.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from proxy.events import RequestFinished, RequestRouted
from proxy.messages.message import JsonObject
from tests.proxy.scripted import BODY, DONE, HELLO, TOKEN, Reply, ScriptedUpstream, delta, running

SAFEGUARDS: list[JsonObject] = [{"type": "dangerous_tool_use", "classifier_context": {}}]
COMMAND = {"command": "curl -s http://127.0.0.1:1/x; rm -f note.txt", "description": "clean up"}
"""What leaves the machine is checked; what stays in the folder is not."""
CALL = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "Bash", "arguments": json.dumps(COMMAND)},
}


@pytest.mark.conformance("safeguards.accepted")
async def test_safeguards_are_left_out_and_that_is_said() -> None:
    upstream = ScriptedUpstream()
    async with (
        running({"one": upstream}) as proxy,
        proxy.post({**BODY, "safeguards": SAFEGUARDS}) as response,
    ):
        assert response.status == 200
        await response.read()
    assert "safeguards" not in upstream.asked[0]
    assert (
        "safeguards: left out: the upstream checks no actions; use another permission mode"
        in proxy.of(RequestRouted)[0].losses
    )


@pytest.mark.conformance("safeguards.said")
@pytest.mark.timeout(120)
@pytest.mark.may_block
async def test_claude_code_in_auto_mode_says_what_is_wrong_and_what_to_do(
    claude_code: Path, tmp_path: Path
) -> None:
    upstream = ScriptedUpstream([Reply((delta(tool_calls=[CALL]), delta("tool_calls"), DONE)), Reply(HELLO)])
    work = tmp_path / "work"
    work.mkdir()
    (work / "note.txt").write_text("keep me\n", encoding="utf-8")
    async with running({"one": upstream}) as proxy:
        client = await asyncio.create_subprocess_exec(
            str(claude_code),
            *("-p", "Clean up.", "--permission-mode", "auto", "--model", "claude-sonnet-5-5"),
            *("--output-format", "stream-json", "--verbose"),
            cwd=work,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "ANTHROPIC_BASE_URL": proxy.url,
                "ANTHROPIC_AUTH_TOKEN": TOKEN,
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "DISABLE_AUTOUPDATER": "1",
                "CLAUDE_CODE_MAX_RETRIES": "1",
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, _ = await client.communicate()
        statuses = [event.status for event in proxy.of(RequestFinished)]
    told: list[Any] = [json.loads(line) for line in output.decode().splitlines()]
    assert (work / "note.txt").exists()
    assert statuses == [200, 200]
    notice = next(each["content"] for each in told if each.get("subtype") == "informational")
    assert "Auto mode can't check actions in this session" in notice
    assert f"127.0.0.1:{proxy.port}, which doesn't pass it through" in notice
    assert "use another permission mode" in notice
    result = json.dumps(upstream.asked[1]["messages"])
    assert "they can switch to another permission mode" in result
