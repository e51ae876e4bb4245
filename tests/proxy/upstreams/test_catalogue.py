"""The catalogue: nobody waits for it, it is read once a day, it survives restarts and failures."""

from __future__ import annotations

import asyncio
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.typing import EventDict

from proxy.config import ProviderConfig
from proxy.upstreams.catalogue import REFRESH_S, RETRY_S, Catalogue
from proxy.upstreams.lookup import UnusableList
from proxy.upstreams.model_entries import ModelEntry, Prices, ReasoningFacts

ONE = ProviderConfig("one", "openai-chat", "http://127.0.0.1:9/v1")
TWO = ProviderConfig("two", "openai-chat", "http://127.0.0.1:9/other")
ENTRY = ModelEntry(
    "m",
    name="M",
    context_tokens=1000,
    max_output_tokens=10,
    inputs=("text",),
    parameters=("tools",),
    reasoning=ReasoningFacts(is_mandatory=True, efforts=("low",)),
    prices=Prices(input=1e-6, output=2e-6),
)


@dataclass
class World:
    """A clock that is set by hand, and providers that answer when they are told to."""

    folder: Path | None = None
    now: float = 1_000_000.0
    failure: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list[str])

    async def read(self, provider: ProviderConfig) -> tuple[ModelEntry, ...]:
        self.asked.append(provider.name)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return (ENTRY,)

    def catalogue(self) -> Catalogue:
        return Catalogue(self.folder, wall_clock=lambda: self.now, read_list=self.read)


def reading() -> set[asyncio.Task[object]]:
    """What is being read now."""
    return {task for task in asyncio.all_tasks() if task.get_name().startswith("read the models of")}


async def settled() -> None:
    """Waits until nothing is being read any more."""
    if tasks := reading():
        await asyncio.wait(tasks, timeout=5)
        await asyncio.sleep(0)


async def kept_in(folder: Path) -> World:
    """A world whose first run has read a list and kept it."""
    world = World(folder)
    world.gate.set()
    first = world.catalogue()
    first.entry(ONE, "m")
    await settled()
    return world


def overwrite(folder: Path, content: bytes) -> None:
    (file,) = folder.iterdir()
    file.write_bytes(content)


async def test_the_first_question_is_answered_at_once_and_later_ones_know_more() -> None:
    world = World()
    catalogue = world.catalogue()
    assert catalogue.entry(ONE, "m") is None
    assert catalogue.price_of(ONE, "m") is None
    world.gate.set()
    await settled()
    assert catalogue.entry(ONE, "m") == ENTRY
    assert catalogue.price_of(ONE, "m") == Prices(input=1e-6, output=2e-6)
    assert catalogue.entry(ONE, "other") is None
    assert world.asked == ["one"]
    await catalogue.aclose()


async def test_whoever_wants_to_know_is_told_when_a_list_is_there_from_the_upstream_or_the_disk(
    tmp_path: Path,
) -> None:
    world, told = World(folder=tmp_path), list[object]()
    for _ in range(2):
        catalogue = Catalogue(
            tmp_path,
            wall_clock=lambda: world.now,
            read_list=world.read,
            on_read=lambda: told.append(catalogue.price_of(ONE, "m")),  # noqa: B023 - called in this round
        )
        catalogue.entry(ONE, "m")
        world.gate.set()
        await settled()
        await catalogue.aclose()
    assert (told, world.asked) == ([ENTRY.prices] * 2, ["one"])


async def test_a_list_is_read_again_after_a_day_and_the_old_one_serves_meanwhile() -> None:
    world = World()
    world.gate.set()
    catalogue = world.catalogue()
    catalogue.entry(ONE, "m")
    await settled()
    world.now += REFRESH_S - 1
    catalogue.entry(ONE, "m")
    assert len(world.asked) == 1
    world.now += 1
    world.gate.clear()
    assert catalogue.entry(ONE, "m") == ENTRY
    world.gate.set()
    await settled()
    assert len(world.asked) == 2


async def test_a_failure_is_said_once_and_tried_again_later(log_events: list[EventDict]) -> None:
    world = World(failure=UnusableList("HTTP 404"))
    world.gate.set()
    catalogue = world.catalogue()
    for _ in range(3):
        assert catalogue.entry(ONE, "m") is None
        await settled()
        catalogue.entry(ONE, "m")
        world.now += RETRY_S
    assert len(world.asked) == 3
    said = [each for each in log_events if each["event"] == "model_list_unavailable"]
    assert [(each["provider"], each["reason"]) for each in said] == [("one", "HTTP 404")]
    world.failure = None
    catalogue.entry(ONE, "m")
    await settled()
    assert catalogue.entry(ONE, "m") == ENTRY


async def test_a_clock_set_back_does_not_put_the_next_reading_off() -> None:
    world = World()
    world.gate.set()
    catalogue = world.catalogue()
    catalogue.entry(ONE, "m")
    await settled()
    world.now -= 400 * REFRESH_S
    catalogue.entry(ONE, "m")
    await settled()
    assert len(world.asked) == 2


async def test_a_restart_finds_the_list_on_disk(tmp_path: Path) -> None:
    world = await kept_in(tmp_path / "models")
    world.now += REFRESH_S - 1
    second = world.catalogue()
    second.entry(ONE, "m")
    await settled()
    assert second.entry(ONE, "m") == ENTRY
    assert second.entry(TWO, "m") is None
    await settled()
    assert world.asked == ["one", "two"]


async def test_what_an_earlier_run_kept_is_recalled_without_asking_anybody(tmp_path: Path) -> None:
    world = await kept_in(tmp_path)
    world.now += REFRESH_S
    second = world.catalogue()
    assert second.known_price_of(ONE, "m") is None
    await second.recall([ONE, TWO])
    assert second.known_price_of(ONE, "m") == ENTRY.prices
    assert second.known_price_of(ONE, "other") is None
    assert second.known_price_of(TWO, "m") is None
    await second.recall([ONE])
    assert (world.asked, reading()) == (["one"], set())


async def test_a_question_while_a_list_is_recalled_is_answered_from_it_and_asks_nobody(
    tmp_path: Path,
) -> None:
    world = await kept_in(tmp_path)
    second = world.catalogue()
    recalling = asyncio.ensure_future(second.recall([ONE]))
    await asyncio.sleep(0)
    assert second.entry(ONE, "m") is None
    await recalling
    assert second.entry(ONE, "m") == ENTRY
    assert (world.asked, reading()) == (["one"], set())


async def recalled(catalogue: Catalogue) -> Prices | None:
    await catalogue.recall([ONE])
    return catalogue.price_of(ONE, "m")


async def test_who_recalls_a_list_knows_it_also_where_another_has_begun_to_read_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.gate.set()
    first = world.catalogue()
    first.entry(ONE, "m")
    await settled()
    world.now += REFRESH_S
    world.gate.clear()
    together = world.catalogue()
    impatient = asyncio.ensure_future(recalled(together))
    others = [asyncio.ensure_future(recalled(together)) for _ in range(2)]
    await asyncio.sleep(0)
    impatient.cancel()
    assert await asyncio.gather(*others) == [ENTRY.prices] * 2
    later = world.catalogue()
    assert later.entry(ONE, "m") is None
    await asyncio.sleep(0)  # from here on its upstream is to be asked too, which does not answer
    assert await recalled(later) == ENTRY.prices
    await together.aclose()
    await later.aclose()
    assert not reading()


async def test_an_old_list_on_disk_serves_until_the_new_one_is_there(tmp_path: Path) -> None:
    world = await kept_in(tmp_path)
    world.now += REFRESH_S
    world.failure = OSError("unplugged")
    second = world.catalogue()
    second.entry(ONE, "m")
    await settled()
    assert second.entry(ONE, "m") == ENTRY
    assert world.asked == ["one", "one"]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"format":2}', b'{"format":1,"models":[{}]}'])
async def test_a_damaged_file_counts_as_none(tmp_path: Path, content: bytes) -> None:
    world = await kept_in(tmp_path)
    await asyncio.to_thread(overwrite, tmp_path, content)
    second = world.catalogue()
    second.entry(ONE, "m")
    await settled()
    assert second.entry(ONE, "m") == ENTRY
    assert world.asked == ["one", "one"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes mean nothing there")
async def test_the_folder_and_its_files_are_ours_alone(tmp_path: Path) -> None:
    await kept_in(tmp_path / "models")
    (file,) = (tmp_path / "models").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_folder_that_cannot_be_written_costs_only_the_memory_over_restarts(
    tmp_path: Path, log_events: list[EventDict]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    world = World(tmp_path / "file" / "models")
    world.gate.set()
    catalogue = world.catalogue()
    catalogue.entry(ONE, "m")
    await settled()
    assert catalogue.entry(ONE, "m") == ENTRY
    assert "model_list_not_kept" in [each["event"] for each in log_events]


async def test_the_demo_and_a_provider_without_its_key_are_not_asked() -> None:
    world = World()
    catalogue = world.catalogue()
    assert catalogue.entry(ProviderConfig("demo", "demo", ""), "m") is None
    assert (
        catalogue.entry(ProviderConfig("x", "openai-chat", "http://127.0.0.1:9", key_missing="no"), "m")
        is None
    )
    await settled()
    assert not world.asked


async def test_providers_no_longer_configured_are_forgotten_and_reading_ends_with_the_program() -> None:
    world = World()
    catalogue = world.catalogue()
    catalogue.entry(ONE, "m")
    catalogue.entry(TWO, "m")
    await asyncio.sleep(0)
    dropped = next(task for task in reading() if task.get_name().endswith("one"))
    catalogue.retain([TWO])
    await asyncio.wait({dropped}, timeout=5)
    assert dropped.cancelled()
    assert [task.get_name() for task in reading()] == ["read the models of two"]
    await catalogue.aclose()
    assert not reading()
    world.gate.set()
    assert catalogue.entry(TWO, "m") is None
