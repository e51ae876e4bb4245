"""The two HTTP upstreams against a real server on loopback: what they send, what they make of the answer."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import openai
import pytest
from aiohttp import web
from pydantic import SecretStr

from proxy.config import ProviderConfig
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.upstreams.anthropic_compatible import AnthropicCompatible
from proxy.upstreams.base import Upstream, UpstreamAnswer
from proxy.upstreams.openai_compatible import NO_KEY, OpenAICompatible, fixed_headers
from tests.proxy.upstreams.web_upstream import WebUpstream, saying, serving, stalling

KEY = "sk-" + "not-a-real-key-" * 2
PAYLOAD = {
    "model": "m/x",
    "messages": [
        {"role": "user", "content": "ü \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")}
    ],
}
Make = Callable[[ProviderConfig], Upstream]

both = pytest.mark.parametrize("make", [OpenAICompatible, AnthropicCompatible])


def provider(url: str, **more: Any) -> ProviderConfig:
    return ProviderConfig("box", "openai-chat", url, more.pop("key", SecretStr(KEY)), **more)


@asynccontextmanager
async def opened(make: Make, config: ProviderConfig, **headers: str) -> AsyncGenerator[UpstreamAnswer]:
    upstream = make(config)
    try:
        answer = await upstream.open("/chat", PAYLOAD, headers)
        try:
            yield answer
        finally:
            await answer.aclose()
    finally:
        await upstream.aclose()


async def body_of(answer: UpstreamAnswer) -> bytes:
    body = b""
    while piece := await answer.read():
        body += piece
    return body


async def failure(make: Make, config: ProviderConfig) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        async with opened(make, config) as answer:
            await body_of(answer)
    return caught.value


def sent(upstream: WebUpstream) -> dict[str, str]:
    return {name.lower(): value for name, value in upstream.asked[0].headers.items()}


@both
async def test_the_bytes_of_the_answer_come_as_they_were_sent(make: Make) -> None:
    async with (
        serving(saying(b"data: a\n\n", b"data: \xff\n\n")) as upstream,
        opened(make, provider(upstream.url + "/v1")) as answer,
    ):
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
        assert await body_of(answer) == b"data: a\n\ndata: \xff\n\n"
    assert upstream.asked[0].path == "/v1/chat"
    assert json.loads(upstream.bodies[0]) == PAYLOAD


async def test_chat_completions_get_only_the_headers_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-user")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: yes")
    async with serving(saying()) as upstream, opened(OpenAICompatible, provider(upstream.url + "/v1/")):
        pass
    assert sent(upstream) == {
        "host": upstream.url.removeprefix("http://"),
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "Signalbox",
        "content-length": str(len(upstream.bodies[0])),
    }
    assert upstream.asked[0].path == "/v1/chat"


@pytest.mark.parametrize("base", ["/v1", "/v1/", "/api/v1/deep", "", "/v1?api-version=2026-01-01"])
@pytest.mark.parametrize("key", [SecretStr(KEY), None])
async def test_what_is_sent_is_what_the_sdk_itself_would_send(base: str, key: SecretStr | None) -> None:
    payload: dict[str, Any] = {
        **PAYLOAD,
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "temperature": 0.5,
    }
    async with serving(saying(b"data: [DONE]\n\n")) as upstream:
        config = provider(upstream.url + base, key=key)
        ours = OpenAICompatible(config)
        for _ in range(2):  # the second repeats what was made for the first
            await (await ours.open("/chat/completions", payload, {})).aclose()
        await ours.aclose()
        sdk = openai.AsyncOpenAI(
            api_key=key.get_secret_value() if key else NO_KEY,
            base_url=config.base_url,
            max_retries=0,
            http_client=httpx2.AsyncClient(trust_env=False),
        )
        create: Any = sdk.chat.completions.create
        async for _ in await create(**payload):
            pass
        await sdk.close()
    first, second, theirs = upstream.asked
    for mine in (first, second):
        assert (mine.method, mine.path_qs) == (theirs.method, theirs.path_qs)
        for name in ("Host", "Authorization", "Content-Type", "Accept"):
            assert mine.headers.getall(name) == theirs.headers.getall(name)
    assert json.loads(upstream.bodies[0]) == json.loads(upstream.bodies[2])
    assert upstream.bodies[0] == upstream.bodies[1]


async def test_messages_get_the_key_both_ways_and_the_clients_version_and_betas() -> None:
    async with serving(saying()) as upstream:
        async with opened(
            AnthropicCompatible,
            provider(upstream.url),
            **{"anthropic-version": "2026-10-21", "anthropic-beta": "a,b"},
        ):
            pass
        async with opened(AnthropicCompatible, provider(upstream.url, key=None)):
            pass
    first, second = ({n.lower(): v for n, v in each.headers.items()} for each in upstream.asked)
    assert (first["x-api-key"], first["authorization"]) == (KEY, f"Bearer {KEY}")
    assert (first["anthropic-version"], first["anthropic-beta"]) == ("2026-10-21", "a,b")
    assert second["anthropic-version"] == "2023-06-01"
    assert not {"x-api-key", "authorization", "anthropic-beta"} & set(second)


async def test_a_server_that_wants_no_key_gets_a_placeholder() -> None:
    async with serving(saying()) as upstream, opened(OpenAICompatible, provider(upstream.url, key=None)):
        pass
    assert sent(upstream)["authorization"] == "Bearer none"


def test_only_openrouter_is_told_the_programs_name() -> None:
    assert "X-OpenRouter-Title" in fixed_headers("https://openrouter.ai/api/v1")
    for other in (
        "https://openrouter.ai.evil.example/v1",
        "https://notopenrouter.ai/v1",
        "http://127.0.0.1:1",
    ):
        assert set(fixed_headers(other)) == {"User-Agent", "Accept-Encoding"}


@both
async def test_connections_are_kept_for_the_next_request(make: Make) -> None:
    async with serving(saying(b"data: a\n\n")) as upstream:
        client = make(provider(upstream.url))
        for _ in range(3):
            answer = await client.open("/chat", PAYLOAD, {})
            await body_of(answer)
            await answer.aclose()
        await client.aclose()
    assert (
        len({each.transport for each in upstream.asked} | {id(each.protocol) for each in upstream.asked}) <= 2
    )


@both
async def test_closing_an_unfinished_answer_tells_the_server(make: Make) -> None:
    async with serving(stalling(b"data: a\n\n")) as upstream:
        client = make(provider(upstream.url))
        answer = await client.open("/chat", PAYLOAD, {})
        assert await answer.read() == b"data: a\n\n"
        await answer.aclose()
        await asyncio.wait_for(upstream.reader_left.wait(), 1)
        await client.aclose()


@both
@pytest.mark.parametrize("status", [302, 307, 400, 401, 429, 500, 529])
async def test_any_status_is_an_answer_with_its_body(make: Make, status: int) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(
            status=status, body=b'{"error":1}', headers={"Location": "/x", "Retry-After": "7"}
        )

    async with serving(handler) as upstream, opened(make, provider(upstream.url)) as answer:
        assert (answer.status, answer.headers["retry-after"]) == (status, "7")
        assert await body_of(answer) == b'{"error":1}'
    assert len(upstream.asked) == 1


@both
async def test_proxies_of_the_environment_are_ignored(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(saying(b"data: a\n\n")) as upstream, opened(make, provider(upstream.url)) as answer:
        assert answer.status == 200


@both
async def test_a_server_that_is_not_running_is_named(make: Make, unused_tcp_port: int) -> None:
    error = await failure(make, provider(f"http://127.0.0.1:{unused_tcp_port}/v1"))
    assert error.message == (
        f"Nothing listens at box at http://127.0.0.1:{unused_tcp_port} (connection refused): is it running?"
    )
    assert (error.type, error.status) == (ErrorType.API, 502)


@both
async def test_a_name_that_does_not_exist_is_told_as_such(make: Make) -> None:
    error = await failure(make, provider("https://upstream.invalid/v1"))
    assert "name of box at https://upstream.invalid could not be resolved" in error.message


@both
async def test_tls_to_a_plain_server_is_told_as_such(make: Make) -> None:
    async with serving(saying()) as upstream:
        error = await failure(make, provider(upstream.url.replace("http://", "https://")))
    assert "does not speak TLS" in error.message
    assert error.should_retry is False


@both
async def test_a_certificate_nobody_signed_is_refused(make: Make, self_signed: ssl.SSLContext) -> None:
    def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(accepted, "127.0.0.1", 0, ssl=self_signed)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(make, provider(f"https://127.0.0.1:{port}"))
    assert "certificate of box" in error.message
    assert "could not be verified" in error.message


@both
async def test_a_server_that_does_not_begin_to_answer_is_a_timeout(make: Make) -> None:
    async with serving(stalling(prepare=False)) as upstream:
        error = await failure(make, provider(upstream.url, first_byte_timeout_s=0.05))
        await asyncio.wait_for(upstream.reader_left.wait(), 1)
    assert error.type is ErrorType.TIMEOUT
    assert "did not begin to answer within 0.05 seconds" in error.message


@both
async def test_silence_in_mid_answer_is_a_timeout(make: Make) -> None:
    async with serving(stalling(b"data: a\n\n")) as upstream:
        error = await failure(make, provider(upstream.url, idle_timeout_s=0.05))
    assert error.type is ErrorType.TIMEOUT
    assert "sent nothing for 0.05 seconds in mid-answer" in error.message


@both
async def test_an_answer_that_never_ends_is_ended(make: Make) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b": going on\n\n" * 1000)

    async with serving(handler) as upstream:
        error = await failure(make, provider(upstream.url, total_timeout_s=0.1))
        await asyncio.wait_for(upstream.reader_left.wait(), 1)
    assert (error.type, error.status) == (ErrorType.TIMEOUT, 504)
    assert "still answering after 0.1 seconds" in error.message


@both
async def test_a_tls_handshake_nobody_answers_is_a_connection_that_takes_too_long(make: Make) -> None:
    taken: list[asyncio.StreamWriter] = []

    def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(writer)

    server = await asyncio.start_server(accepted, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(make, provider(f"https://127.0.0.1:{port}", connect_timeout_s=0.05))
        for writer in taken:
            writer.close()
    assert error.type is ErrorType.TIMEOUT
    assert "No connection to box at" in error.message


@both
async def test_the_first_byte_may_take_longer_than_a_later_one(make: Make) -> None:
    async with serving(stalling()) as upstream:
        error = await failure(make, provider(upstream.url, idle_timeout_s=0.01, first_byte_timeout_s=0.1))
    assert "answered with a status, but sent nothing after it for 0.1 seconds" in error.message
    assert "sent nothing" in error.message


@both
@pytest.mark.parametrize("piece", [b"", b"data: a\n\n"])
async def test_a_connection_that_breaks_is_told_as_such(make: Make, piece: bytes) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if piece:
            await response.prepare(request)
            await response.write(piece)
        assert request.transport is not None
        request.transport.abort()
        return response

    async with serving(handler) as upstream:
        error = await failure(make, provider(upstream.url))
    assert error.status == 502
    assert (
        "broke off in mid-answer" if piece else "closed the connection without an answer"
    ) in error.message


@both
@pytest.mark.parametrize("address", ["", "no address", "ftp://x.invalid/", "http://"])
async def test_an_unusable_address_is_told_as_such(make: Make, address: str) -> None:
    error = await failure(make, provider(address))
    assert "not a usable http(s) address" in error.message
