"""The bridge turns any burst into few signals, keeps to its bounds and counts what it drops."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from gui import bridge as bridge_module
from gui.bridge import Bridge
from gui.desk import (
    ActionDone,
    ActionFailed,
    LogsAppended,
    ProvidersChanged,
    ProxyPhase,
    ProxyState,
    ProxyStateChanged,
    ShowWindow,
)
from proxy.events import Exchange, FirstToken
from tests.gui.acting import heard
from tests.gui.fake_desk import FakeDesk
from tests.gui.scenes import log_lines, request_events


@pytest.fixture
def bridge(empty_desk: FakeDesk, qtbot: QtBot) -> Iterator[Bridge]:
    made = Bridge(empty_desk)
    yield made
    made.close()


def test_a_thousand_batches_of_lines_arrive_as_one_signal(qtbot: QtBot, empty_desk: FakeDesk, bridge: Bridge):
    lines = log_lines(10)
    told = heard(bridge.logs_appended)
    with qtbot.waitSignal(bridge.logs_appended):
        for _ in range(1000):
            empty_desk.announce(LogsAppended(tuple(lines)))
    assert [(len(batch), dropped) for batch, dropped in told] == [(10_000, 0)]


def test_lines_beyond_the_bound_are_dropped_from_the_front_and_counted(qtbot: QtBot, bridge: Bridge):
    lines = log_lines(bridge_module.MAX_LINES + 7)
    told = heard(bridge.logs_appended)
    with qtbot.waitSignal(bridge.logs_appended):
        bridge.take(LogsAppended(tuple(lines), dropped=3))
    assert told == [(tuple(lines[7:]), 10)]


def test_request_events_beyond_the_bound_are_counted(qtbot: QtBot, bridge: Bridge):
    told = heard(bridge.requests_advanced)
    with qtbot.waitSignal(bridge.requests_advanced):
        for n in range(bridge_module.MAX_REQUEST_EVENTS + 5):
            bridge.take(FirstToken(f"req_{n}", 0.1))
    assert len(told[0][0]) == bridge_module.MAX_REQUEST_EVENTS
    assert bridge.request_events_dropped == 5


def test_request_events_keep_their_order_and_come_without_exchanges(qtbot: QtBot, bridge: Bridge):
    events = request_events(30)
    told: list[object] = []
    bridge.requests_advanced.connect(told.append)
    bridge.exchange_kept.connect(told.append)
    with qtbot.waitSignal(bridge.exchange_kept):
        for event in (*events, Exchange("req_0003")):
            bridge.take(event)
    assert told == [tuple(events), "req_0003"]


def test_only_the_last_of_many_states_is_told(qtbot: QtBot, bridge: Bridge):
    heard: list[ProxyState] = []
    bridge.state_changed.connect(heard.append)
    last = ProxyState(ProxyPhase.RUNNING, "http://127.0.0.1:1")
    with qtbot.waitSignal(bridge.state_changed):
        for n in range(50):
            bridge.take(ProxyStateChanged(ProxyState(ProxyPhase.RUNNING, active_requests=n)))
        bridge.take(ProxyStateChanged(last))
    assert heard == [last]


def test_what_changed_is_told_once_and_answers_in_order(qtbot: QtBot, bridge: Bridge):
    told: list[str] = []
    bridge.providers_changed.connect(lambda: told.append("providers"))
    done, failed = heard(bridge.action_done), heard(bridge.action_failed)
    with qtbot.waitSignal(bridge.show_requested):
        for event in (
            ProvidersChanged(),
            ActionDone("a"),
            ProvidersChanged(),
            ActionFailed("b", ""),
            ShowWindow(),
        ):
            bridge.take(event)
    bridge.flush()
    assert told == ["providers"]
    assert (done, failed) == ([("a",)], [("b", "")])


def test_a_closed_bridge_hears_nothing(qtbot: QtBot, empty_desk: FakeDesk, bridge: Bridge):
    bridge.take(ProvidersChanged())
    bridge.close()
    assert empty_desk.listeners == []
    with qtbot.assertNotEmitted(bridge.providers_changed, wait=2 * bridge_module.INTERVAL_MS):
        empty_desk.announce(ProvidersChanged())
