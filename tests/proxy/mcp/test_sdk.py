from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from proxy.mcp.connection import Connection
from proxy.mcp.sdk import connection_class


async def test_what_connects_comes_when_it_is_asked_for() -> None:
    assert await connection_class() is Connection


def test_without_servers_nothing_of_the_sdk_is_loaded() -> None:
    code = (
        "import sys, proxy.mcp.supervisor, proxy.mcp.tools; "
        "loaded = {name.partition('.')[0] for name in sys.modules}; "
        "print(sorted(loaded & {'mcp', 'mcp_types', 'httpx2', 'anyio'}))"
    )
    root = Path(__file__).parents[3]
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("was", ["enable", "disable"])
def test_the_first_import_keeps_the_collector_as_it_was(was: str) -> None:
    code = (
        f"import asyncio, gc; from proxy.mcp.sdk import connection_class; gc.{was}(); gc.set_threshold(700); "
        "print(asyncio.run(connection_class()).__name__, gc.isenabled(), "
        "gc.get_freeze_count() > 10_000, gc.get_threshold()[0])"
    )
    root = Path(__file__).parents[3]
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert told.stdout.split() == ["Connection", str(was == "enable"), "True", "700"]
