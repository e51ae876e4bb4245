"""Whatever happens to batches in whatever order: one result a request, counts that add up, no way back."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from proxy.context import Owner
from proxy.store.batches import BatchStore
from proxy.store.database import Database
from proxy.store.values import Batch, NewRequest, Outcome
from tests.proxy.places import Place, SqlitePlace

T = TypeVar("T")

OUTCOMES: list[Outcome] = ["succeeded", "errored", "canceled", "expired"]


class BatchMachine(RuleBasedStateMachine):
    """The store against a model: a dictionary of batches, each a list of outcomes."""

    batches: Bundle[str] = Bundle("batches")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory(prefix="sb-")
        self.place = self.place_in(Path(self.folder.name))
        self.model: dict[str, list[Outcome | None]] = {}
        self.canceling: set[str] = set()
        self.now_us = 0
        self.made = 0

    def place_in(self, folder: Path) -> Place:
        raise NotImplementedError

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize()
    def open(self) -> None:
        self.database: Database = self.wait(self.place.open())
        self.store = BatchStore(self.database)

    @rule()
    def restart(self) -> None:
        self.wait(self.database.close())
        self.open()

    @rule(target=batches, size=st.integers(1, 6))
    def create(self, size: int) -> str:
        self.made += 1
        batch = Batch(f"msgbatch_{self.made}", size, self.tick(), self.now_us + 1)
        self.wait(self.store.create(batch, [NewRequest(f"c{n}", n, 1) for n in range(size)]))
        self.model[batch.id] = [None] * size
        return batch.id

    @rule(batch=batches, position=st.integers(0, 6), outcome=st.sampled_from(OUTCOMES[:2]))
    def decide(self, batch: str, position: int, outcome: Outcome) -> None:
        outcomes = self.model.get(batch, [])
        is_open = position < len(outcomes) and outcomes[position] is None
        result = f'{{"n":{self.tick()}}}'
        assert self.wait(self.store.decide(batch, position, outcome, result, self.now_us)) == is_open
        if is_open:
            outcomes[position] = outcome

    @rule(batch=batches)
    def begin_cancel(self, batch: str) -> None:
        found = self.wait(self.store.begin_cancel(batch, self.tick()))
        assert (found is None) == (batch not in self.model)
        if None in self.model.get(batch, []):
            self.canceling.add(batch)

    @rule(batch=batches, outcome=st.sampled_from(OUTCOMES[2:]))
    def decide_rest(self, batch: str, outcome: Outcome) -> None:
        outcomes = self.model.get(batch, [])
        assert self.wait(self.store.decide_rest(batch, outcome, self.tick())) == outcomes.count(None)
        outcomes[:] = [each or outcome for each in outcomes]

    @rule(batch=batches)
    def delete(self, batch: str) -> None:
        deletion = self.wait(self.store.delete(batch))
        if batch not in self.model:
            assert deletion == "unknown"
        elif None in self.model[batch]:
            assert deletion == "not_ended"
        else:
            assert deletion == "deleted"
            del self.model[batch]

    @invariant()
    def the_store_and_the_model_agree(self) -> None:
        if not hasattr(self, "store"):
            return
        found = self.wait(self.store.page(Owner(), 1000))
        assert found is not None
        assert [batch.id for batch in found[0]] == list(self.model)[::-1]
        unfinished = {name for name, outcomes in self.model.items() if None in outcomes}
        assert self.wait(self.store.ids(unfinished=True)) == unfinished
        for batch in found[0]:
            self.check(batch, self.model[batch.id])

    def check(self, batch: Batch, outcomes: list[Outcome | None]) -> None:
        counts = [batch.succeeded, batch.errored, batch.canceled, batch.expired]
        if None in outcomes:
            assert batch.status == ("canceling" if batch.id in self.canceling else "in_progress")
            assert counts == [0, 0, 0, 0]
        else:
            assert batch.status == "ended"
            assert counts == [Counter(outcomes)[each] for each in OUTCOMES]
            assert sum(counts) == batch.total
        decided = self.wait(self.store.results(batch.id, after=-1, limit=100))
        assert {row.position: row.outcome for row in decided} == {
            position: outcome for position, outcome in enumerate(outcomes) if outcome is not None
        }
        assert len({row.result for row in decided if row.result}) == sum(
            row.result is not None for row in decided
        )
        pending = self.wait(self.store.pending(batch.id, after=-1, limit=100))
        assert [row.position for row in pending] == [n for n, each in enumerate(outcomes) if each is None]

    def tick(self) -> int:
        self.now_us += 1
        return self.now_us

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.wait(self.database.close())
        self.wait(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()


def test_the_store_does_as_the_model_on_every_database(new_place: Callable[[Path], Place]) -> None:
    many = 25 if new_place is SqlitePlace else 8  # each start of PostgreSQL's takes a while

    class Machine(BatchMachine):
        def place_in(self, folder: Path) -> Place:
            return new_place(folder)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=many,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
