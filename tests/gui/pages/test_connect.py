"""Connect: the two lines, and tokens that are made, shown once, and revoked with a question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.dialogs.token_dialogs import NewTokenDialog, RevokeDialog, TokenDialog
from gui.pages.connect import ConnectPage
from gui.pages.page import Room
from tests.gui.acting import click_cell, dialog_of, key, press, shown, type_into
from tests.gui.fake_desk import FakeDesk


@pytest.fixture
def show(qtbot: QtBot, make_room: Callable[[FakeDesk], Room]) -> Callable[[FakeDesk], ConnectPage]:
    return lambda desk: shown(qtbot, ConnectPage(make_room(desk)), 900, 640)


@pytest.fixture
def page(show: Callable[[FakeDesk], ConnectPage], desk: FakeDesk) -> ConnectPage:
    return show(desk)


def test_the_lines_are_copied_with_the_token_and_shown_without(page: ConnectPage):
    assert "••••" in page.connect_card.lines.text()
    press(page.connect_card.copy_lines)
    assert "local-token-of-the-test" in QGuiApplication.clipboard().text()


def test_both_lines_can_be_read_in_a_low_window(qtbot: QtBot, room: Room):
    page = shown(qtbot, ConnectPage(room), 660, 380)
    lines = page.connect_card.lines
    assert lines.height() >= lines.sizeHint().height()
    assert page.area.verticalScrollBar().maximum() > 0


def test_tokens_are_listed_with_limits_and_cost(page: ConnectPage):
    assert page.table.row_text(1).split("\t") == [
        "phone",
        "sbx" + "_77fe…",
        "small, draft",
        "website",
        "$0.50",
        "none",
        "$0",
        "not this month",
        "2026-11-14",
    ]


def test_a_token_is_made_and_shown_once(qtbot: QtBot, page: ConnectPage, desk: FakeDesk):
    press(page.add)
    dialog = dialog_of(TokenDialog)
    press(dialog.save_button)
    assert dialog.banner.title == "A name is missing"
    type_into(dialog.name, "tablet")
    type_into(dialog.day, "2,5")
    key(dialog.aliases["small"], Qt.Key.Key_Space)
    dialog.workspace.setCurrentText("notes")
    with qtbot.waitSignal(page.room.bridge.token_created):
        press(dialog.save_button)
    shown = dialog_of(NewTokenDialog)
    press(shown.copy)
    assert QGuiApplication.clipboard().text() == "sbx" + "_tablet-made-up"
    press(shown.close_button)
    made = desk.token_list[-1]
    assert (made.name, made.day_usd, made.month_usd, made.aliases) == ("tablet", 2.5, None, ("small",))
    assert made.workspace == "notes"
    chosen = page.chosen()
    assert chosen is not None
    assert chosen.name == "tablet"


def test_a_token_can_be_made_however_many_aliases_there_are(
    qtbot: QtBot, show: Callable[[FakeDesk], ConnectPage], desk: FakeDesk
):
    desk.alias_list = [replace(desk.alias_list[0], name=f"alias-{n}") for n in range(45)]
    page = show(desk)
    page.open_add()
    dialog = dialog_of(TokenDialog)
    dialog.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is dialog)
    assert dialog.height() <= dialog.screen().availableGeometry().height()
    for part in (dialog.workspace, dialog.save_button):
        assert not part.visibleRegion().isEmpty()
    last = dialog.aliases["alias-44"]
    assert last.visibleRegion().isEmpty()
    dialog.workspace.setFocus()
    key(dialog.workspace, Qt.Key.Key_Tab, Qt.KeyboardModifier.ShiftModifier)
    assert dialog.focusWidget() is last
    assert not last.visibleRegion().isEmpty()


@pytest.mark.parametrize("text", ["much", "-1", "0", "nan", "inf"])
def test_a_limit_must_be_an_amount(page: ConnectPage, desk: FakeDesk, text: str):
    press(page.add)
    dialog = dialog_of(TokenDialog)
    type_into(dialog.name, "tablet")
    type_into(dialog.month, text)
    press(dialog.save_button)
    assert dialog.banner.title == "This is no amount"
    assert desk.calls == []


def test_a_refused_token_keeps_the_dialog_open(page: ConnectPage, desk: FakeDesk):
    desk.refusal = "There is a token laptop already."
    press(page.add)
    dialog = dialog_of(TokenDialog)
    type_into(dialog.name, "laptop")
    press(dialog.save_button)
    assert dialog.banner.title == "Not made"


def test_revoking_asks_first_with_the_focus_on_cancel(qtbot: QtBot, page: ConnectPage, desk: FakeDesk):
    click_cell(page.table, 1)
    key(page.table, Qt.Key.Key_Delete)
    dialog = dialog_of(RevokeDialog)
    assert dialog.focusWidget() is dialog.cancel_button
    press(dialog.cancel_button)
    assert desk.calls == []
    press(page.revoke)
    with qtbot.waitSignal(page.room.bridge.tokens_changed):
        press(dialog_of(RevokeDialog).save_button)
    assert desk.calls == ["revoke_token phone"]
    assert [token.name for token in desk.token_list] == ["laptop"]


def test_without_tokens_there_is_a_sentence_and_a_button(
    show: Callable[[FakeDesk], ConnectPage], empty_desk: FakeDesk
):
    page = show(empty_desk)
    assert not page.revoke.isVisible()
    press(page.empty_add)
    assert dialog_of(TokenDialog).isVisible()
