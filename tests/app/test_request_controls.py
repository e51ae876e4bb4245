"""The desk answers about requests of earlier sessions, whether or not the proxy runs."""

from __future__ import annotations

import pytest

from app.request_controls import PAGE
from gui.desk import ActionFailed, SettingsChanged
from gui.request_desk import AttemptsRead, EarlierRequestsRead
from proxy.store.database import open_database
from proxy.store.ledger import LedgerStore
from proxy.store.ledger_values import Entry
from tests.app.controller_bench import Bench, Make
from tests.proxy.store.test_ledger import ATTEMPTS, DAY, NOW, ROW


async def _kept(bench: Bench, number: int) -> None:
    bench.folders.store.mkdir()
    database = await open_database(bench.folders.store, NOW)
    rows = [ROW._replace(id=f"req_{n}", started_us=n) for n in range(1, number + 1)]
    first = tuple(each._replace(request_id="req_1") for each in ATTEMPTS)
    await LedgerStore(database).write(
        [], [Entry(DAY, rows[0], first), *(Entry(DAY, row) for row in rows[1:])]
    )
    await database.close()


async def test_a_page_of_them_is_read_and_whether_there_are_more(make: Make) -> None:
    bench = make()
    await _kept(bench, PAGE + 2)
    bench.controller.read_earlier_requests(None)
    newest = await bench.until(EarlierRequestsRead)
    assert (len(newest.rows), newest.has_more) == (PAGE, True)
    assert newest.rows[0].id == f"req_{PAGE + 2}"
    bench.controller.read_earlier_requests(newest.rows[-1].started_us)
    rest = await bench.until(EarlierRequestsRead)
    assert ([each.id for each in rest.rows], rest.has_more) == (["req_2", "req_1"], False)


async def test_the_attempts_of_one_are_read_with_their_reasons(make: Make) -> None:
    bench = make()
    await _kept(bench, 1)
    bench.controller.read_attempts("req_1")
    read = await bench.until(AttemptsRead)
    assert [(each.n, each.reason, each.outcome) for each in read.attempts] == [
        (1, "first", "overloaded_error"),
        (2, "second", "ok"),
    ]


async def test_a_fresh_installation_has_none(make: Make) -> None:
    bench = make()
    bench.controller.read_earlier_requests(None)
    assert await bench.until(EarlierRequestsRead) == EarlierRequestsRead()


async def test_attempts_that_cannot_be_read_are_not_told_as_none_and_can_be_asked_for_again(
    make: Make,
) -> None:
    bench = make()
    await _kept(bench, 1)
    database = bench.folders.store / "signalbox.db"
    whole = database.read_bytes()
    database.write_bytes(b"no database, but long enough to be one" * 40)
    bench.controller.read_attempts("req_1")
    assert (await bench.until(ActionFailed)).title == "Earlier requests cannot be read"
    database.write_bytes(whole)
    bench.controller.read_attempts("req_1")
    assert len((await bench.until(AttemptsRead)).attempts) == 2


async def test_a_ledger_that_cannot_be_read_is_said_and_can_be_asked_again(make: Make) -> None:
    bench = make()
    bench.folders.store.mkdir()
    (bench.folders.store / "signalbox.db").write_bytes(b"no database, but long enough to be one" * 40)
    bench.controller.read_earlier_requests(None)
    failed = await bench.until(ActionFailed)
    assert failed.title == "Earlier requests cannot be read"
    assert "damaged" in failed.text
    assert await bench.until(EarlierRequestsRead) == EarlierRequestsRead(has_more=True)


@pytest.mark.parametrize("request_id", ["", "req_9"])
async def test_a_request_that_is_not_there_has_no_attempts(make: Make, request_id: str) -> None:
    bench = make()
    bench.controller.read_attempts(request_id)
    assert await bench.until(AttemptsRead) == AttemptsRead(request_id, ())


async def test_switching_bodies_on_is_stored_and_in_force_at_once(make: Make) -> None:
    bench = make(settings="bodies: {keep: 'off'}\n")
    await bench.controller.start()
    assert bench.controller.bodies_kept() == "off"
    assert bench.servers[0].config.capture_bytes == 0

    assert bench.controller.keep_bodies() is None
    await bench.until(SettingsChanged)
    assert bench.controller.bodies_kept() == "all"
    assert "keep: all" in bench.folders.settings_file.read_text()
    assert bench.servers[0].applied[-1].capture_bytes > 0
