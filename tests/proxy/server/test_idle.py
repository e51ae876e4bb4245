"""Who runs no tool pays for none: parsers and the like are loaded by the call that needs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import asyncio, sys
import app.headless
from tests.proxy.scripted import HOST, proxy_config
from proxy.server.app import ProxyServer

async def main():
    server = ProxyServer(proxy_config("one"), lambda event: None, host=HOST)
    made = asyncio.Event()
    server.tools.watch(made.set)
    await server.start()
    await asyncio.wait_for(made.wait(), 30)
    await server.stop(0)
    print(len(server.tools.all()), *sorted({name.partition(".")[0] for name in sys.modules}))

asyncio.run(main())
"""
HEAVY = {"mcp", "mcp_types", "httpx2", "starlette"} | {
    "tree_sitter",
    "tree_sitter_bash",
    "bs4",
    "lxml",
    "markdownify",
    "nbformat",
    "pypdf",
    "sqlalchemy",
    "jsonschema_rs",
    "splintr",
    "psutil",
    "regex",
}


def test_a_proxy_that_has_started_and_made_its_tools_has_loaded_nothing_that_only_some_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    tools, *modules = done.stdout.splitlines()[-1].split()
    assert int(tools) > 14
    assert HEAVY & set(modules) == set()
    assert "aiohttp" in modules
