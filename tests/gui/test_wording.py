"""States, times, counts and costs read well."""

from __future__ import annotations

import pytest

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
