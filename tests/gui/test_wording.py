"""States, times, counts and costs read well."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gui import wording
from gui.desk import Problem, ProxyPhase, ProxyState

RUNNING = ProxyState(ProxyPhase.RUNNING, "http://127.0.0.1:4000")
PROBLEM = Problem("Port 4000 is in use", "Stop the other program.")


@pytest.mark.parametrize(
    ("state", "word", "shape"),
    [
        (RUNNING, "Running", "running"),
        (ProxyState(ProxyPhase.RUNNING, "http://x", (PROBLEM,)), "Running with problems", "problem"),
        (ProxyState(ProxyPhase.STOPPED), "Stopped", "stopped"),
        (ProxyState(ProxyPhase.STARTING), "Starting…", "starting"),
        (ProxyState(ProxyPhase.STOPPING), "Stopping…", "starting"),
        (ProxyState(ProxyPhase.FAILED, problems=(PROBLEM,)), "Not running", "problem"),
    ],
)
def test_each_state_has_a_word_and_a_tray_shape(state: ProxyState, word: str, shape: str):
    assert wording.phase_phrase(state).text == word
    assert wording.tray_state(state) == shape
    assert wording.phase_sentence(state).endswith(".")


def test_the_tray_line_names_the_address_or_the_trouble():
    assert wording.tray_line(RUNNING) == "Running on 127.0.0.1:4000"
    assert wording.tray_line(ProxyState(ProxyPhase.FAILED, problems=(PROBLEM,))).endswith(PROBLEM.title)


def test_a_tool_tip_is_one_line_of_at_most_120_characters():
    long = Problem("a\nb " * 100, "")
    tip = wording.tray_tip(ProxyState(ProxyPhase.FAILED, problems=(long,), active_requests=3))
    assert len(tip) <= 120
    assert "\n" not in tip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.0004, "0 ms"),
        (0.34, "340 ms"),
        (2.44, "2.4 s"),
        (65.2, "1 min 05 s"),
        (59.96, "1 min 00 s"),
    ],
)
def test_durations(value: float | None, text: str):
    assert wording.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(940, "940"), (12_400, "12.4k"), (1_200_000, "1.2M"), (999_960, "1.0M")]
)
def test_token_counts(value: int, text: str):
    assert wording.tokens(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0.0, "$0"), (0.0061, "$0.0061"), (0.034, "$0.034"), (1.834, "$1.83")]
)
def test_costs(value: float | None, text: str):
    assert wording.cost(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(5, "less than a minute"), (150, "2 min"), (11_100, "3 h 05 min")]
)
def test_uptimes(value: float, text: str):
    assert wording.uptime(value) == text


def test_counts():
    assert [wording.count(n, "request") for n in (0, 1, 2000)] == [
        "0 requests",
        "1 request",
        "2,000 requests",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text – ünïcode 漢字 😀", "plain text – ünïcode 漢字 😀"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("a\u202eb", r"a\u{202e}b"),
        ("a\u200bb\ufeffc", r"a\u{200b}b\u{feff}c"),
        ("a\x1b[31mb\x00\r", r"a\u{1b}[31mb\u{0}\u{d}"),
        ("a\u00a0b\u3000c", r"a\u{a0}b\u{3000}c"),
        ("a\u2028b\u2029c", r"a\u{2028}b\u{2029}c"),
        ("a\ufe0fb\U000e0100c\u3164d\u2800e", r"a\u{fe0f}b\u{e0100}c\u{3164}d\u{2800}e"),
        ("\ud800", r"\u{d800}"),
    ],
)
def test_what_cannot_be_seen_is_spelt_out(text: str, shown: str):
    assert wording.visible(text) == shown


@given(st.text())
def test_spelling_out_loses_nothing_and_can_be_done_again(text: str):
    assume("\\u{" not in text)
    shown = wording.visible(text)
    assert wording.visible(shown) == shown
    assert re.sub(r"\\u\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)), shown) == text


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (999, "999 B"), (1_240, "1.2 kB"), (999_950, "1.0 MB")]
)
def test_sizes(size: int, words: str):
    assert wording.byte_size(size) == words


@pytest.mark.parametrize(
    ("left", "words"), [(-3, "0 s"), (12.4, "12 s"), (59.6, "1 min 00 s"), (98, "1 min 38 s")]
)
def test_time_left(left: float, words: str):
    assert wording.time_left(left) == words
