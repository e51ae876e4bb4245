"""Two servers on one data folder: the first has it, the second says so and touches nothing."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.config import Budgets, ProxyConfig
from proxy.service.storage import StorageConfig
from proxy.store.folder_lock import is_in_use
from proxy.store.values import StoreError, StoreFailure
from tests.proxy.scripted import Running, ScriptedUpstream, proxy_config, running

FREE = proxy_config("one")
LIMITED = replace(FREE, budgets=Budgets(day_micro_usd=10**9))


async def begin(stack: AsyncExitStack, folder: Path, config: ProxyConfig = LIMITED) -> Running | StoreError:
    """Starts one; returns why it does not."""
    server = running({"one": ScriptedUpstream()}, config, storage=StorageConfig(folder))
    try:
        return await stack.enter_async_context(server)
    except StoreError as error:
        return error


async def status_of(proxy: Running) -> int:
    async with proxy.post() as response:
        return response.status


async def test_of_two_that_start_at_the_same_moment_with_budgets_one_listens(home: Path) -> None:
    for _ in range(5):
        async with AsyncExitStack() as stack:
            both = await asyncio.gather(*(begin(stack, home / "store") for _ in range(2)))
            (first,) = (each for each in both if isinstance(each, Running))
            (error,) = (each for each in both if isinstance(each, StoreError))
            assert error.failure is StoreFailure.IN_USE
            assert not first.server.shares_folder
            assert await status_of(first) == 200
        assert not await asyncio.to_thread(is_in_use, home / "store")


@pytest.mark.expects_log("store_unavailable", "ledger_not_written", "bookings_lost")
async def test_one_without_budgets_runs_beside_the_first_and_touches_nothing_of_it(home: Path) -> None:
    async with AsyncExitStack() as stack:
        first = await begin(stack, home)
        assert isinstance(first, Running)
        assert await status_of(first) == 200
        uploading = home / "files" / "0123.part"
        uploading.touch()
        second = await begin(stack, home, FREE)
        assert isinstance(second, Running)
        assert second.server.shares_folder
        assert await status_of(second) == 200
        assert uploading.exists()


@pytest.mark.expects_log("store_unavailable", "ledger_not_written", "bookings_lost")
async def test_a_budget_that_comes_all_the_same_refuses_with_the_way_out(home: Path) -> None:
    async with AsyncExitStack() as stack:
        await begin(stack, home)
        second = await begin(stack, home, FREE)
        assert isinstance(second, Running)
        second.server.apply(LIMITED)
        async with second.post() as response:
            assert response.status == 500
            message = (await response.json())["error"]["message"]
    assert message.startswith("Another Signalbox is using this data folder. End that one, or ")
    assert message.endswith("set SIGNALBOX_HOME.")


@pytest.mark.expects_log("store_unavailable", "ledger_not_written")
async def test_when_the_first_has_ended_the_second_has_the_folder(home: Path) -> None:
    async with AsyncExitStack() as stack:
        async with AsyncExitStack() as earlier:
            await begin(earlier, home)
            second = await begin(stack, home, FREE)
            assert isinstance(second, Running)
            async with second.post(path="/v1/messages/batches") as response:
                assert response.status == 500
        async with second.post(path="/v1/messages/batches") as response:
            assert response.status == 400
        assert not second.server.shares_folder
        second.server.apply(LIMITED)
        assert await status_of(second) == 200


async def test_one_whose_port_is_taken_does_not_keep_the_folder(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = proxy_config("one")
        taken = replace(taken, server=replace(taken.server, port=other.getsockname()[1]))
        with pytest.raises(OSError, match="address already in use") as caught:
            async with running({"one": ScriptedUpstream()}, taken, storage=StorageConfig(home)):
                pass
        assert caught.value.errno == errno.EADDRINUSE
    assert not await asyncio.to_thread(is_in_use, home)


async def test_a_stopped_one_does_not_open_its_data_again_for_whoever_asks_late(home: Path) -> None:
    async with AsyncExitStack() as stack:
        first = await begin(stack, home)
        assert isinstance(first, Running)
        assert await first.server.decisions() == []
        await first.server.stop(0)
        await first.server.decisions()
        assert not await asyncio.to_thread(is_in_use, home)
        second = await begin(stack, home)
        assert isinstance(second, Running)
        assert await status_of(second) == 200
