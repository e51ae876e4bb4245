"""`signalbox demo`: one streamed conversation with a tool call, over loopback HTTP, with the embedded demo.

The conversation goes through server, service, dialect and decoder like any client's. It proves itself: a tool
on this side returns a random word, and the last answer must hold it, which only the tool's result can bring.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from app.exit_codes import FAILED, OK
from app.logs import LogPipeline
from app.proxy_runner import ServerFactory
from proxy.config import ProxyConfig, ServerConfig
from proxy.events import ProxyEvent
from proxy.messages.fold import MessageFold
from proxy.messages.sse import SseSplitter
from proxy.messages.wire import read_json

TOOL: Mapping[str, Any] = {
    "name": "signal_word",
    "description": "Returns the signal word of this run.",
    "input_schema": {"type": "object", "properties": {}},
}
_QUESTION = "What is the signal word? Ask the tool signal_word."
_ANSWER_TIMEOUT_S = 60.0
_WORDS = (
    "amber",
    "beacon",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "garnet",
    "harbor",
    "indigo",
    "juniper",
    "lantern",
)

Write = Callable[[str], None]


class DemoFailed(Exception):
    """The conversation did not go as it must; the text says where."""


def demo() -> int:
    """Holds the conversation on standard output; returns the exit status."""
    from proxy.server.app import ProxyServer  # noqa: PLC0415 - heavy, and tests hand in their own
    from proxy.service.tool_desk import Host  # noqa: PLC0415 - likewise
    from proxy.tools.workspaces import Machine  # noqa: PLC0415 - likewise

    _survive_narrow_terminal()
    logs = LogPipeline(stream=sys.stderr, level="warning", mode="development")
    logs.install()
    try:
        host = Host(Machine(str(Path.home())), logs.redactor.text)
        return asyncio.run(run_demo(_print, partial(ProxyServer, host=host), random_word()))
    finally:
        logs.close()


def random_word() -> str:
    """Returns a word nobody can guess, such as `amber-3f9a1c`."""
    return f"{secrets.choice(_WORDS)}-{secrets.token_hex(3)}"


async def run_demo(write: Write, make_server: ServerFactory, word: str) -> int:
    """Holds the conversation; returns 0 when the last answer holds the word, else 1.

    Args:
        write: Takes the text to show, as it arrives.
        make_server: Makes the proxy's server.
        word: What the tool returns.
    """
    token = SecretStr(secrets.token_urlsafe(32))
    config = ProxyConfig(server=ServerConfig(token=token, port=0))
    server = make_server(config, _ignore)
    url = await server.start()
    try:
        write(f"Signalbox demo: a scripted model inside the program, offline, behind {url}\n")
        async with aiohttp.ClientSession(
            url, headers={"x-api-key": token.get_secret_value(), "anthropic-version": "2023-06-01"}
        ) as session:
            await _converse(session, write, word)
    except DemoFailed as exc:
        write(f"\nThe demo failed: {exc}\n")
        return FAILED
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as exc:
        write(f"\nThe demo failed: {type(exc).__name__}: {exc}\n")
        return FAILED
    finally:
        await server.stop(1.0)
    write("\n\nIt works: the answer holds the word that only the tool's result could bring.\n")
    return OK


async def _converse(session: aiohttp.ClientSession, write: Write, word: str) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": _QUESTION}]
    write(f"\nyou        {_QUESTION}\n")
    first = await _ask(session, write, messages)
    calls = [block for block in first["content"] if block["type"] == "tool_use"]
    if first["stop_reason"] != "tool_use" or [each["name"] for each in calls] != [TOOL["name"]]:
        raise DemoFailed(f"the model did not call the tool {TOOL['name']}")
    write(f"\n\ntool       {TOOL['name']}() returns {word}\n")
    results = [{"type": "tool_result", "tool_use_id": each["id"], "content": word} for each in calls]
    messages += [{"role": "assistant", "content": first["content"]}, {"role": "user", "content": results}]
    last = await _ask(session, write, messages)
    text = "".join(block["text"] for block in last["content"] if block["type"] == "text")
    if word not in text:
        raise DemoFailed(f"the last answer does not hold the word {word} that the tool returned")


async def _ask(session: aiohttp.ClientSession, write: Write, messages: list[dict[str, Any]]) -> Any:
    """Sends a streamed request, shows the answer as it arrives, and returns it whole."""
    request: dict[str, Any] = {
        "model": "claude-sonnet-5-5",
        "max_tokens": 1024,
        "stream": True,
        "tools": [TOOL],
        "messages": messages,
    }
    whole = MessageFold()
    label = ""
    timeout = aiohttp.ClientTimeout(total=_ANSWER_TIMEOUT_S)
    async with session.post("/v1/messages", json=request, timeout=timeout) as response:
        if response.status != 200:
            raise DemoFailed(f"the proxy answered with status {response.status}: {await response.text()}")
        async for event in _events(response):
            if event["type"] == "error":
                raise DemoFailed(f"the stream broke off: {event['error']['message']}")
            whole.add(event)
            label = _show(event, write, label)
    if not whole.is_whole:
        raise DemoFailed("the stream ended before the answer did")
    return whole.message()


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    splitter = SseSplitter()
    async for chunk in response.content.iter_any():
        for each in splitter.feed(chunk):
            yield read_json(each.data)


def _show(event: dict[str, Any], write: Write, label: str) -> str:
    """Writes what an event adds, under the label of the block it belongs to; returns that label."""
    block = event.get("content_block")
    if block is not None and block["type"] == "tool_use":
        write(f"\ncalls      {block['name']}")
        return "calls"
    delta = event.get("delta", {})
    kind = {"thinking_delta": "thinks", "text_delta": "answers"}.get(delta.get("type", ""))
    if kind is None:
        return label
    if kind != label:
        write(f"\n{kind:<11}")
    write(delta.get("text") or delta.get("thinking") or "")
    return kind


def _ignore(_event: ProxyEvent) -> None:
    return


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _survive_narrow_terminal() -> None:
    """A terminal that cannot show a character gets a substitute instead of a crash."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
