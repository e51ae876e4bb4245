"""A budget survives the sudden death of the program between a reservation and its settlement."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import anthropic
import pytest

from proxy.store.database import open_database
from proxy.store.ledger import LedgerStore
from tests.proxy.scripted import BODY, TOKEN

ROOT = Path(__file__).resolve().parents[3]
NOW = 1_800_000_000.0
EACH = 6_400
"""What BODY reserves: 64 tokens at 100 millionths."""


@contextmanager
def process(folder: Path, limit: int) -> Generator[tuple[str, IO[str]]]:
    """Runs a proxy until it is killed with SIGKILL; yields its address and what it prints."""
    command = [sys.executable, "-m", "tests.proxy.server.budget_process", str(folder), str(limit)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout is not None
        try:
            yield json.loads(child.stdout.readline())["url"], child.stdout
        finally:
            child.kill()


def ask(url: str) -> None:
    """Asks with a client of its own: one that another thread closes may wait for ever."""
    with anthropic.Anthropic(base_url=url, api_key=TOKEN, max_retries=0) as client:
        client.messages.create(**BODY)


def ask_in_vain(url: str) -> None:
    """The proxy dies while it answers."""
    with suppress(anthropic.APIConnectionError):
        ask(url)


@pytest.mark.timeout(120)
async def test_what_was_reserved_at_a_sudden_death_counts_as_spent(home: Path) -> None:
    folder = home / "store"
    with ThreadPoolExecutor(5) as threads:
        with process(folder, 5 * EACH) as (url, said):
            for _ in range(3):
                threads.submit(ask_in_vain, url)
                assert json.loads(said.readline()) == {"asked": 1}
        with process(folder, 5 * EACH) as (url, said):
            for _ in range(2):  # three of five are spent, so two more are let in
                threads.submit(ask_in_vain, url)
                assert json.loads(said.readline()) == {"asked": 1}
            with pytest.raises(anthropic.RateLimitError, match=r"\$0.0192 spent and \$0.0128 reserved"):
                ask(url)
    with process(folder, 5 * EACH) as (url, _), pytest.raises(anthropic.RateLimitError):
        ask(url)
    database = await open_database(folder, NOW)
    ledger = LedgerStore(database)
    rows = [row for row in await ledger.requests(9) if row.outcome == "interrupted"]
    assert [row.cost_micro_usd for row in rows] == [EACH] * 5
    assert sum(day.micro_usd for day in await ledger.days("2000")) == 5 * EACH
    assert await ledger.reservations() == []
    await database.close()
