"""The front end against the corpus of hostile and ordinary requests, one raw connection each."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.server.limits import Limits
from tests.proxy.scripted import TOKEN, running

CLASSES = (
    "control_allow", "host_header", "origin_cors", "preflight", "csrf_content_type", "auth", "framing",
    "path", "body_json", "body_size", "header_forwarding", "log_gui_injection",
)  # fmt: skip
QUIET_S = 2.0
"""A connection that is silent for this long is taken for one that stays open."""

Build = Callable[[Any, int, str], "list[bytes | None] | None"]


@pytest.fixture(scope="module")
def build(shared_data: Path) -> Iterator[Build]:
    """The corpus's own way to make the bytes of a line."""
    folder = shared_data / "attacks" / "tools"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location("http_runner", folder / "http_runner.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module.build
    finally:
        sys.path.remove(str(folder))


async def exchange(port: int, parts: list[bytes | None]) -> tuple[bytes, bool]:
    """Sends the parts; returns all that came back, and whether the server closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        for part in parts:
            if part is None:
                writer.write_eof()
            else:
                writer.write(part)
                await writer.drain()

    sending = asyncio.ensure_future(send())
    received = b""
    try:
        while piece := await asyncio.wait_for(reader.read(65536), QUIET_S):
            received += piece
        return received, True
    except asyncio.TimeoutError:
        return received, False
    except ConnectionError:
        return received, True
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.transport.abort()


def complaints(row: dict[str, Any], received: bytes, was_closed: bool) -> list[str]:
    statuses = [int(each) for each in re.findall(rb"HTTP/1\.[01] (\d{3})", received)]
    final = [each for each in statuses if each != 100] or [0]
    named = re.search(rb'"type"\s*:\s*"error".*?"type"\s*:\s*"([a-z_]+)"', received, re.DOTALL)
    kind = named.group(1).decode() if named else None
    checks = row.get("checks", {})
    found = [
        (final[0] not in row["expect_status"], f"status {final[0]}"),
        (final[0] >= 400 and kind not in row["expect_error_type"], f"error type {kind}"),
        (bool(checks.get("connection_closed")) and not was_closed, "the connection stayed open"),
        (TOKEN.encode() in received, "the token came back"),
        (b"access-control-" in received.lower(), "an Access-Control header"),
        (b"\r\nserver:" in received.lower(), "a Server header"),
        ("second_status" in checks and final[-1] not in checks.get("second_status", ()), "the second answer"),
    ]
    return [text for is_wrong, text in found if is_wrong]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.may_block
async def test_every_line_of_the_corpus_is_answered_as_it_says(
    kind: str, shared_data: Path, build: Build
) -> None:
    text = (shared_data / "attacks" / "open" / "http_requests.jsonl").read_text()
    rows = [row for row in map(json.loads, text.splitlines()) if row["class"] == kind]
    wrong: list[str] = []
    async with running(limits=Limits(failure_delay_s=0)) as proxy:

        async def judge(row: dict[str, Any]) -> None:
            parts = build(row["input"]["send"], proxy.port, TOKEN)
            assert parts is not None, row["id"]
            received, was_closed = await exchange(proxy.port, parts)
            wrong.extend(
                f"{row['id']} ({row['why']}): {each}" for each in complaints(row, received, was_closed)
            )

        await asyncio.gather(*map(judge, rows))
        assert proxy.server.active_requests == 0
    assert rows
    assert not wrong
