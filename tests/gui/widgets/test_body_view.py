"""A body shows its beginning at once, the rest on demand; copied and saved it is whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.theme import Theme
from gui.widgets.body_view import BodyView
from gui.widgets.laid_out import PIECE_CHARS
from tests.gui.acting import press, shown

LARGE = json.dumps({"messages": [{"role": "user", "content": f"line {n}"} for n in range(30_000)]})


@pytest.fixture
def body(qtbot: QtBot, theme: Theme) -> BodyView:
    return shown(qtbot, BodyView(theme, "Reply"), 500, 300)


def test_a_small_body_is_all_there_with_its_head(body: BodyView) -> None:
    body.show_body('{"a":1}', head="x-one: 1")
    assert body.view.toPlainText() == 'x-one: 1\n\n{\n  "a": 1\n}'
    assert not body.show_all.isVisible()
    assert body.note == ""
    assert body.text == '{"a":1}'


def test_of_a_large_one_only_the_beginning_is_laid_out_until_all_is_asked_for(
    qtbot: QtBot, body: BodyView
) -> None:
    body.show_body(LARGE, note="A note.")
    assert len(body.view.toPlainText()) < 2 * PIECE_CHARS
    assert body.note == "The beginning of 1.3 MB. A note."
    press(body.show_all)
    qtbot.waitUntil(lambda: body.note == "A note.")
    assert body.view.toPlainText().replace("\n", "").replace(" ", "") == LARGE.replace(" ", "")
    assert not body.show_all.isVisible()


def test_another_body_ends_what_is_still_being_shown(qtbot: QtBot, body: BodyView) -> None:
    body.show_body(LARGE)
    press(body.show_all)
    body.show_body("short")
    qtbot.wait_signal(body.view.textChanged, timeout=50, raising=False)
    assert body.view.toPlainText() == "short"


def test_the_same_body_told_again_keeps_the_place(body: BodyView) -> None:
    body.show_body(LARGE)
    body.view.verticalScrollBar().setValue(100)
    body.show_body(LARGE)
    assert body.view.verticalScrollBar().value() == 100


def test_it_is_saved_whole_and_as_it_was_sent(body: BodyView, tmp_path: Path) -> None:
    body.show_body(LARGE + "\r\n", head="x-one: 1")
    body.write(str(tmp_path / "body.json"))
    assert (tmp_path / "body.json").read_bytes() == (LARGE + "\r\n").encode()
    assert body.note.startswith("Saved as ")


def test_a_file_that_cannot_be_written_is_said(body: BodyView, tmp_path: Path) -> None:
    body.show_body("x")
    body.write(str(tmp_path))
    assert "was not written" in body.note
