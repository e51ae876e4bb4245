"""Log lines reach the loop in batches, bounded, from any thread."""

import asyncio
import threading

from app.log_relay import LogRelay
from gui.desk import LogLine, LogsAppended


def _line(number: int) -> LogLine:
    return LogLine(at=float(number), level="info", component="x", event=str(number))


async def test_lines_of_another_thread_arrive_together_in_order() -> None:
    batches: list[LogsAppended] = []
    arrived = asyncio.Event()

    def announce(batch: LogsAppended) -> None:
        batches.append(batch)
        arrived.set()

    relay = LogRelay(asyncio.get_running_loop(), announce, interval_s=0)

    def work() -> None:
        for number in range(100):
            relay.take((_line(number),), 0)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    await asyncio.wait_for(arrived.wait(), 10)

    assert [int(line.event) for batch in batches for line in batch.lines] == list(range(100))
    assert len(batches) == 1


async def test_what_the_loop_cannot_keep_up_with_is_counted() -> None:
    batches: list[LogsAppended] = []
    arrived = asyncio.Event()

    def announce(batch: LogsAppended) -> None:
        batches.append(batch)
        arrived.set()

    relay = LogRelay(asyncio.get_running_loop(), announce, max_waiting=10, interval_s=0)
    relay.take(tuple(_line(number) for number in range(25)), 3)
    await asyncio.wait_for(arrived.wait(), 10)

    (batch,) = batches
    assert [int(line.event) for line in batch.lines] == list(range(15, 25))
    assert batch.dropped == 18


def test_a_closed_loop_ends_the_relay_without_an_error() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    relay = LogRelay(loop, lambda _batch: None)

    relay.take((_line(1),), 0)
    relay.take((_line(2),), 0)
