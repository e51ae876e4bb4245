"""Losses: what an upstream cannot be told is named everywhere, and refused where an alias is strict."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.typing import EventDict

from proxy.dialects.base import Loss
from proxy.service.answer_headers import LOSSES, MAX_LOSSES, losses_header
from tests.conformance.front import ROUTER, refusing, said, serving
from tests.proxy.scripted import BODY

pytestmark = pytest.mark.expects_log("breaker_changed")
"""Upstreams that fail are left alone for a while; what tests provoke here may be enough for that."""

LOSSY: Any = {**BODY, "context_management": {"edits": []}, "safeguards": [{"type": "x"}]}
STRICT: Any = {"strict": True}


@pytest.mark.conformance("losses.header")
@pytest.mark.parametrize("stream", [False, True])
async def test_losses_are_named_in_a_header(stream: bool) -> None:
    async with serving() as front:
        async with front.proxy.post({**LOSSY, "stream": stream}) as response:
            assert response.headers[LOSSES] == "context_management, safeguards"
        async with front.proxy.post({**BODY, "stream": stream}) as response:
            assert LOSSES not in response.headers


@pytest.mark.conformance("losses.header-on-errors")
async def test_an_error_names_the_losses_too() -> None:
    async with (
        serving(refusing(400, {"error": {"message": "no"}})) as front,
        front.proxy.post(LOSSY) as response,
    ):
        assert (response.status, response.headers[LOSSES]) == (400, "context_management, safeguards")


@pytest.mark.conformance("losses.log", "losses.details")
async def test_losses_stand_in_the_log_and_in_the_details_of_the_request(log_events: list[EventDict]) -> None:
    async with serving() as front:
        await front.told(LOSSY)
        assert front.losses.startswith("context_management: left out: ")
    (logged,) = [event for event in log_events if event["event"] == "request_routed"]
    assert (logged["level"], len(logged["losses"])) == ("info", 2)


@pytest.mark.conformance("losses.header-harmless")
def test_the_header_is_short_and_plain_whatever_the_client_wrote() -> None:
    odd = [Loss("a\r\nx-evil: 1", "r"), Loss("größe", "r"), Loss("system.0", "r"), Loss("system.0", "again")]
    assert losses_header(odd) == "a??x-evil??1, gr??e, system.0"
    many = [Loss(f"messages.{n}.content.0", "r") for n in range(1000)]
    header = losses_header(many)
    assert len(header) <= MAX_LOSSES
    assert header.endswith("more")
    shown = header.count("messages.")
    assert header.endswith(f"+{1000 - shown} more")
    assert losses_header([]) == ""


@pytest.mark.conformance("losses.strict")
@pytest.mark.parametrize("stream", [False, True])
async def test_a_strict_alias_refuses_what_would_be_lost(stream: bool) -> None:
    async with serving(alias=STRICT) as front:
        async with front.proxy.post({**LOSSY, "stream": stream}) as response:
            told = await response.json()
            assert response.headers[LOSSES] == "context_management, safeguards"
        assert (response.status, told["error"]["type"]) == (400, "invalid_request_error")
        assert "context_management: left out" in told["error"]["message"]
        assert "strict" in told["error"]["message"]
        assert not front.upstream.asked
        status, _ = await front.told({**BODY, "stream": stream} if not stream else BODY)
    assert status == 200


@pytest.mark.conformance("losses.strict")
async def test_a_strict_alias_takes_the_candidate_that_loses_nothing() -> None:
    cached: Any = [{"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}]
    where: Any = {"base_url": ROUTER, "model": "anthropic/claude-sonnet-4.5"}
    async with serving(said("ok"), alias=STRICT, **where) as front:
        status, _ = await front.told({**BODY, "system": cached})
        assert status == 200
        assert LOSSES not in str(front.losses)


@pytest.mark.conformance("losses.nested", "fields.task-budget", "thinking.block-binding")
async def test_what_stands_inside_of_other_fields_is_named_too() -> None:
    body: Any = {
        **BODY,
        "output_config": {"task_budget": {"type": "tokens", "total": 9000}},
        "thinking": {"type": "disabled", "block_binding": {"prefix_mismatch_behavior": "drop_block"}},
        "metadata": {"team": "t"},
    }
    async with serving() as front, front.proxy.post(body) as response:
        assert response.headers[LOSSES] == "output_config.task_budget, thinking.block_binding, metadata.team"
