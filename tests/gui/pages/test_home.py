"""Home says whether it runs, how to connect, and who answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gui.desk import Problem, ProxyPhase, ProxyState
from gui.dialogs.repeats_dialog import RepeatsDialog
from gui.pages.home import HomePage
from gui.pages.page import Room
from tests.gui.acting import dialog_of, heard, key, press, press_named, shown, write
from tests.gui.fake_desk import URL, FakeDesk
from tests.gui.scenes import RUNNING, START, request_events


@pytest.fixture
def show(qtbot: QtBot, make_room: Callable[[FakeDesk], Room]) -> Callable[[FakeDesk], HomePage]:
    return lambda desk: shown(qtbot, HomePage(make_room(desk), clock=lambda: START), 860, 620)


def _texts(page: HomePage) -> list[str]:
    return [one.text() for one in page.findChildren(QLabel) if one.isVisible()]


def test_a_running_proxy_shows_address_uptime_and_active_requests(
    show: Callable[[FakeDesk], HomePage], desk: FakeDesk
):
    page = show(desk)
    assert page.chip.text == "Running"
    assert URL in page.sentence.text()
    assert page.facts.text() == "Up for 1 h 12 min  ·  2 requests active"
    assert not page.start.isVisible()


def test_the_token_is_masked_on_screen_and_copied_in_full(
    qtbot: QtBot, show: Callable[[FakeDesk], HomePage], desk: FakeDesk
):
    page = show(desk)
    secret = desk.connect_lines().shell.get_secret_value()
    press(page.copy_lines)
    assert QGuiApplication.clipboard().text() == secret
    assert page.copy_lines.text() == "Copied"
    assert not any("local-token-of-the-test" in text for text in _texts(page))
    assert "••••" in page.lines.text()


def test_the_lines_cannot_be_copied_before_the_proxy_runs(
    show: Callable[[FakeDesk], HomePage], empty_desk: FakeDesk
):
    assert not show(empty_desk).copy_lines.isEnabled()


def test_a_stopped_proxy_is_started_by_its_button(
    qtbot: QtBot, show: Callable[[FakeDesk], HomePage], empty_desk: FakeDesk
):
    page = show(empty_desk)
    with qtbot.waitSignal(page.room.bridge.state_changed):
        press(page.start)
    assert empty_desk.calls == ["start_proxy"]
    assert page.chip.text == "Running"


def test_a_failed_start_is_left_to_the_buttons_of_the_window_and_no_demo_answers(
    show: Callable[[FakeDesk], HomePage], empty_desk: FakeDesk
):
    problem = Problem("The proxy does not listen", "Port 4000 is in use.")
    empty_desk.state_now = ProxyState(ProxyPhase.FAILED, problems=(problem,), is_demo=True)
    page = show(empty_desk)
    assert page.chip.text == "Not running"
    assert not page.start.isVisible()
    assert not page.demo.isVisible()


def test_the_uptime_is_told_anew_when_its_next_minute_is_full(qtbot: QtBot, room: Room, desk: FakeDesk):
    started = desk.state_now.started_at
    assert started is not None
    now = [started + 59.9]
    page = shown(qtbot, HomePage(room, clock=lambda: now[0]), 900, 700)
    assert page.facts.text().startswith("Up for less than a minute")
    now[0] = started + 60
    qtbot.waitUntil(lambda: page.facts.text().startswith("Up for 1 min"), timeout=3000)


def test_the_demo_is_announced_in_plain_words_and_goes_with_the_first_provider(
    qtbot: QtBot, show: Callable[[FakeDesk], HomePage], empty_desk: FakeDesk
):
    empty_desk.state_now = ProxyState(ProxyPhase.RUNNING, URL, is_demo=True)
    page = show(empty_desk)
    assert page.demo.isVisible()
    assert "demo" in page.demo.title
    asked = heard(page.page_asked)
    press_named(qtbot, page.demo, "Add a provider")
    assert asked == [("providers",)]
    with qtbot.waitSignal(page.room.bridge.state_changed):
        empty_desk.set_state(RUNNING)
    assert not page.demo.isVisible()


def test_every_provider_stands_there_with_its_key_in_words(
    show: Callable[[FakeDesk], HomePage], desk: FakeDesk
):
    texts = _texts(show(desk))
    assert {"openrouter", "claude", "local", "Key: missing", "Key: none needed"} <= set(texts)


def test_today_is_told_with_budgets(show: Callable[[FakeDesk], HomePage], desk: FakeDesk):
    page = show(desk)
    assert page.today.figures.text() == "214 requests  ·  1.3M tokens in  ·  34.1k out  ·  $1.83 (estimate)"
    assert "This month: $27.40. Requests of unknown price count against budgets with $0.020." in _texts(page)
    assert "$27.40 of $50.00, $0.120 more under way at most, begins anew on 2026-12-01" in _texts(page)
    assert "$0.500 of $0.50: used up, begins anew on 2026-11-23" in _texts(page)


def test_today_follows_requests_and_is_hidden_while_nothing_is_known(
    qtbot: QtBot, show: Callable[[FakeDesk], HomePage], desk: FakeDesk
):
    page = show(desk)
    assert desk.spending_now is not None
    desk.spending_now = replace(desk.spending_now, requests=1, is_estimate=False, unpriced_usd=0.0)
    desk.announce(*request_events(2))
    qtbot.waitUntil(lambda: page.today.figures.text().startswith("1 request  ·"))
    assert page.today.figures.text().endswith("$1.83")
    desk.spending_now = None
    with qtbot.waitSignal(page.room.bridge.state_changed):
        desk.stop_proxy()
    assert not page.today.isVisible()


def test_a_port_in_use_has_a_button_that_takes_another(
    qtbot: QtBot, show: Callable[[FakeDesk], HomePage], empty_desk: FakeDesk
):
    problem = Problem("The proxy does not listen", "Port 4000 on 127.0.0.1 is in use by other (process 7).")
    empty_desk.state_now = ProxyState(ProxyPhase.FAILED, problems=(problem,), is_port_in_use=True)
    page = show(empty_desk)
    assert "another program has its port" in page.sentence.text()
    with qtbot.waitSignal(page.room.bridge.state_changed):
        press(page.other_port)
    assert empty_desk.calls == ["use_another_port"]
    assert "4001" in page.sentence.text()
    assert not page.other_port.isVisible()


def test_where_something_else_failed_another_port_is_not_offered(
    show: Callable[[FakeDesk], HomePage], empty_desk: FakeDesk
):
    empty_desk.state_now = ProxyState(ProxyPhase.FAILED)
    assert not show(empty_desk).other_port.isVisible()


def test_how_often_a_request_may_be_repeated_stands_beside_the_budgets_and_is_changed_there(
    qtbot: QtBot, show: Callable[[FakeDesk], HomePage], desk: FakeDesk
):
    page = show(desk)
    before = "The very same request is served 5 times within 60 seconds, then it waits for your word."
    assert page.today.repeats.text() == before
    press(page.today.change_repeats)
    dialog = dialog_of(RepeatsDialog)
    assert (dialog.times.text(), dialog.seconds.text()) == ("5", "60")
    write(dialog.times, "8")
    write(dialog.seconds, "30")
    with qtbot.waitSignal(page.room.bridge.permissions_changed):
        press(dialog.save_button)
    assert desk.calls == ["set_loop_guard 8 30"]
    assert page.today.repeats.text() == before.replace("5 times within 60", "8 times within 30")


def test_the_loop_guard_is_switched_off_and_on_again_with_likely_numbers(
    qtbot: QtBot, show: Callable[[FakeDesk], HomePage], desk: FakeDesk
):
    page = show(desk)
    press(page.today.change_repeats)
    dialog = dialog_of(RepeatsDialog)
    key(dialog.is_on, Qt.Key.Key_Space)
    assert not dialog.times.isEnabled()
    with qtbot.waitSignal(page.room.bridge.permissions_changed):
        press(dialog.save_button)
    assert page.today.repeats.text().startswith("Off: a client may send")
    press(page.today.change_repeats)
    dialog = dialog_of(RepeatsDialog)
    key(dialog.is_on, Qt.Key.Key_Space)
    press(dialog.save_button)
    assert desk.calls == ["set_loop_guard 0 60", "set_loop_guard 5 60"]


@pytest.mark.parametrize(
    ("times", "seconds", "title"),
    [
        ("2.5", "60", "This is no number of times"),
        ("0", "60", "This is no number of times"),
        ("", "60", "This is no number of times"),
        ("5", "a minute", "These are no seconds"),
        ("5", "inf", "These are no seconds"),
        ("5", "-1", "These are no seconds"),
    ],
)
def test_what_is_no_number_is_not_saved(
    show: Callable[[FakeDesk], HomePage], desk: FakeDesk, times: str, seconds: str, title: str
):
    page = show(desk)
    press(page.today.change_repeats)
    dialog = dialog_of(RepeatsDialog)
    dialog.times.setText(times)
    dialog.seconds.setText(seconds)
    press(dialog.save_button)
    assert (dialog.banner.title, desk.calls) == (title, [])
    key(dialog.is_on, Qt.Key.Key_Space)
    assert not dialog.banner.isVisible()


def test_a_refusal_of_the_settings_is_shown_there(show: Callable[[FakeDesk], HomePage], desk: FakeDesk):
    desk.refusal = "loop_guard.per_s: input should be less than or equal to 3600"
    page = show(desk)
    press(page.today.change_repeats)
    dialog = dialog_of(RepeatsDialog)
    press(dialog.save_button)
    assert dialog.banner.title == "Not saved"
    assert dialog.isVisible()
