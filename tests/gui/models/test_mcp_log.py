"""A server's lines are taken over with as little change as there is, and searched."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gui.models.mcp_log import McpLogModel, McpLogProxy, log_text
from gui.roles import Role
from proxy.mcp.values import LogEntry
from tests.gui.acting import heard
from tests.gui.mcp_scenes import LOG


def _lines(first: int, last: int) -> list[LogEntry]:
    return [LogEntry(float(number // 3), "stderr", f"line {number % 4}") for number in range(first, last)]


def test_the_models_keep_qts_rules(qtmodeltester: Any):
    model = McpLogModel(("stderr",))
    proxy = McpLogProxy(model)
    qtmodeltester.check(model)
    qtmodeltester.check(proxy)
    model.show(_lines(0, 5))
    model.show(_lines(3, 9))
    proxy.search("line 1")
    model.show(())


def test_new_lines_are_added_and_old_ones_fall_off_without_a_reset():
    model = McpLogModel(("stderr",))
    model.show(_lines(0, 5))
    resets, added, gone = heard(model.modelReset), heard(model.rowsInserted), heard(model.rowsRemoved)
    model.show(_lines(2, 8))
    model.show(_lines(2, 8))
    assert [said[1:] for said in gone] == [(0, 1)]
    assert [said[1:] for said in added] == [(3, 5)]
    assert resets == []


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=8))
def test_what_is_shown_is_what_is_kept_whatever_came_before(windows: list[tuple[int, int]]):
    model = McpLogModel(("stderr",))
    for first, length in windows:
        wanted = _lines(first, first + length)
        model.show(wanted)
        assert list(model.kept()) == wanted
        assert model.rowCount() == len(wanted)


def test_only_the_wanted_kinds_are_shown():
    log, messages = McpLogModel(("stderr", "lifecycle")), McpLogModel(("sent", "received"))
    log.show(LOG)
    messages.show(LOG)
    assert (log.rowCount(), messages.rowCount()) == (4, 2)
    assert [messages.index(row, 1).data() for row in range(2)] == ["to server", "from server"]
    assert messages.index(0, 0).data(Role.VALUE) == LOG[4]


def test_a_search_ignores_case_and_what_is_copied_is_what_is_seen():
    model = McpLogModel(("stderr", "lifecycle"))
    proxy = McpLogProxy(model)
    model.show(LOG)
    proxy.search("INSTALLED")
    assert proxy.rowCount() == 1
    text = log_text(proxy.lines())
    assert text.endswith("output       Installed 21 packages in 48ms\n")
    assert text.count("\n") == 1


def test_nothing_in_a_line_is_invisible():
    entry = LogEntry(0.0, "stderr", "red \x1b[31m\u202eturned")
    model = McpLogModel(("stderr",))
    model.show([entry])
    assert model.index(0, 2).data() == "red \\u{1b}[31m\\u{202e}turned"
    assert "\x1b" not in log_text([entry])
