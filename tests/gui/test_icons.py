"""The tray says its state by shape, at every size, without the help of colour."""

from __future__ import annotations

from itertools import combinations

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from gui.icons import TRAY_SIZES, app_icon, icon, tray_icon
from gui.theme import Theme

STATES = ("stopped", "starting", "running", "waiting", "problem")


def _inked(image: QImage) -> set[tuple[int, int]]:
    return {
        (x, y)
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() > 127 and image.pixelColor(x, y).lightness() < 128
    }


@pytest.mark.parametrize("size", TRAY_SIZES)
def test_every_two_states_differ_in_shape(qapp: QApplication, size: int):
    shapes = {
        state: _inked(tray_icon(state, QColor("black"), QColor("white")).pixmap(size).toImage())
        for state in STATES
    }
    for first, second in combinations(STATES, 2):
        differing = shapes[first] ^ shapes[second]
        assert len(differing) >= size * size * 0.04, (first, second)


def test_the_tray_is_drawn_at_each_size_and_not_scaled(qapp: QApplication):
    icon = tray_icon("running", QColor("black"), QColor("white"))
    assert sorted(size.width() for size in icon.availableSizes()) == sorted(TRAY_SIZES)


def test_running_has_more_ink_than_stopped(qapp: QApplication):
    running = _inked(tray_icon("running", QColor("black"), QColor("white")).pixmap(48).toImage())
    stopped = _inked(tray_icon("stopped", QColor("black"), QColor("white")).pixmap(48).toImage())
    assert len(running) > len(stopped)


def test_the_shape_keeps_an_edge_in_the_other_colour(qapp: QApplication):
    image = tray_icon("running", QColor("black"), QColor("white")).pixmap(32).toImage()
    colors = {
        image.pixelColor(x, y).name()
        for x in range(32)
        for y in range(32)
        if image.pixelColor(x, y).alpha() == 255
    }
    assert {"#000000", "#ffffff"} <= colors


def test_the_program_has_an_icon_of_its_own(qapp: QApplication):
    assert not app_icon().isNull()


def test_all_buttons_share_a_drawing_until_the_colours_change(theme: Theme):
    first = icon("stop", theme)
    assert icon("stop", theme).cacheKey() == first.cacheKey()
    assert icon("stop", theme, "danger").cacheKey() != first.cacheKey()
    theme.choose("dark")
    dark = icon("stop", theme)
    assert dark.cacheKey() != first.cacheKey()
    image = dark.pixmap(16).toImage()
    inked = [
        image.pixelColor(x, y) for x in range(16) for y in range(16) if image.pixelColor(x, y).alpha() > 200
    ]
    assert inked
    assert all(color.lightness() > 127 for color in inked)
