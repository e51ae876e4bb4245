"""The openai SDK as it is loaded: without the types nobody reads, and whole for whoever asks for one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
ASK = """
import asyncio, socket
from proxy.config import ProviderConfig
from proxy.messages.errors import UpstreamError
from proxy.upstreams.openai_compatible import OpenAICompatible

async def ask(url):
    upstream = OpenAICompatible(ProviderConfig("box", "openai-chat", url))
    try:
        await upstream.open("/chat/completions", {}, {})
    except UpstreamError as error:
        print(error.message)
    finally:
        await upstream.aclose()

with socket.socket() as nobody:
    nobody.bind(("127.0.0.1", 0))
    asyncio.run(ask(f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"))
"""
UNREAD = (
    "batch",
    "image",
    "vector_store",
    "responses.response",
    "responses.response_input_item",
    "beta.assistant",
)


def told(code: str) -> Any:
    """Returns what a program in a process of its own prints last, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_a_request_to_an_upstream_loads_no_type_of_an_answer() -> None:
    loaded = set(told(f"{ASK}\nimport json, sys; print(json.dumps(list(sys.modules)))"))
    assert {"openai", "openai._client", "openai.types"} <= loaded
    assert not {f"openai.types.{name}" for name in UNREAD} & loaded


def test_whoever_asks_for_a_type_gets_what_the_sdk_has() -> None:
    names = """
import inspect, json, openai.types.responses
import openai
print(json.dumps([
    openai.types.Batch.__name__,
    sorted(name for name in vars(openai.types) if not name.startswith("__")),
    sorted(name for name in vars(openai.types.responses) if not name.startswith("__")),
    len(inspect.getsource(openai.types)),
]))
"""
    ours = told(
        f"from proxy.upstreams.openai_sdk import openai\nfrom openai.types.responses import Response\n{names}"
    )
    assert ours == told(names)


def test_the_program_goes_on_importing_as_before() -> None:
    code = "import json, sys; before = list(sys.meta_path); import proxy.upstreams.openai_sdk"
    assert told(f"{code}; print(json.dumps(sys.meta_path == before))") is True
