"""Endpoints, methods, headers and the token."""

from __future__ import annotations

import re
from typing import Any

import anthropic
import pytest

from proxy.events import RequestStarted
from tests.conformance.front import chat, refusing, said, serving
from tests.proxy.scripted import BODY, TOKEN, delta

pytestmark = pytest.mark.expects_log("breaker_changed")
"""Upstreams that fail are left alone for a while; what tests provoke here may be enough for that."""


@pytest.mark.conformance("endpoints.messages", "endpoints.query-ignored")
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages?beta=true", "/v1/messages?beta=true&x=1"])
async def test_messages_are_answered_whatever_the_query(path: str) -> None:
    async with serving() as front:
        status, message = await front.told(path=path)
    assert (status, message["type"], message["content"]) == (
        200,
        "message",
        [{"type": "text", "text": "Hello"}],
    )


@pytest.mark.conformance("endpoints.beta-namespace")
async def test_the_sdks_beta_namespace_is_served() -> None:
    async with serving() as front:
        message = await front.sdk.beta.messages.create(
            model="big",
            max_tokens=9,
            messages=[{"role": "user", "content": "hi"}],
            betas=["files-api-2025-04-14"],
        )
        count = await front.sdk.beta.messages.count_tokens(
            model="big", messages=[{"role": "user", "content": "hi"}]
        )
        models = [each.id async for each in front.sdk.beta.models.list()]
    assert message.content[0].to_dict() == {"type": "text", "text": "Hello"}
    assert count.input_tokens > 0
    assert models == ["big", "claude-big"]


@pytest.mark.conformance("endpoints.unknown-path", "errors.envelope-everywhere")
@pytest.mark.parametrize(
    "path", ["/v1/nowhere", "/v1/organizations/me", "/v2/messages", "/v1//messages", "/protocol"]
)
async def test_an_unknown_path_is_a_404_in_the_envelope(path: str) -> None:
    async with serving() as front:
        status, told = await front.told(path=path)
    assert (status, told["type"], told["error"]["type"]) == (404, "error", "not_found_error")


@pytest.mark.conformance("endpoints.wrong-method")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/messages"),
        ("PUT", "/v1/messages"),
        ("DELETE", "/v1/models"),
        ("GET", "/v1/messages/count_tokens"),
    ],
)
async def test_a_wrong_method_is_a_405_in_the_envelope(method: str, path: str) -> None:
    async with serving() as front:
        status, told = await front.get(path, method)
    assert (status, told["type"], told["error"]["type"]) == (405, "error", "invalid_request_error")


@pytest.mark.conformance("endpoints.skills", "endpoints.complete")
@pytest.mark.parametrize("path", ["/v1/skills", "/v1/skills/skill_1/versions", "/v1/complete"])
async def test_what_is_not_served_says_what_to_do(path: str) -> None:
    async with serving() as front:
        status, told = await front.told(path=path)
    assert (status, told["error"]["type"]) == (404, "not_found_error")
    assert len(told["error"]["message"]) > 40


@pytest.mark.conformance("endpoints.hello")
async def test_the_warm_up_probe_is_answered_without_the_token() -> None:
    async with serving() as front, front.proxy.http.head(front.proxy.url + "/api/hello") as response:
        assert response.status == 200


@pytest.mark.conformance("auth.bearer", "auth.x-api-key", "auth.both")
@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": f"bearer {TOKEN}"},
        {"x-api-key": TOKEN},
        {"x-api-key": "other", "Authorization": f"Bearer {TOKEN}"},
        {"x-api-key": TOKEN, "Authorization": "Bearer other"},
    ],
)
async def test_the_token_opens_in_either_header(headers: dict[str, str]) -> None:
    async with (
        serving() as front,
        front.proxy.http.get(front.proxy.url + "/v1/models", headers=headers) as response,
    ):
        assert response.status == 200


@pytest.mark.conformance("auth.sdk")
async def test_the_sdks_two_ways_to_give_a_secret_both_open() -> None:
    async with serving() as front:
        make: Any = anthropic.AsyncAnthropic
        for secret in ("api_key", "auth_token"):
            async with make(base_url=front.proxy.url, **{secret: TOKEN}) as client:
                assert (await client.models.retrieve("big")).id == "big"


@pytest.mark.conformance("auth.missing", "auth.wrong")
@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}, {"Authorization": f"Basic {TOKEN}"}])
async def test_without_the_token_it_is_a_401(headers: dict[str, str]) -> None:
    async with (
        serving() as front,
        front.proxy.http.get(front.proxy.url + "/v1/models", headers=headers) as response,
    ):
        told = await response.json()
        assert (response.status, told["error"]["type"]) == (401, "authentication_error")
        assert told["request_id"] == response.headers["request-id"]


@pytest.mark.conformance("auth.never-forwarded")
async def test_no_secret_of_the_client_reaches_the_upstream() -> None:
    async with serving(dialect="anthropic-messages") as front:
        await front.told(Authorization=f"Bearer {TOKEN}", cookie="a=b")
    assert TOKEN not in str(front.upstream.headers) + str(front.upstream.asked)
    assert {name.lower() for name in front.upstream.headers[0]} & {
        "x-api-key",
        "authorization",
        "cookie",
    } == set()


@pytest.mark.conformance("headers.request-id", "headers.request-id-unique")
async def test_every_answer_has_a_request_id_of_its_own() -> None:
    async with serving(said("a"), refusing(500, {"error": {"message": "x"}}), said("b")) as front:
        seen: list[str] = []
        asked: list[Any] = [(None, "/v1/messages"), ({}, "/v1/messages"), (None, "/v1/no")]
        for body, path in asked:
            async with front.proxy.post(body, path) as response:
                seen.append(response.headers["request-id"])
        async with front.proxy.post({**BODY, "stream": True}) as response:
            seen.append(response.headers["request-id"])
    assert all(re.fullmatch(r"req_[0-9A-Za-z]{24}", each) for each in seen)
    assert len(set(seen)) == len(seen)


@pytest.mark.conformance("headers.sdk-request-id")
async def test_the_sdk_shows_the_request_id() -> None:
    async with serving() as front:
        message = await front.create()
        assert (message._request_id or "").startswith("req_")
        with pytest.raises(anthropic.NotFoundError) as caught:
            await front.create(model="nobody")
    assert (caught.value.request_id or "").startswith("req_")


@pytest.mark.conformance("headers.version-any", "headers.version-missing")
@pytest.mark.parametrize(
    "version", [{}, {"anthropic-version": "2023-06-01"}, {"anthropic-version": "2026-10-21"}]
)
async def test_both_versions_and_none_are_answered_alike(version: dict[str, str]) -> None:
    async with serving() as front:
        status, message = await front.told(**version)
    assert (status, message["content"]) == (200, [{"type": "text", "text": "Hello"}])


@pytest.mark.conformance("headers.betas-accepted")
@pytest.mark.parametrize(
    "beta",
    [
        "context-1m-2025-08-07,effort-2025-11-24",
        "made-up-2030-01-01",
        "a, b ,c",
        "advanced-tool-use-2025-11-20",
    ],
)
async def test_any_beta_is_accepted(beta: str) -> None:
    async with serving() as front:
        status, _ = await front.told(**{"anthropic-beta": beta})
    assert status == 200


@pytest.mark.conformance("headers.odd-client-headers")
async def test_what_clients_add_to_their_headers_is_harmless() -> None:
    odd = {
        "x-stainless-timeout": "NOT_GIVEN",
        "x-stainless-retry-count": "0",
        "x-app": "cli",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "anthropic-dangerous-direct-browser-access": "true",
        "x-client-request-id": "abc",
        "user-agent": "claude-cli/2.1.330 (external, cli)",
        "x-claude-code-session-id": "0b6e",
        "x-claude-code-agent-id": "a1",
        "x-claude-code-request-class": "subagent",
    }
    async with serving() as front:
        status, _ = await front.told(**odd)
        (started,) = front.proxy.of(RequestStarted)
    assert status == 200
    assert (started.client, started.conversation_id) == ("claude-cli/2.1.330", "0b6e")


@pytest.mark.conformance("headers.content-type-json")
async def test_a_whole_answer_is_json_and_a_stream_is_an_event_stream() -> None:
    async with serving(chat(delta(content="a"), delta("stop"))) as front:
        async with front.proxy.post() as response:
            assert response.content_type == "application/json"
        async with front.proxy.post({**BODY, "stream": True}) as response:
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert "no-" in response.headers["cache-control"]
            assert "content-encoding" not in response.headers


@pytest.mark.conformance("headers.content-type-required", "headers.body-encoding")
@pytest.mark.parametrize(
    "headers", [{"content-type": "text/plain"}, {"content-encoding": "gzip"}, {"content-encoding": "br"}]
)
async def test_a_body_that_is_no_plain_json_is_refused(headers: dict[str, str]) -> None:
    async with serving() as front:
        status, told = await front.told(**headers)
    assert (status, told["error"]["type"]) == (415, "invalid_request_error")
