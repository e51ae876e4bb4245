"""A running proxy with three tokens, and the real SDK with each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic.types.messages import MessageBatch

from proxy.config import Budgets, ClientToken, ProxyConfig
from proxy.service.batch_worker import BatchLimits
from proxy.service.storage import StorageConfig
from tests.proxy.scripted import (
    BODY,
    DONE,
    TOKEN,
    Reply,
    Running,
    ScriptedUpstream,
    delta,
    proxy_config,
    running,
)

CI, PHONE = "ci-" * 12, "phone-" * 6
NO_BUDGETS = Budgets()
NEVER_BATCH, NEVER_FILE = "msgbatch_never", "file_never"

Client = anthropic.AsyncAnthropic


def token(
    name: str, workspace: str | None = None, *aliases: str, budgets: Budgets = NO_BUDGETS
) -> ClientToken:
    """The tokens `ci` and `phone`, as the settings have them."""
    value = {"ci": CI, "phone": PHONE}[name]
    return ClientToken(name, sha256(value.encode()).hexdigest(), budgets, aliases, workspace)


def config_with(*tokens: ClientToken, **more: Any) -> ProxyConfig:
    config = proxy_config("one")
    return replace(config, server=replace(config.server, client_tokens=tokens), **more)


APART = config_with(token("ci"), token("phone"))
TOGETHER = config_with(token("ci", "site"), token("phone", "site"))


@dataclass(slots=True)
class World:
    """A running proxy and the real SDK with each of three tokens."""

    proxy: Running
    first: Client
    ci: Client
    phone: Client
    upstream: ScriptedUpstream


@asynccontextmanager
async def world(
    home: Path, config: ProxyConfig, upstream: ScriptedUpstream | None = None, **limits: Any
) -> AsyncGenerator[World]:
    asked = upstream or ScriptedUpstream()
    storage = StorageConfig(home / "store", BatchLimits(**limits))
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(running({"one": asked}, config, storage=storage))
        clients = [Client(base_url=proxy.url, api_key=key, max_retries=0) for key in (TOKEN, CI, PHONE)]
        for client in clients:
            await stack.enter_async_context(client)
        first, ci, phone = clients
        yield World(proxy, first, ci, phone, asked)


def requests(*names: str, **params: Any) -> list[Any]:
    return [{"custom_id": name, "params": {**BODY, **params}} for name in names]


async def ended(client: Client, batch_id: str) -> MessageBatch:
    while (batch := await client.messages.batches.retrieve(batch_id)).processing_status != "ended":
        pass
    return batch


async def results(client: Client, batch_id: str) -> dict[str, Any]:
    return {
        each.custom_id: each.result.to_dict()
        async for each in await client.messages.batches.results(batch_id)
    }


async def uploaded(client: Client, data: bytes = b"secret words") -> str:
    return (await client.files.upload(file=("a.txt", data, "text/plain"))).id


def naming(file_id: str) -> Any:
    block = {"type": "document", "source": {"type": "file", "file_id": file_id}}
    return [{"role": "user", "content": [block, {"type": "text", "text": "What is this?"}]}]


async def refusal(asked: Awaitable[object], known: str) -> tuple[int, Any]:
    """What the client is told, without what differs from request to request."""
    with pytest.raises(anthropic.APIStatusError) as caught:
        await asked
    body: Any = caught.value.response.json()
    return caught.value.status_code, {
        **body["error"],
        "message": body["error"]["message"].replace(known, "ID"),
    }


def gated() -> tuple[asyncio.Event, Reply]:
    gate = asyncio.Event()
    return gate, Reply((gate, delta(content="late"), delta("stop"), DONE))
