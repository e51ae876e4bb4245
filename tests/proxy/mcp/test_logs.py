from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.mcp.logs import MAX_LINE_CHARS, MAX_LOG_BYTES, ServerLog


def _log() -> ServerLog:
    return ServerLog(lambda: 1.0)


def test_lines_are_whole_however_they_come() -> None:
    log = _log()
    for piece in (b"one\ntw", b"o\r\n", b"\n", "größ".encode()[:4], "größ".encode()[4:], b"er"):
        log.feed(piece)
    log.finish()
    assert [entry.text for entry in log.entries()] == ["one", "two", "", "größer"]
    assert log.last_error_line == "größer"


def test_a_new_start_forgets_the_last_words_and_keeps_the_lines() -> None:
    log = _log()
    log.feed(b"bad\n")
    log.begin()
    assert log.last_error_line == ""
    assert len(log.entries()) == 1


@given(st.lists(st.binary(max_size=30_000), max_size=20))
def test_never_more_than_64_kib_are_kept(pieces: list[bytes]) -> None:
    log = _log()
    for piece in pieces:
        log.feed(piece)
    log.finish()
    assert sum(len(entry.text.encode("utf-8", "replace")) for entry in log.entries()) <= MAX_LOG_BYTES
    assert all(len(entry.text) <= MAX_LINE_CHARS + 1 for entry in log.entries())


def test_messages_are_kept_only_while_the_trace_is_on() -> None:
    log = _log()
    log.trace("sent", "no")
    log.is_traced = True
    log.trace("received", "yes")
    assert [(entry.kind, entry.text) for entry in log.entries()] == [("received", "yes")]
