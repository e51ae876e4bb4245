"""What Claude Code says a request is for: read, bounded, and in every log line of the request."""

from __future__ import annotations

import pytest
from structlog.typing import EventDict

from proxy.context import RequestContext
from proxy.server.hints import read_hints
from tests.proxy.scripted import running

SENT = {
    "x-claude-code-request-class": "subagent",
    "x-claude-code-agent-type": "Explore",
    "x-claude-code-agent-id": "a-1",
    "x-claude-code-prompt-id": "p-1",
    "x-claude-code-compaction": "manual",
}


def test_all_hints_are_read() -> None:
    context = RequestContext("req_1", client="c", **read_hints(SENT))
    assert context == RequestContext(
        "req_1", None, "c", request_class="subagent", agent_type="Explore", agent_id="a-1", prompt_id="p-1",
        compaction="manual",
    )  # fmt: skip


def test_a_request_without_hints_has_none() -> None:
    assert RequestContext("req_1", **read_hints({})) == RequestContext("req_1")


@pytest.mark.parametrize("value", ["", "x" * 129, "a\tb", "ä", "a\x1b[31m"])
def test_what_no_honest_client_sends_is_left_out(value: str) -> None:
    assert read_hints({**SENT, "x-claude-code-agent-type": value}).keys() == {
        "request_class", "agent_id", "prompt_id", "compaction",
    }  # fmt: skip


@pytest.mark.conformance("clients.hints")
async def test_hints_are_in_the_log_lines_of_their_request_and_of_no_other(
    log_events: list[EventDict],
) -> None:
    async with running() as proxy:
        for headers in (SENT, {}):
            async with proxy.post(**headers) as response:
                await response.read()
    told = [each.get("agent_type") for each in log_events if each["event"] == "request_finished"]
    assert told == ["Explore", None]
