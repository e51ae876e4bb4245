"""The colours can be read, and nobody brings his own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gui
from gui.tokens import DARK, LIGHT, READABLE, Colors, as_mapping, contrast

_ROOT = Path(gui.__file__).parent.parent
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\b")


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_a_contrast_of_at_least_4_5_on_every_ground_it_is_used_on(colors: Colors):
    by_role = as_mapping(colors)
    poor = {
        (role, ground): round(contrast(by_role[role], by_role[ground]), 2)
        for role, grounds in READABLE
        for ground in grounds
        if contrast(by_role[role], by_role[ground]) < 4.5
    }
    assert poor == {}


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_outlines_of_controls_and_the_focus_ring_stand_out_3_to_1(colors: Colors):
    by_role = as_mapping(colors)
    for role in ("control", "accent"):
        for ground in ("window", "surface"):
            assert contrast(by_role[role], by_role[ground]) >= 3.0


def test_contrast_is_that_of_the_guideline():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_no_colour_is_written_down_outside_the_tokens():
    sources = [p for p in (_ROOT / "gui").rglob("*.py") if p.name != "tokens.py"]
    drawings = [p for p in (_ROOT / "resources" / "icons").rglob("*.svg") if p.parent.name != "app"]
    offenders = [str(p) for p in (*sources, *drawings) if _COLOR.search(p.read_text(encoding="utf-8"))]
    assert sources
    assert drawings
    assert offenders == []
