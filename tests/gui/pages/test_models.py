"""Aliases are edited and removed, and a name is tried out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.desk import AliasView, CandidateView
from gui.dialogs.alias_dialog import AliasDialog
from gui.pages.models import ModelsPage
from gui.pages.page import Room
from tests.gui.acting import click_cell, dialog_of, key, press, press_named, shown, type_into, write
from tests.gui.fake_desk import FakeDesk


@pytest.fixture
def show(qtbot: QtBot, make_room: Callable[[FakeDesk], Room]) -> Callable[[FakeDesk], ModelsPage]:
    return lambda desk: shown(qtbot, ModelsPage(make_room(desk)), 900, 620)


@pytest.fixture
def page(show: Callable[[FakeDesk], ModelsPage], desk: FakeDesk) -> ModelsPage:
    return show(desk)


def test_an_alias_is_edited_by_keyboard_alone(qtbot: QtBot, page: ModelsPage, desk: FakeDesk):
    click_cell(page.table, 1)
    key(page.table, Qt.Key.Key_Return)
    dialog = dialog_of(AliasDialog)
    key(dialog.match, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    key(dialog.match, Qt.Key.Key_Return)
    type_into(dialog.match, "gpt-*-mini")
    write(dialog.candidates.rows[0].model, "x/y")
    with qtbot.waitSignal(page.room.bridge.aliases_changed):
        key(dialog.candidates.rows[0].model, Qt.Key.Key_Return)
    assert desk.alias_list[1] == AliasView(
        "small", ("claude-*haiku*", "gpt-*-mini"), (CandidateView("openrouter", "x/y"),)
    )
    assert page.table.model().index(1, 1).data() == "claude-*haiku*, gpt-*-mini"


def test_candidates_are_added_moved_and_dropped(qtbot: QtBot, page: ModelsPage, desk: FakeDesk):
    click_cell(page.table, 0)
    press(page.edit)
    dialog = dialog_of(AliasDialog)
    press(dialog.candidates.add)
    dialog.candidates.rows[2].provider.setCurrentText("claude")
    type_into(dialog.candidates.rows[2].model, "claude-opus-4")
    press_named(qtbot, dialog, "Move candidate 3 up")
    press_named(qtbot, dialog, "Remove candidate 1")
    press(dialog.save_button)
    assert desk.alias_list[0].candidates == (
        CandidateView("claude", "claude-opus-4"),
        CandidateView("local", "qwen3-coder:30b"),
    )


def test_a_new_alias_needs_a_name_and_somebody_to_serve_it(qtbot: QtBot, page: ModelsPage, desk: FakeDesk):
    press(page.add)
    dialog = dialog_of(AliasDialog)
    press(dialog.save_button)
    assert dialog.banner.title == "A name is missing"
    write(dialog.name, "tiny")
    press(dialog.save_button)
    assert dialog.banner.title == "Nobody serves it"
    assert desk.calls == []
    type_into(dialog.candidates.rows[0].model, "m")
    press(dialog.save_button)
    assert desk.alias_list[-1] == AliasView("tiny", (), (CandidateView("openrouter", "m"),))
    chosen = page.chosen()
    assert chosen is not None
    assert chosen.name == "tiny"


def test_a_renamed_alias_stays_the_chosen_one_once_it_is_saved(
    qtbot: QtBot, page: ModelsPage, desk: FakeDesk
):
    desk.is_slow = True
    click_cell(page.table, 1)
    press(page.edit)
    dialog = dialog_of(AliasDialog)
    write(dialog.name, "tiny")
    press(dialog.save_button)
    with qtbot.waitSignal(page.room.bridge.aliases_changed):
        desk.release()
    chosen = page.chosen()
    assert chosen is not None
    assert chosen.name == "tiny"


def test_a_removal_that_is_refused_says_why(qtbot: QtBot, page: ModelsPage, desk: FakeDesk):
    desk.refusal = "there is no alias 'big'"
    press(page.remove)
    assert page.undo.title == "big was not removed"
    assert page.undo.action_buttons() == []


def test_cancel_changes_nothing(qtbot: QtBot, page: ModelsPage, desk: FakeDesk):
    press(page.edit)
    dialog = dialog_of(AliasDialog)
    write(dialog.name, "other")
    key(dialog, Qt.Key.Key_Escape)
    assert desk.calls == []


def test_a_removed_alias_comes_back_by_undo(qtbot: QtBot, page: ModelsPage, desk: FakeDesk):
    with qtbot.waitSignal(page.room.bridge.aliases_changed):
        press(page.remove)
    press_named(qtbot, page.undo, "Undo")
    assert desk.calls == ["remove_alias big", "restore_alias big"]


def test_a_name_is_tried_while_it_is_typed(qtbot: QtBot, page: ModelsPage):
    type_into(page.resolve.field, "claude-opus-9")
    assert page.resolve.answer.text().endswith("openrouter / anthropic/claude-sonnet-4")
    write(page.resolve.field, "gpt-5")
    assert "404" in page.resolve.answer.text()
    assert page.resolve.answer.property("tone") == "danger"


def test_the_tried_name_is_asked_again_when_aliases_change(qtbot: QtBot, page: ModelsPage, desk: FakeDesk):
    type_into(page.resolve.field, "claude-haiku-4-5")
    assert "small" in page.resolve.answer.text()
    with qtbot.waitSignal(page.room.bridge.aliases_changed):
        desk.remove_alias("small")
    assert "404" in page.resolve.answer.text()


def test_without_aliases_there_is_a_sentence_and_a_button(
    qtbot: QtBot, show: Callable[[FakeDesk], ModelsPage], empty_desk: FakeDesk
):
    page = show(empty_desk)
    press(page.empty_add)
    assert dialog_of(AliasDialog).isVisible()
