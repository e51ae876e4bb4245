"""A running proxy with one alias over a scripted upstream, and who asks it: the SDK or plain HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, cast

import anthropic
from pydantic import SecretStr

from proxy.config import (
    Alias,
    Candidate,
    DialectName,
    ProviderConfig,
    ProxyConfig,
    RetryPolicy,
    ServerConfig,
)
from proxy.messages.errors import UpstreamError
from proxy.messages.message import JsonObject
from tests.proxy.scripted import BODY, DONE, TOKEN, Reply, Running, ScriptedUpstream, delta, line, running

ROUTER = "https://openrouter.ai/api/v1"
PLAIN = "http://127.0.0.1:9/v1"
"""A server nothing is known of."""
JSON_TYPE = MappingProxyType({"content-type": "application/json"})


@dataclass(slots=True)
class Front:
    """What a test has in its hands."""

    proxy: Running
    upstream: ScriptedUpstream
    sdk: anthropic.AsyncAnthropic

    async def create(self, **more: Any) -> Any:
        """Asks through the SDK, not streamed."""
        make: Any = self.sdk.messages.create
        return await make(**{**BODY, **more})

    async def streamed(self, **more: Any) -> Any:
        """Asks through the SDK's stream, and returns what the SDK accumulated."""
        stream_of: Any = self.sdk.messages.stream
        async with stream_of(**{**BODY, **more}) as stream:
            return await stream.get_final_message()

    async def events(self, **more: Any) -> list[JsonObject]:
        """Asks for a stream over plain HTTP and returns its events."""
        async with self.proxy.post({**BODY, "stream": True, **more}) as response:
            return events_in(await response.text())

    async def told(
        self, body: Any = None, path: str = "/v1/messages", **headers: str
    ) -> tuple[int, JsonObject]:
        """Asks over plain HTTP and returns status and JSON body."""
        async with self.proxy.post(body, path, **headers) as response:
            return response.status, cast("JsonObject", await response.json())

    async def get(self, path: str, method: str = "GET") -> tuple[int, JsonObject]:
        """Asks another endpoint over plain HTTP."""
        headers = {"x-api-key": TOKEN}
        async with self.proxy.http.request(method, self.proxy.url + path, headers=headers) as response:
            return response.status, cast("JsonObject", await response.json())

    @property
    def sent(self) -> JsonObject:
        """What the upstream was asked last."""
        return self.upstream.asked[-1]

    @property
    def losses(self) -> str:
        """What the last attempt lost, as the window shows it."""
        routed = [event for event in self.proxy.events if type(event).__name__ == "RequestRouted"]
        return "\n".join(cast("Any", routed[-1]).losses)


def events_in(text: str) -> list[JsonObject]:
    """The events of a stream; the name of each is its type."""
    found: list[JsonObject] = []
    for block in text.split("\n\n"):
        if block:
            name, data = block.split("\n")
            found.append(json.loads(data.removeprefix("data: ")))
            assert name == f"event: {found[-1]['type']}"
    return found


def kinds(events: Iterable[JsonObject]) -> list[str]:
    """The types of events, without pings."""
    return [event["type"] for event in events if event["type"] != "ping"]


def said(*pieces: str) -> Reply:
    """A chat answer of text."""
    return chat(*(delta(content=piece) for piece in pieces), delta("stop"))


def chat(*chunks: bytes, usage: JsonObject | None = None) -> Reply:
    """A chat answer of chunks, with usage at its end."""
    end = (line({"id": "c1", "choices": [], "usage": usage}),) if usage else ()
    return Reply((*chunks, *end, DONE))


def call(index: int, call_id: str | None, name: str | None, arguments: str) -> bytes:
    """A chunk with a piece of a tool call."""
    function: JsonObject = {"arguments": arguments}
    if name is not None:
        function["name"] = name
    piece: JsonObject = {"index": index, "type": "function", "function": function}
    return delta(tool_calls=[piece if call_id is None else {**piece, "id": call_id}])


def refusing(status: int, error: Any, **headers: str) -> Reply:
    """An upstream's answer with an error status."""
    body = error if isinstance(error, bytes) else json.dumps(error).encode()
    return Reply((body,), status, {**JSON_TYPE, **headers})


@asynccontextmanager
async def serving(
    *replies: Reply | UpstreamError,
    base_url: str = PLAIN,
    model: str = "some-model",
    dialect: DialectName = "openai-chat",
    alias: Mapping[str, Any] = MappingProxyType({}),
    **more: Any,
) -> AsyncGenerator[Front]:
    """A proxy whose alias `big` (and every claude name) leads to one upstream with these replies."""
    upstream = ScriptedUpstream(list(replies)) if replies else ScriptedUpstream()
    big = Alias("big", ("claude-*",), (Candidate("one", model),))
    config = ProxyConfig(
        ServerConfig(SecretStr(TOKEN), port=0),
        MappingProxyType({"one": ProviderConfig("one", dialect, base_url)}),
        (replace(big, **alias),),
        retry=RetryPolicy(tries=1),
    )
    async with (
        running({"one": upstream}, config, **more) as proxy,
        anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN, max_retries=0) as sdk,
    ):
        yield Front(proxy, upstream, sdk)
