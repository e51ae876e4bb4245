"""Aliases are edited and removed, and a name is tried out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from gui.desk import AliasView, CandidateView
from gui.dialogs.alias_dialog import AliasDialog
from gui.pages.models import ModelsPage
from gui.pages.page import Room
from gui.spending import PricesChanged
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


DEAR = (
    "claude / opus costs more than openrouter / sonnet and would be skipped "
    "($75 a million tokens against $15 a million tokens)."
)


def texts(dialog: AliasDialog) -> list[str]:
    return [each.text() for each in dialog.dearer.findChildren(QLabel)]


@pytest.fixture
def dialog(page: ModelsPage, desk: FakeDesk) -> AliasDialog:
    desk.prices = {"sonnet": 15, "opus": 75, "haiku": 5}
    desk.alias_list[0] = AliasView(
        "big", (), (CandidateView("openrouter", "sonnet"), CandidateView("claude", "opus"))
    )
    page.refresh()
    click_cell(page.table, 0)
    press(page.edit)
    return dialog_of(AliasDialog)


def test_a_dearer_candidate_is_warned_of_until_the_box_is_ticked(dialog: AliasDialog, desk: FakeDesk):
    assert dialog.dearer.isVisible()
    assert DEAR in texts(dialog)
    dialog.may_be_dearer.setFocus()
    key(dialog.may_be_dearer, Qt.Key.Key_Space)
    assert not dialog.dearer.isVisible()
    press(dialog.save_button)
    assert desk.alias_list[0].falls_back_to_dearer


def test_the_box_shows_what_is_set_and_takes_it_back(qtbot: QtBot, page: ModelsPage, desk: FakeDesk):
    desk.prices = {"sonnet": 15, "opus": 75}
    candidates = CandidateView("openrouter", "sonnet"), CandidateView("claude", "opus")
    desk.alias_list[0] = AliasView("big", (), candidates, falls_back_to_dearer=True)
    page.refresh()
    click_cell(page.table, 0)
    press(page.edit)
    dialog = dialog_of(AliasDialog)
    assert dialog.may_be_dearer.isChecked()
    assert not dialog.dearer.isVisible()
    dialog.may_be_dearer.setFocus()
    key(dialog.may_be_dearer, Qt.Key.Key_Space)
    assert DEAR in texts(dialog)
    press(dialog.save_button)
    assert desk.alias_list[0] == AliasView("big", (), candidates)


def test_the_warning_follows_what_is_typed_moved_and_dropped(qtbot: QtBot, dialog: AliasDialog):
    write(dialog.candidates.rows[1].model, "haiku")
    assert not dialog.dearer.isVisible()
    write(dialog.candidates.rows[1].model, "opus")
    assert dialog.dearer.isVisible()
    press_named(qtbot, dialog, "Move candidate 2 up")
    assert not dialog.dearer.isVisible()
    press_named(qtbot, dialog, "Move candidate 1 down")
    assert DEAR in texts(dialog)
    dialog.candidates.rows[1].provider.setCurrentText("openrouter")
    assert DEAR.replace("claude", "openrouter") in texts(dialog)
    press_named(qtbot, dialog, "Remove candidate 1")
    assert not dialog.dearer.isVisible()


def test_where_prices_are_not_known_nothing_is_warned_of(page: ModelsPage):
    click_cell(page.table, 0)
    press(page.edit)
    assert not dialog_of(AliasDialog).dearer.isVisible()


def test_a_price_that_becomes_known_while_the_editor_is_open_is_warned_of_at_once(
    qtbot: QtBot, page: ModelsPage, desk: FakeDesk
):
    candidates = CandidateView("openrouter", "sonnet"), CandidateView("claude", "opus")
    desk.alias_list[0] = AliasView("big", (), candidates)
    page.refresh()
    click_cell(page.table, 0)
    press(page.edit)
    dialog = dialog_of(AliasDialog)
    assert not dialog.dearer.isVisible()
    desk.prices = {"sonnet": 15, "opus": 75}
    with qtbot.waitSignal(page.room.bridge.prices_changed):
        desk.announce(PricesChanged())
    assert DEAR in texts(dialog)


def test_the_editor_grows_with_its_candidates_and_what_it_says_of_them(qtbot: QtBot, dialog: AliasDialog):
    def lowest(part: QWidget) -> int:
        return part.mapTo(dialog, part.rect().bottomLeft()).y()

    def has_room() -> bool:
        parts = [*(each.model for each in dialog.candidates.rows), dialog.may_be_dearer, dialog.dearer]
        tops = [part.mapTo(dialog, part.rect().topLeft()).y() for part in parts]
        return all(lowest(above) < top for above, top in zip(parts, tops[1:], strict=False))

    qtbot.waitUntil(has_room)
    height = dialog.height()
    press(dialog.candidates.add)
    press(dialog.candidates.add)
    qtbot.waitUntil(lambda: dialog.height() > height and has_room())
