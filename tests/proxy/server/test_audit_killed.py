"""The audit survives the sudden death of the program: what was on the disk is there, whole and in order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.store.database import open_database
from proxy.store.decisions import DecisionStore

ROOT = Path(__file__).resolve().parents[3]
NOW = 1_800_000_000.0


def die(folder: Path, after: int) -> int:
    """Runs a proxy until it says that so many decisions are kept, kills it, and returns how many it said."""
    command = [sys.executable, "-m", "tests.proxy.server.audit_process", str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout is not None
        kept = 0
        while kept < after:
            kept = int(child.stdout.readline())
        child.kill()
        return kept


@pytest.mark.timeout(120)
@pytest.mark.may_block
async def test_what_was_kept_before_a_sudden_death_is_kept_after_it(home: Path) -> None:
    folder = home / "store"
    first = die(folder, 40)
    second = die(folder, first + 40)
    database = await open_database(folder, NOW)
    assert database.health.set_aside is None
    rows = list(reversed(await DecisionStore(database).latest(limit=10_000)))
    await database.close()
    assert len(rows) >= second
    numbers = [int(json.loads(row.arguments)["url"].rpartition("/")[2]) for row in rows]
    begins_anew = numbers.index(1, 1)
    assert begins_anew >= first
    assert numbers == [*range(1, begins_anew + 1), *range(1, len(rows) - begins_anew + 1)]
    assert {row.decision for row in rows} == {"deny"}
