"""The audit on the disk: appended, found again, never changed, dropped only by retention."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from proxy.config import LedgerPolicy
from proxy.events import ToolDecided
from proxy.store import migrations
from proxy.store.database import Database
from proxy.store.decisions import DecisionStore
from proxy.store.decisions_schema import DECISIONS
from proxy.store.schema import META, VERSION
from proxy.store.values import StoreError
from tests.proxy.places import Place
from tests.proxy.store.older import make_version_3

NOW = 1_800_000_000.0
DAY = 86_400.0

WHOLE = ToolDecided(
    request_id="req_1",
    at=NOW,
    call_id="toolu_1",
    tool="Bash",
    arguments='{"command": "make 100%_sure"}',
    runner="signalbox",
    decision="allow",
    reason="allow rule Bash(make *) matches",
    rule="Bash(make *)",
    source="settings",
    decided_by="rule",
    conversation_id="conv",
    client="tests/1",
    workspace="main",
    ran=True,
    is_error=True,
    exit_code=-9,
    result_bytes=7,
    duration_s=0.25,
)
BARE = ToolDecided(
    request_id="req_2",
    at=NOW + 1,
    call_id="toolu_2",
    tool="WebSearch",
    arguments="{}",
    runner="client",
    decision="deny",
    reason="the user said no",
    rule=None,
    source=None,
    decided_by="user (window)",
)


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Database]:
    opened = await place.open()
    yield opened
    await opened.close()


@pytest.fixture
def store(database: Database) -> DecisionStore:
    return DecisionStore(database)


async def test_a_decision_comes_back_as_it_was_the_latest_first(store: DecisionStore) -> None:
    await store.append([WHOLE, BARE])
    await store.append([])
    assert await store.latest() == [BARE, WHOLE]
    assert await store.latest(limit=1) == [BARE]
    assert await store.of_request("req_1") == [WHOLE]
    assert await store.of_request("req_3") == []


@pytest.mark.parametrize("words", ["bash", "100%_SURE", "tests/1", "matches", "make *", "req_1"])
async def test_a_text_is_found_wherever_it_stands_and_however_it_is_written(
    store: DecisionStore, words: str
) -> None:
    await store.append([WHOLE, BARE])
    assert await store.latest(words) == [WHOLE]


async def test_signs_of_patterns_are_ordinary_text(store: DecisionStore) -> None:
    await store.append([WHOLE, BARE])
    assert await store.latest("100_") == []
    assert await store.latest("m%e") == []


async def test_calls_are_counted_by_tool_outcome_and_decider(store: DecisionStore) -> None:
    old = replace(WHOLE, at=NOW - 2 * DAY)
    await store.append([old, WHOLE, WHOLE, BARE])
    since = round((NOW - DAY) * 1e6)
    assert await store.counts(since) == [
        ("Bash", "allow", "rule", 2),
        ("WebSearch", "deny", "user (window)", 1),
    ]
    assert await store.hits(since) == {("settings", "Bash(make *)"): 2}


# Append only --------------------------------------------------------------------------------


@pytest.mark.expects_log("database_failed")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decisions SET decision = 'deny'",
        "UPDATE decisions SET number = number + 10",
        "DELETE FROM decisions",
        "DELETE FROM decisions WHERE request_id = 'req_1'",
    ],
)
async def test_the_database_refuses_to_change_or_drop_a_decision(
    database: Database, store: DecisionStore, statement: str
) -> None:
    await store.append([WHOLE, BARE])
    with pytest.raises(StoreError):
        await database.run(lambda connection: connection.execute(text(statement)))
    assert await store.latest() == [BARE, WHOLE]


async def test_what_is_too_old_goes(store: DecisionStore) -> None:
    await store.append([replace(WHOLE, at=NOW - 8 * DAY), replace(WHOLE, at=NOW - 6 * DAY), BARE])
    assert await store.prune(LedgerPolicy(keep_days=7), round(NOW * 1e6)) == 1
    assert [each.at for each in await store.latest()] == [BARE.at, NOW - 6 * DAY]
    assert await store.prune(LedgerPolicy(keep_days=7), round(NOW * 1e6)) == 0


async def test_what_is_too_much_goes_the_oldest_first(store: DecisionStore) -> None:
    await store.append([replace(WHOLE, call_id=f"toolu_{number}") for number in range(10)])
    assert await store.prune(LedgerPolicy(keep_rows=3), round(NOW * 1e6)) == 7
    assert [each.call_id for each in await store.latest()] == ["toolu_9", "toolu_8", "toolu_7"]
    await store.append([BARE])
    assert await store.prune(LedgerPolicy(keep_rows=3), round(NOW * 1e6)) == 1


async def test_all_may_go_and_numbers_go_on(database: Database, store: DecisionStore) -> None:
    await store.append([WHOLE, BARE])
    assert await store.prune(LedgerPolicy(keep_days=1), round((NOW + 9 * DAY) * 1e6)) == 2
    assert await store.prune(LedgerPolicy(keep_days=1), round((NOW + 9 * DAY) * 1e6)) == 0
    await store.append([WHOLE])

    def numbers(connection: Connection) -> list[int]:
        return list(connection.execute(text("SELECT number FROM decisions")).scalars())

    assert await database.run(numbers) == [3]


async def test_a_clock_that_was_wrong_takes_no_newer_decision_along(store: DecisionStore) -> None:
    await store.append([WHOLE, replace(BARE, at=0.0)])
    assert await store.prune(LedgerPolicy(keep_days=7), round(NOW * 1e6)) == 0
    assert len(await store.latest()) == 2


# Migration ----------------------------------------------------------------------------------


def make_version_2(connection: Connection) -> None:
    make_version_3(connection)
    DECISIONS.drop(connection)
    connection.execute(META.update().where(META.c.key == "version").values(value="2"))


@pytest.mark.expects_log("database_failed")
async def test_a_database_of_version_2_gets_the_audit_with_its_guards(place: Place) -> None:
    database = await place.open()
    await database.run(make_version_2)
    await database.close()
    database = await place.open()
    store = DecisionStore(database)
    assert await database.run(migrations.version_of) == VERSION
    await store.append([WHOLE])
    for statement in ("UPDATE decisions SET tool = 'x'", "DELETE FROM decisions"):
        with pytest.raises(StoreError):
            await database.run(lambda connection, said=statement: connection.execute(text(said)))
    assert await store.latest() == [WHOLE]
    await database.close()
