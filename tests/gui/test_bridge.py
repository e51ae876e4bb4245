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
from gui.models.requests import RequestsModel
from gui.permission_desk import (
    ApprovalsChanged,
    CallDraft,
    CallTried,
    HistoryRead,
    PermissionsChanged,
    TryView,
    WorkspacesChanged,
)
from proxy.events import ApprovalAsked, ApprovalEnded, BreakerChanged, Exchange, FirstToken, ToolDecided
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


def test_while_lists_are_long_they_wait_longer_and_answers_do_not(
    qtbot: QtBot, empty_desk: FakeDesk, bridge: Bridge
):
    with qtbot.waitSignal(bridge.requests_advanced):
        empty_desk.announce(*request_events(30))
    told: list[str] = []
    bridge.requests_advanced.connect(lambda: told.append("list"))
    bridge.action_done.connect(lambda: told.append("answer"))
    with qtbot.waitSignals([bridge.requests_advanced, bridge.action_done]):
        empty_desk.announce(FirstToken("req_0001", 0.1), ActionDone("a"))
    assert told == ["answer", "list"]
    with qtbot.waitSignal(bridge.requests_advanced):
        empty_desk.announce(FirstToken("req_0002", 0.1))
    assert told == ["answer", "list", "list"]


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
    with qtbot.assertNotEmitted(bridge.providers_changed, wait=2 * bridge_module.INTERVAL_MS):
        pass
    assert told == ["providers"]
    assert (done, failed) == ([("a",)], [("b", "")])


def test_a_closed_bridge_hears_nothing(qtbot: QtBot, empty_desk: FakeDesk, bridge: Bridge):
    bridge.take(ProvidersChanged())
    bridge.close()
    assert empty_desk.listeners == []
    with qtbot.assertNotEmitted(bridge.providers_changed, wait=2 * bridge_module.INTERVAL_MS):
        empty_desk.announce(ProvidersChanged())


def test_what_tools_do_is_batched_and_a_flood_of_approvals_is_one_word(
    qtbot: QtBot, empty_desk: FakeDesk, bridge: Bridge
):
    decided = heard(bridge.tools_decided)
    asked, ended = heard(bridge.approvals_changed), heard(bridge.approval_ended)
    decision = ToolDecided("req_1", 1.0, "toolu", "Bash", "{}", "client", "deny", "", None, None, "rule")
    end = ApprovalEnded("apr_1", "req_1", "Bash", "deny", "expiry")
    with qtbot.waitSignal(bridge.tools_decided):
        for _ in range(500):
            empty_desk.announce(ApprovalAsked("apr_1", "req_1", "Bash"), ApprovalsChanged(), decision)
        empty_desk.announce(end)
    assert [len(batch) for (batch,) in decided] == [500]
    assert asked == [()]
    assert ended == [(end,)]


def test_what_was_decided_in_the_batch_that_brings_its_request_is_kept_with_it(
    qtbot: QtBot, empty_desk: FakeDesk, bridge: Bridge
):
    rows = RequestsModel()
    rows.follow(bridge)
    decision = ToolDecided("req_0000", 1.0, "toolu", "Bash", "{}", "client", "deny", "", None, None, "rule")
    with qtbot.waitSignals([bridge.requests_advanced, bridge.tools_decided]):
        empty_desk.announce(decision, *request_events(1))
    assert rows.request(0).decided == [decision]


def test_only_the_last_answer_and_the_last_state_of_each_breaker_are_told(
    qtbot: QtBot, empty_desk: FakeDesk, bridge: Bridge
):
    history, tried, breakers = (
        heard(bridge.history_read),
        heard(bridge.call_tried),
        heard(bridge.breaker_changed),
    )
    answers = [CallTried(CallDraft("Bash", str(n)), TryView("ask", "", None, None)) for n in range(3)]
    states = [BreakerChanged("p", "m", state, "", 0.0) for state in ("open", "half_open", "closed")]
    with qtbot.waitSignal(bridge.breaker_changed):
        empty_desk.announce(HistoryRead(()), *answers, *states, PermissionsChanged(), WorkspacesChanged())
    assert history == [((),)]
    assert tried == [(answers[-1],)]
    assert breakers == [(states[-1],)]
