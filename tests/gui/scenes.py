"""Made-up but likely contents for the window: providers, aliases, requests, exchanges and log lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from gui.desk import AliasView, CandidateView, LogLine, ProviderTested, ProviderView, ProxyPhase, ProxyState
from proxy.events import (
    Exchange,
    FirstToken,
    RequestEvent,
    RequestFinished,
    RequestRefused,
    RequestRouted,
    RequestStarted,
    ToolResult,
    UpstreamExchange,
)
from tests.gui.fake_desk import URL, FakeDesk
from tests.gui.mcp_scenes import fill as fill_mcp
from tests.gui.permission_scenes import SPENDING, TOKENS, fill

START = 1_795_341_600.0

PROVIDERS = [
    ProviderView(
        "openrouter",
        "openai-chat",
        "https://openrouter.ai/api/v1",
        "in the keyring (openrouter)",
        "••••9f3c",
        has_key=True,
    ),
    ProviderView(
        "claude",
        "anthropic-messages",
        "https://api.anthropic.com",
        "missing",
        "",
        has_key=False,
        problem="The environment variable ANTHROPIC_API_KEY is not set.",
        can_store_key=False,
    ),
    ProviderView(
        "local",
        "openai-chat",
        "http://127.0.0.1:11434/v1",
        "none needed",
        "",
        has_key=True,
        can_store_key=False,
    ),
]
ALIASES = [
    AliasView(
        "big",
        ("claude-*opus*", "claude-*sonnet*", "claude-*fable*"),
        (CandidateView("openrouter", "anthropic/claude-sonnet-4"), CandidateView("local", "qwen3-coder:30b")),
    ),
    AliasView("small", ("claude-*haiku*",), (CandidateView("openrouter", "anthropic/claude-3.7-sonnet"),)),
    AliasView("draft", (), (CandidateView("local", "qwen3-coder:30b"),)),
]
RUNNING = ProxyState(ProxyPhase.RUNNING, URL, active_requests=2, started_at=START - 4_320)


def full_desk() -> FakeDesk:
    """Returns a desk of a program in use."""
    desk = FakeDesk()
    desk.state_now = RUNNING
    desk.provider_list = list(PROVIDERS)
    desk.alias_list = list(ALIASES)
    desk.lines = log_lines(60)
    desk.exchanges = {f"req_{n:04d}": exchange(f"req_{n:04d}") for n in range(40)}
    fill(desk, START)
    fill_mcp(desk)
    desk.spending_now = SPENDING
    desk.token_list = list(TOKENS)
    desk.test_result = ProviderTested("", is_ok=True, text="Key accepted, $8.50 left of $10.00 (212 ms).")
    return desk


def request_events(count: int) -> list[RequestEvent]:
    """Returns the events of `count` requests, most of them well, the last two still running."""
    events: list[RequestEvent] = []
    for n in range(count):
        request_id, at = f"req_{n:04d}", START + n * 7.3
        if n % 13 == 5:
            events.append(RequestRefused(request_id, at, 401, "no local token was sent"))
            continue
        is_small = n % 4 == 1
        asked = "claude-haiku-4-5" if is_small else "claude-sonnet-4-5"
        model = "anthropic/claude-3.7-sonnet" if is_small else "anthropic/claude-sonnet-4"
        events.append(
            RequestStarted(
                request_id, at, "claude-cli/2.1.330", f"conv_{n // 8}", "/v1/messages", asked, stream=True
            )
        )
        alias = "small" if is_small else "big"
        events.append(
            RequestRouted(
                request_id,
                alias,
                "openrouter",
                model,
                f"first candidate of the alias {alias}",
                ("top_k is not known to this dialect and was left out.",) if n % 6 == 0 else (),
            )
        )
        if n == count - 1:
            continue
        events.append(FirstToken(request_id, 0.41 + n % 5 * 0.13))
        if n == count - 2:
            continue
        events.append(_finish(request_id, at, n))
    return events


def _finish(request_id: str, at: float, n: int) -> RequestFinished:
    if n % 11 == 7:
        return RequestFinished(
            request_id,
            at + 0.9,
            "error",
            429,
            0.87,
            error_type="rate_limit_error",
            error_message="openrouter: too many requests for this key; try again in 12 s",
        )
    if n % 17 == 9:
        return RequestFinished(
            request_id, at + 2.2, "cancelled", 499, 2.2, first_token_s=0.5, output_tokens=41
        )
    return RequestFinished(
        request_id,
        at + 6,
        "ok",
        200,
        1.9 + n % 7 * 1.7,
        first_token_s=0.41 + n % 5 * 0.13,
        stop_reason="tool_use" if n % 3 else "end_turn",
        input_tokens=420 + n * 37,
        output_tokens=180 + n % 9 * 77,
        cache_read_tokens=18_200 + n * 130,
        cache_write_tokens=900 if n % 4 == 0 else 0,
        cost_usd=0.0061 + n % 9 * 0.0047,
        tool_names=("Read", "Bash") if n % 3 else (),
    )


def exchange(request_id: str) -> Exchange:
    """Returns both sides of a request."""
    asked = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 32000,
        "stream": True,
        "messages": [{"role": "user", "content": "List the files that mention the signal lamp."}],
        "tools": [
            {"name": "Grep", "description": "Searches file contents", "input_schema": {"type": "object"}}
        ],
    }
    reply = (
        'event: message_start\ndata: {"type":"message_start","message":{"role":"assistant"}}\n\n'
        'event: content_block_delta\ndata: {"type":"content_block_delta","delta":'
        '{"type":"text_delta","text":"Searching now."}}\n\n'
        'event: message_stop\ndata: {"type":"message_stop"}\n'
    )
    return Exchange(
        request_id,
        client_request=json.dumps(asked),
        client_reply=reply,
        client_headers={"user-agent": "claude-cli/2.1.330", "anthropic-version": "2023-06-01"},
        upstream=_attempts(asked),
    )


def _attempts(asked: Mapping[str, object]) -> tuple[UpstreamExchange, ...]:
    """A retry after an overload, a fallback to another provider, and a round after a tool."""
    busy = UpstreamExchange(
        n=1,
        round=1,
        provider="openrouter",
        model="anthropic/claude-sonnet-4",
        reason="alias big → openrouter/anthropic/claude-sonnet-4: candidate 1 of 2",
        at=START,
        duration_s=0.31,
        first_byte_s=0.29,
        key="key 1 of 2",
        dialect="openai-chat",
        status=529,
        outcome="overloaded_error",
        error_message="openrouter: Overloaded. The upstream asks to come again in 1 s.",
        request=json.dumps({**asked, "model": "anthropic/claude-sonnet-4"}),
        reply='{"error":{"message":"Overloaded","code":529}}',
        reply_headers={"content-type": "application/json", "retry-after": "1"},
    )
    reason = "alias big → local/qwen3-coder:30b: candidate 2 of 2; openrouter failed (529 overloaded_error)"
    chunk = 'data: {"choices":[{"delta":{"content":"Searching now."}}]}\n\ndata: [DONE]\n'
    local = UpstreamExchange(
        n=3,
        round=1,
        provider="local",
        model="qwen3-coder:30b",
        reason=reason,
        at=START + 2,
        duration_s=2.6,
        first_byte_s=0.41,
        dialect="openai-chat",
        status=200,
        stop_reason="tool_use",
        input_tokens=1_204,
        output_tokens=61,
        cache_read_tokens=18_200,
        request=json.dumps({**asked, "model": "qwen3-coder:30b"}),
        reply=chunk,
        reply_headers={"content-type": "text/event-stream"},
        results=(ToolResult("toolu_0", "Bash", "> lamp@1.0.0 test\n> node --test\n\n# pass 12\n# fail 0"),),
    )
    again = {"reason": "alias big → openrouter/anthropic/claude-sonnet-4: try 2 of it (before: 529)"}
    return (
        busy,
        replace(busy, n=2, at=START + 1.3, duration_s=0.28, key="key 2 of 2", **again),
        local,
        replace(
            local,
            n=4,
            round=2,
            at=START + 60,
            duration_s=1.9,
            stop_reason="end_turn",
            input_tokens=1_311,
            output_tokens=104,
            results=(),
            reason="alias big → local/qwen3-coder:30b: candidate 1 of 2",
        ),
    )


_EVENTS = (
    (
        "info",
        "proxy.server",
        "request_refused",
        {"status": "401", "reason": "The local token is wrong"},
    ),
    ("debug", "proxy.routing", "candidate_chosen", {"alias": "big", "provider": "openrouter"}),
    ("info", "proxy.upstreams", "stream_opened", {"provider": "openrouter", "status": "200"}),
    (
        "info",
        "proxy.service",
        "request_finished",
        {"outcome": "ok", "duration_s": "4.2", "output_tokens": "334"},
    ),
    ("warning", "proxy.dialects", "field_left_out", {"field": "top_k", "dialect": "openai-chat"}),
    ("error", "proxy.upstreams", "upstream_refused", {"status": "429", "retry_after_s": "12"}),
)


def log_lines(count: int) -> list[LogLine]:
    """Returns `count` log lines of a busy minute."""
    lines: list[LogLine] = []
    for n in range(count):
        level, component, event, fields = _EVENTS[5 if n % 23 == 19 else 4 if n % 11 == 8 else n % 4]
        request_id = f"req_{n // 4:04d}"
        at = START + n * 0.731
        known = {"at": at, "level": level, "component": component, "event": event, "request_id": request_id}
        text = json.dumps({**known, **fields})
        lines.append(LogLine(at, level, component, event, request_id, None, fields, text))
    return lines
