"""The audit: taken at once, written soon and redacted, kept while the disk fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from structlog.typing import EventDict

from proxy.config import LedgerPolicy
from proxy.events import ToolDecided
from proxy.service.audit import Audit
from proxy.service.disk_writer import MOST_WAITING
from proxy.store.decisions import DecisionStore
from proxy.store.values import StoreError, StoreFailure

NOW = 1_800_000_000.0
DECIDED = ToolDecided(
    "req_1",
    NOW,
    "toolu_1",
    "Bash",
    "{}",
    "signalbox",
    "allow",
    "a rule",
    None,
    None,
    "rule",
    "conv",
    "tests/1",
)


class Disk:
    """Stands where `DecisionStore` stands."""

    def __init__(self) -> None:
        self.failure: StoreFailure | None = None
        self.prune_failure: StoreFailure | None = None
        self.batches: list[list[ToolDecided]] = []
        self.pruned: list[LedgerPolicy] = []
        self.wrote = asyncio.Event()

    async def append(self, decisions: Sequence[ToolDecided]) -> None:
        self.wrote.set()
        if self.failure is not None:
            raise StoreError(self.failure)
        self.batches.append(list(decisions))

    async def prune(self, policy: LedgerPolicy, _now_us: int) -> int:
        if self.prune_failure is not None:
            raise StoreError(self.prune_failure)
        self.pruned.append(policy)
        return 0

    async def latest(self, text: str, limit: int) -> list[ToolDecided]:
        return [each for batch in self.batches for each in batch if text in each.arguments][:limit]

    async def of_request(self, request_id: str) -> list[ToolDecided]:
        return [each for batch in self.batches for each in batch if each.request_id == request_id]


def audit_on(disk: Disk, now: float = NOW) -> Audit:
    async def open_store() -> DecisionStore:
        return cast("DecisionStore", cast("Any", disk))

    return Audit(
        LedgerPolicy(),
        redact=lambda text: text.replace("hunter2", "[redacted]"),
        wall_clock=lambda: now,
        open_store=open_store,
    )


async def test_decisions_that_come_together_are_written_together() -> None:
    disk = Disk()
    kept = audit_on(disk)
    for number in range(3):
        kept.take(replace(DECIDED, call_id=f"toolu_{number}"))
    await kept.flush()
    assert [[each.call_id for each in batch] for batch in disk.batches] == [["toolu_0", "toolu_1", "toolu_2"]]
    await kept.close()


async def test_many_are_written_without_waiting_and_in_order() -> None:
    disk = Disk()
    kept = audit_on(disk)
    for number in range(1200):
        kept.take(replace(DECIDED, call_id=f"toolu_{number}"))
    await asyncio.wait_for(disk.wrote.wait(), 5)
    await kept.flush()
    assert [len(batch) for batch in disk.batches] == [500, 500, 200]
    assert [each.call_id for batch in disk.batches for each in batch] == [f"toolu_{n}" for n in range(1200)]
    await kept.close()


async def test_secrets_never_reach_the_disk() -> None:
    disk = Disk()
    kept = audit_on(disk)
    kept.take(
        replace(
            DECIDED,
            call_id="a hunter2",
            tool="b hunter2",
            arguments="c hunter2",
            reason="d hunter2",
            client="e hunter2",
            conversation_id="f hunter2",
        )
    )
    kept.take(replace(DECIDED, conversation_id=None))
    await kept.flush()
    first, second = disk.batches[0]
    assert "hunter2" not in repr(first)
    assert repr(first).count("[redacted]") == 6
    assert second.conversation_id is None
    await kept.close()


async def test_text_that_no_database_takes_is_made_storable() -> None:
    disk = Disk()
    kept = audit_on(disk)
    kept.take(replace(DECIDED, arguments="a\ud800b\0c"))
    await kept.flush()
    assert disk.batches[0][0].arguments == "a?b\N{SYMBOL FOR NULL}c"
    await kept.close()


async def test_what_is_asked_for_includes_what_was_not_yet_written() -> None:
    disk = Disk()
    kept = audit_on(disk)
    kept.take(DECIDED)
    assert await kept.latest() == [DECIDED]
    kept.take(replace(DECIDED, request_id="req_2"))
    assert await kept.of_request("req_2") == [replace(DECIDED, request_id="req_2")]
    await kept.close()


async def test_without_a_disk_nothing_is_kept_and_nothing_fails() -> None:
    kept = Audit(LedgerPolicy(), redact=str, wall_clock=lambda: NOW, open_store=None)
    kept.take(DECIDED)
    assert await kept.latest() == ()
    assert await kept.of_request("req_1") == ()
    await kept.flush()
    await kept.close()


async def written_after(failure: StoreFailure) -> list[str]:
    """The calls that reach a disk which failed at the first of two decisions."""
    disk = Disk()
    kept = audit_on(disk)
    disk.failure = failure
    kept.take(DECIDED)
    await kept.flush()
    assert disk.batches == []
    disk.failure = None
    kept.take(replace(DECIDED, call_id="toolu_2"))
    await kept.flush()
    await kept.close()
    return [each.call_id for each in disk.batches[0]]


@pytest.mark.expects_log("audit_not_written")
@pytest.mark.parametrize("failure", [StoreFailure.DISK_FULL, StoreFailure.UNUSABLE])
async def test_what_the_disk_did_not_take_is_written_later_in_order(failure: StoreFailure) -> None:
    assert await written_after(failure) == ["toolu_1", "toolu_2"]


@pytest.mark.expects_log("audit_not_written", "decisions_lost")
async def test_what_can_never_be_written_holds_up_nothing_behind_it(log_events: list[EventDict]) -> None:
    assert await written_after(StoreFailure.UNFIT) == ["toolu_2"]
    assert lost(log_events) == [1]


def lost(log_events: list[EventDict]) -> list[int]:
    """What the log says was lost, each time."""
    return [each["decisions"] for each in log_events if each["event"] == "decisions_lost"]


@pytest.mark.expects_log("audit_not_written", "decisions_lost")
async def test_no_more_is_held_than_there_is_room_for_and_the_loss_is_told(
    log_events: list[EventDict],
) -> None:
    disk = Disk()
    disk.failure = StoreFailure.DISK_FULL
    kept = audit_on(disk)
    for number in range(MOST_WAITING + 1):
        kept.take(replace(DECIDED, call_id=f"toolu_{number}"))
    await kept.flush()
    assert lost(log_events) == [1]
    await kept.close()
    assert lost(log_events) == [1, MOST_WAITING]


@pytest.mark.expects_log("audit_not_pruned")
async def test_what_was_written_is_not_written_again_where_only_the_pruning_failed() -> None:
    disk = Disk()
    disk.prune_failure = StoreFailure.BUSY
    kept = audit_on(disk)
    kept.take(DECIDED)
    await kept.flush()
    await kept.flush()
    assert disk.batches == [[DECIDED]]
    await kept.close()


async def test_old_decisions_go_once_an_hour_by_the_policy_in_force() -> None:
    disk = Disk()
    kept = audit_on(disk)
    kept.apply(LedgerPolicy(keep_days=3))
    for _ in range(2):
        kept.take(DECIDED)
        await kept.flush()
    assert disk.pruned == [LedgerPolicy(keep_days=3)]
    await kept.close()
