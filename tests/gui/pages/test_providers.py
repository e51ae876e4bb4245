"""Providers are added, keyed, tested, changed and removed by mouse and keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from gui.desk import ProviderTested, ProxyPhase, ProxyState
from gui.dialogs.provider_dialog import ProviderDialog
from gui.main_window import MainWindow
from gui.pages.page import Room
from gui.pages.providers import ProvidersPage
from proxy.events import BreakerChanged
from tests.gui.acting import click_cell, dialog_of, key, press, press_named, shown, type_into, write
from tests.gui.fake_desk import FakeDesk

KEY = "sk-or-" + "made-up-for-the-test-" + "9f3c"


@pytest.fixture
def show(qtbot: QtBot, make_room: Callable[[FakeDesk], Room]) -> Callable[[FakeDesk], ProvidersPage]:
    return lambda desk: shown(qtbot, ProvidersPage(make_room(desk)), 900, 620)


@pytest.fixture
def page(show: Callable[[FakeDesk], ProvidersPage], desk: FakeDesk) -> ProvidersPage:
    return show(desk)


def _shown(page: ProvidersPage) -> list[str]:
    labels = [one.text() for one in page.findChildren(QLabel)]
    return labels + [one.displayText() for one in page.findChildren(QLineEdit)]


def test_the_first_provider_is_added_with_nothing_but_a_key(
    qtbot: QtBot, show: Callable[[FakeDesk], ProvidersPage], empty_desk: FakeDesk
):
    page = show(empty_desk)
    press(page.empty_add)
    dialog = dialog_of(ProviderDialog)
    type_into(dialog.key, KEY)
    with qtbot.waitSignal(page.room.bridge.providers_changed):
        key(dialog.key, Qt.Key.Key_Return)
    assert empty_desk.calls == ["save_provider openrouter replaces None", "store_key openrouter"]
    assert empty_desk.keys == {"openrouter": KEY}
    assert page.table.isVisible()
    assert page.detail.key_words.text() == "••••9f3c  in the keyring (openrouter)"


def test_without_a_provider_the_page_says_who_answers(
    qtbot: QtBot, show: Callable[[FakeDesk], ProvidersPage], empty_desk: FakeDesk
):
    empty_desk.state_now = ProxyState(ProxyPhase.RUNNING, is_demo=True)
    assert any("until then the built-in demo answers" in text for text in _shown(show(empty_desk)))
    empty_desk.state_now = ProxyState(ProxyPhase.RUNNING)
    assert any("until then every request is refused" in text for text in _shown(show(empty_desk)))


def test_a_key_is_pasted_masked_stored_and_never_shown_again(
    qtbot: QtBot, page: ProvidersPage, desk: FakeDesk
):
    QGuiApplication.clipboard().setText(f"  {KEY}\n")
    press_named(qtbot, page.detail, "Paste the key")
    assert page.detail.key_field.line.displayText() == "●" * len(KEY)
    with qtbot.waitSignal(page.room.bridge.providers_changed):
        press(page.detail.key_field.save)
    assert desk.keys == {"openrouter": KEY}
    assert page.detail.key_field.line.text() == ""
    assert not any(KEY in text for text in _shown(page))


def test_a_typed_key_does_not_follow_to_another_provider(qtbot: QtBot, page: ProvidersPage, desk: FakeDesk):
    type_into(page.detail.key_field.line, KEY)
    click_cell(page.table, 1)
    assert page.detail.key_field.line.text() == ""
    assert desk.keys == {}


def test_a_provider_whose_key_is_not_ours_offers_no_field(qtbot: QtBot, page: ProvidersPage):
    assert page.detail.key_field.isVisible()
    click_cell(page.table, 1)
    assert not page.detail.key_field.isVisible()
    assert page.detail.problem.isVisible()


def test_a_test_says_what_it_does_and_what_it_found(qtbot: QtBot, page: ProvidersPage, desk: FakeDesk):
    desk.test_result = None
    press(page.detail.test)
    assert desk.calls == ["test_provider openrouter"]
    assert not page.detail.test.isEnabled()
    assert page.detail.test_words.text() == "Asking the provider…"
    found = ProviderTested("openrouter", is_ok=False, text="401: the key is not known there")
    with qtbot.waitSignal(page.room.bridge.provider_tested):
        desk.announce(found)
    assert page.detail.test_words.text() == found.text
    assert page.detail.test.isEnabled()
    assert page.table.model().index(0, 1).data() == "failed"


def test_a_running_test_is_remembered_when_another_provider_is_looked_at(
    qtbot: QtBot, page: ProvidersPage, desk: FakeDesk
):
    desk.test_result = None
    press(page.detail.test)
    click_cell(page.table, 2)
    assert page.detail.test.isEnabled()
    click_cell(page.table, 0)
    assert not page.detail.test.isEnabled()


def test_removing_asks_nothing_and_can_be_undone(qtbot: QtBot, page: ProvidersPage, desk: FakeDesk):
    with qtbot.waitSignal(page.room.bridge.providers_changed):
        press(page.detail.remove)
    assert [p.name for p in desk.provider_list] == ["claude", "local"]
    assert "Its key stays in the keyring" in page.undo.title
    with qtbot.waitSignal(page.room.bridge.providers_changed):
        press_named(qtbot, page.undo, "Undo")
    assert desk.calls == ["remove_provider openrouter", "restore_provider openrouter"]
    assert page.chosen() == desk.provider_list[-1]
    assert not page.undo.isVisible()


def test_a_new_provider_is_the_chosen_one_once_it_is_saved(qtbot: QtBot, page: ProvidersPage, desk: FakeDesk):
    desk.is_slow = True
    press(page.add)
    dialog = dialog_of(ProviderDialog)
    dialog.kind.setCurrentIndex(1)
    write(dialog.name, "new")
    write(dialog.url, "https://example.invalid")
    press(dialog.save_button)
    with qtbot.waitSignal(page.room.bridge.providers_changed):
        desk.release()
    chosen = page.chosen()
    assert chosen is not None
    assert chosen.name == "new"


def test_a_removal_that_is_refused_says_why_and_offers_no_undo(
    qtbot: QtBot, page: ProvidersPage, desk: FakeDesk
):
    desk.refusal = "openrouter is there because OPENROUTER_API_KEY is set"
    press(page.detail.remove)
    assert page.undo.title == "openrouter was not removed"
    assert page.undo.action_buttons() == []
    assert not page.undo.timer.isActive()


def test_delete_removes_the_chosen_row(qtbot: QtBot, page: ProvidersPage, desk: FakeDesk):
    click_cell(page.table, 2)
    key(page.table, Qt.Key.Key_Delete)
    assert desk.calls == ["remove_provider local"]


def test_the_undo_bar_leaves_by_itself(qtbot: QtBot, page: ProvidersPage):
    page.undo.timer.setInterval(1)
    with qtbot.waitSignal(page.undo.closed):
        press(page.detail.remove)
    assert not page.undo.isVisible()


def test_enter_presses_the_focused_button_and_not_save(qtbot: QtBot, page: ProvidersPage, desk: FakeDesk):
    page.add.setFocus()
    key(page.add, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.findChild(ProviderDialog) is not None)
    dialog = dialog_of(ProviderDialog)
    dialog.cancel_button.setFocus()
    with qtbot.waitSignal(dialog.rejected):
        key(dialog.cancel_button, Qt.Key.Key_Return)
    assert desk.calls == []


def test_enter_opens_the_editor_and_a_refusal_keeps_it_open(
    qtbot: QtBot, page: ProvidersPage, desk: FakeDesk
):
    desk.refusal = "there is a provider 'local' already; choose another name"
    key(page.table, Qt.Key.Key_Return)
    dialog = dialog_of(ProviderDialog)
    write(dialog.name, "local")
    press(dialog.save_button)
    assert dialog.isVisible()
    assert dialog.banner.isVisible()
    desk.refusal = None
    press(dialog.save_button)
    assert desk.calls[-1] == "save_provider local replaces openrouter"


def test_an_edit_that_leaves_the_keys_source_alone_keeps_it(
    qtbot: QtBot, page: ProvidersPage, desk: FakeDesk
):
    desk.provider_list[2] = replace(desk.provider_list[2], key_source="file /run/secrets/key", has_key=True)
    page.refresh()
    click_cell(page.table, 2)
    page.open_edit()
    dialog = dialog_of(ProviderDialog)
    write(dialog.url, "http://127.0.0.1:1/v1")
    press(dialog.save_button)
    kept = desk.provider_list[2]
    assert (kept.base_url, kept.key_source) == ("http://127.0.0.1:1/v1", "file /run/secrets/key")


@pytest.mark.parametrize(
    ("name", "url", "wrong"),
    [("", "http://x", "A name is missing"), ("x", "", "The address is missing")],
)
def test_what_is_missing_is_said_before_anything_is_saved(
    qtbot: QtBot, page: ProvidersPage, desk: FakeDesk, name: str, url: str, wrong: str
):
    press(page.add)
    dialog = dialog_of(ProviderDialog)
    dialog.kind.setCurrentIndex(1)
    write(dialog.name, name)
    write(dialog.url, url)
    press(dialog.save_button)
    assert dialog.banner.title == wrong
    assert desk.calls == []
    press(dialog.cancel_button)


def test_a_key_in_a_variable_is_named_and_not_typed(qtbot: QtBot, page: ProvidersPage, desk: FakeDesk):
    press(page.add)
    dialog = dialog_of(ProviderDialog)
    dialog.kind.setCurrentIndex(2)
    write(dialog.name, "direct")
    write(dialog.url, "https://example.invalid")
    dialog.source.setCurrentIndex(1)
    assert not dialog.key.isVisible()
    write(dialog.variable, "MY_KEY")
    press(dialog.save_button)
    assert desk.provider_list[-1].key_source == "environment variable MY_KEY"
    assert desk.provider_list[-1].dialect == "anthropic-messages"
    assert desk.keys == {}


def test_a_model_that_is_left_alone_is_told_until_it_serves_again(
    qtbot: QtBot, page: ProvidersPage, desk: FakeDesk
):
    with qtbot.waitSignal(page.room.bridge.breaker_changed):
        desk.set_breaker(
            BreakerChanged("openrouter", "anthropic/claude-sonnet-4", "open", "5 failures in a row", 48.0)
        )
    assert page.table.row_text(0).split("\t")[:2] == ["openrouter", "1 model rests"]
    assert page.detail.resting.title == "Left alone after failures"
    words = " ".join(each.text() for each in page.detail.resting.findChildren(QLabel))
    assert re.search(r"claude-sonnet-4: rests until \d\d:\d\d:\d\d\. 5 failures in a row\.", words)
    with qtbot.waitSignal(page.room.bridge.breaker_changed):
        desk.set_breaker(BreakerChanged("openrouter", "anthropic/claude-sonnet-4", "half_open", "", 0.0))
    texts = [each.text() for each in page.detail.resting.findChildren(QLabel)]
    assert "anthropic/claude-sonnet-4: one request tries it now." in texts
    with qtbot.waitSignal(page.room.bridge.breaker_changed):
        desk.set_breaker(BreakerChanged("openrouter", "anthropic/claude-sonnet-4", "closed", "", 0.0))
    assert page.table.row_text(0).split("\t")[:2] == ["openrouter", "not tested"]
    assert not page.detail.resting.isVisible()


def test_what_rests_is_not_cut_off(qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk):
    with qtbot.waitSignal(room.bridge.breaker_changed):
        for model in ("a", "b"):
            desk.set_breaker(BreakerChanged("local", model, "open", "it asked for a pause", 600.0))
    window.show_page("providers")
    table = window.pages.providers.table
    QApplication.processEvents()
    index = table.model().index(2, 1)
    assert index.data() == "2 models rest"
    assert table.columnWidth(1) >= table.sizeHintForIndex(index).width()


def test_models_that_are_left_alone_are_tried_again_at_the_press_of_a_button(
    qtbot: QtBot, page: ProvidersPage, desk: FakeDesk
):
    assert not page.detail.reset.isVisible()
    with qtbot.waitSignal(page.room.bridge.breaker_changed):
        desk.set_breaker(BreakerChanged("openrouter", "m", "open", "it asked for a pause", 600.0))
    press(page.detail.reset)
    assert desk.calls[-1] == "reset_breakers openrouter"
    desk.refusal = "the proxy does not run"
    press(page.detail.reset)
    texts = [each.text() for each in page.detail.resting.findChildren(QLabel)]
    assert "the proxy does not run" in texts
    with qtbot.waitSignal(page.room.bridge.breaker_changed):
        desk.set_breaker(BreakerChanged("openrouter", "m", "closed", "", 0.0))
    assert not page.detail.reset.isVisible()


def test_what_rested_is_forgotten_with_the_proxy_that_left_it_alone(
    qtbot: QtBot, page: ProvidersPage, desk: FakeDesk
):
    with qtbot.waitSignal(page.room.bridge.breaker_changed):
        desk.set_breaker(BreakerChanged("openrouter", "m", "open", "it asked for a pause", 600.0))
    assert page.detail.resting.isVisible()
    desk.breaker_list.clear()
    with qtbot.waitSignal(page.room.bridge.state_changed):
        desk.stop_proxy()
    assert page.table.row_text(0).split("\t")[:2] == ["openrouter", "not tested"]
    assert not page.detail.resting.isVisible()


def test_a_refresh_tells_what_rests_by_then(page: ProvidersPage, desk: FakeDesk):
    desk.breaker_list = [BreakerChanged("openrouter", "m", "open", "it asked for a pause", 600.0)]
    page.refresh()
    assert page.table.row_text(0).split("\t")[:2] == ["openrouter", "1 model rests"]
    assert page.detail.resting.isVisible()


def test_a_rest_that_is_over_is_told_without_a_word_from_the_proxy(
    qtbot: QtBot, page: ProvidersPage, desk: FakeDesk
):
    desk.breaker_list = [BreakerChanged("openrouter", "m", "open", "it asked for a pause", 0.01)]
    with qtbot.waitSignal(page.rested.timeout):
        page.refresh()
        desk.breaker_list = [BreakerChanged("openrouter", "m", "open", "it asked for a pause", 0.0)]
    texts = [each.text() for each in page.detail.resting.findChildren(QLabel)]
    assert "m: is tried with the next request. It asked for a pause." in texts
    assert not page.rested.isActive()
