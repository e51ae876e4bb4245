"""A Signalbox beside another one on the same data: it may have no budgets, whoever brings them."""

from collections.abc import AsyncIterator

import pytest

from app.settings import has_budgets
from gui.desk import ActionFailed, ProxyStateChanged, TokenCreated
from gui.spending import TokenDraft
from proxy.routing.budgets import all_limits
from proxy.store.folder_lock import FolderLock
from tests.app.controller_bench import OPENROUTER, Bench, Make


@pytest.fixture
async def shared(make: Make) -> AsyncIterator[tuple[Bench, FolderLock]]:
    """A Signalbox without budgets beside another one, whose lock on the data is given too."""
    bench = make(settings=OPENROUTER)
    lock = FolderLock(bench.folders.store)
    await bench.controller.start()
    yield bench, lock
    lock.release()


@pytest.mark.expects_log("hand_edit_not_taken")
@pytest.mark.parametrize(
    "budget",
    [
        "budgets: {day_usd: 5}\n",
        "aliases: {big: {candidates: [{provider: openrouter, model: b}], budgets: {month_usd: 5}}}\n",
        "budgets: {day_usd: 0}\n",
    ],
)
async def test_beside_another_a_budget_that_is_written_into_the_file_is_refused_and_told(
    shared: tuple[Bench, FolderLock], budget: str
) -> None:
    bench, _lock = shared
    bench.folders.settings_file.write_text(OPENROUTER + budget)
    bench.pass_time()
    event = await bench.until(
        ProxyStateChanged, lambda event: any("on disk" in each.title for each in event.state.problems)
    )
    (problem,) = (each for each in event.state.problems if "on disk" in each.title)
    assert f"another Signalbox uses the data folder {bench.folders.state}" in problem.text
    assert "set SIGNALBOX_HOME. What was in force before stays in force" in problem.text
    assert not has_budgets(bench.configuration.settings)
    assert not [config for config in bench.servers[0].applied if all_limits(config)]


async def test_beside_another_a_token_with_a_budget_is_refused_when_it_is_made_and_one_without_is_not(
    shared: tuple[Bench, FolderLock],
) -> None:
    bench, lock = shared
    refused = bench.desk.create_token(TokenDraft("phone", day_usd=5.0))
    assert refused is not None
    assert "no budget can come into force here" in refused
    assert bench.desk.create_token(TokenDraft("laptop")) is None
    assert (await bench.until(TokenCreated)).name == "laptop"
    lock.release()
    assert bench.desk.create_token(TokenDraft("phone", day_usd=5.0)) is None
    assert (await bench.until(TokenCreated)).name == "phone"


@pytest.mark.expects_log("change_failed")
async def test_beside_another_no_other_change_brings_a_budget_of_the_file_into_force(
    shared: tuple[Bench, FolderLock],
) -> None:
    bench, _lock = shared
    before = OPENROUTER + "budgets: {day_usd: 5}\n"
    bench.folders.settings_file.write_text(before)
    bench.desk.set_theme("dark")
    assert "no budget can come into force here" in (await bench.until(ActionFailed)).text
    assert bench.folders.settings_file.read_text() == before
    assert not has_budgets(bench.configuration.settings)
