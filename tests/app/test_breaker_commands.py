"""`signalbox breakers`, asked of a running program over its control channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.breaker_commands import list_breakers, reset_breakers
from app.control_answers import answers
from app.exit_codes import FAILED, OK
from app.instance import ControlChannel
from gui.desk import ActionDone
from proxy.events import BreakerChanged
from tests.app.controller_bench import OPENROUTER, Bench, Make


@pytest.fixture
async def bench(make: Make) -> AsyncIterator[Bench]:
    """A program that runs without a window and leaves two models alone."""
    bench = make(settings=OPENROUTER)
    await bench.controller.start()
    bench.servers[0].resting += [
        BreakerChanged("one", "big", "open", "5 failures in a row", 41.6),
        BreakerChanged("one", "small", "half_open", "it asked for a pause", 1.0),
    ]
    channel = ControlChannel(bench.folders.runtime, answers(bench.controller, has_window=False))
    assert await channel.claim()
    yield bench
    await channel.close()


async def test_what_is_left_alone_is_listed_with_why_and_how_long(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(list_breakers, bench.folders) == OK
    assert capsys.readouterr().out == (
        "one  big  rests for 42 s  (5 failures in a row)\n"
        "one  small  is being tried  (it asked for a pause)\n"
    )
    bench.servers[0].resting = [BreakerChanged("one", "big", "open", "5 failures in a row", 0.0)]
    assert await asyncio.to_thread(list_breakers, bench.folders) == OK
    assert "one  big  is tried with the next request  (5" in capsys.readouterr().out


async def test_one_model_or_all_of_a_provider_are_tried_again(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(reset_breakers, bench.folders, "one", "small") == OK
    assert [each.model for each in bench.servers[0].resting] == ["big"]
    await bench.until(ActionDone, lambda done: done.text == "small of one is tried again")
    assert await asyncio.to_thread(reset_breakers, bench.folders, "one", None) == OK
    assert bench.servers[0].resting == []
    assert await asyncio.to_thread(list_breakers, bench.folders) == OK
    assert capsys.readouterr().err == (
        "signalbox: tried again with the next request\n" * 2 + "signalbox: No model is left alone.\n"
    )


async def test_what_is_not_left_alone_is_said(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("two", "opnrouter", "openrouter"):
        assert await asyncio.to_thread(reset_breakers, bench.folders, name, None) == FAILED
    await bench.controller.shutdown()
    assert bench.controller.breakers() == ()
    assert await asyncio.to_thread(reset_breakers, bench.folders, "one", None) == FAILED
    assert capsys.readouterr().err == (
        "signalbox: there is no provider 'two'\nsignalbox: there is no provider 'opnrouter'; did you mean "
        "'openrouter'?\nsignalbox: nothing of openrouter is left alone\nsignalbox: the proxy does not run\n"
    )


def test_without_a_running_program_it_says_so(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    folders = make().folders
    assert (list_breakers(folders), reset_breakers(folders, "one", None)) == (FAILED, FAILED)
    assert "Signalbox does not run" in capsys.readouterr().err
