from __future__ import annotations

import asyncio
from itertools import count

from proxy.mcp.gateway_changes import MAX_STREAMS, Changes, ChangeStream
from proxy.mcp.gateway_sessions import IDLE_S, MAX_SESSIONS, Session, Sessions


class Kept:
    """Sessions with a clock that stands still, and those that ended."""

    def __init__(self) -> None:
        numbers = count()
        self.now = 0.0
        self.ended: list[str] = []
        self.sessions = Sessions(
            lambda prefix: f"{prefix}{next(numbers)}",
            lambda: self.now,
            lambda session: self.ended.append(session.id),
        )

    def open(self, token: str = "local") -> Session:
        return self.sessions.open(token, "2025-11-25", "client/1")


def test_a_session_is_found_by_its_own_token_only() -> None:
    kept = Kept()
    session = kept.open("one")
    assert kept.sessions.find(session.id, "one") is session
    assert kept.sessions.find(session.id, "two") is None
    assert kept.sessions.find("mcp_other", "one") is None


def test_an_idle_session_expires_and_a_used_one_does_not() -> None:
    kept = Kept()
    idle, used = kept.open(), kept.open()
    kept.now = IDLE_S
    kept.sessions.find(used.id, "local")
    kept.now = IDLE_S + 1
    assert kept.sessions.find(idle.id, "local") is None
    assert kept.sessions.find(used.id, "local") is used
    assert kept.ended == [idle.id]


def test_a_session_that_listens_does_not_expire() -> None:
    kept = Kept()
    session = kept.open()
    session.changes = ChangeStream()
    kept.now = IDLE_S + 1
    assert kept.sessions.find(session.id, "local") is session


def test_of_too_many_sessions_the_one_idle_longest_ends() -> None:
    kept = Kept()
    busy = kept.open()
    busy.changes = ChangeStream()
    others = [kept.open() for _ in range(MAX_SESSIONS - 1)]
    kept.sessions.find(others[0].id, "local")
    kept.open()
    assert kept.ended == [others[1].id]
    assert len(kept.sessions) == MAX_SESSIONS


def test_where_all_are_busy_the_oldest_ends_so_that_a_new_client_is_served() -> None:
    kept = Kept()
    for _ in range(MAX_SESSIONS):
        kept.open().changes = ChangeStream()
    kept.open()
    assert kept.ended == ["mcp_0"]


def test_a_token_with_too_many_sessions_ends_its_own_and_none_of_another_token() -> None:
    kept = Kept()
    quiet = kept.open("quiet")
    for _ in range(MAX_SESSIONS):
        kept.open("crowd").changes = ChangeStream()
    assert kept.ended == ["mcp_1"]
    assert kept.sessions.find(quiet.id, "quiet") is quiet


async def test_the_end_of_a_session_cancels_its_calls_and_ends_its_stream() -> None:
    kept = Kept()
    session = kept.open()
    call: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    session.running[7] = call
    stream = session.changes = ChangeStream()
    session.cancel("7")
    session.cancel(None)
    assert not call.cancelled()
    kept.sessions.end(session)
    assert call.cancelled()
    assert stream.is_ended
    assert await stream.next(0) == ()


async def test_changes_that_nobody_reads_do_not_pile_up() -> None:
    changes = Changes()
    stream = changes.open(("tools", "prompts"))
    assert stream is not None
    for _ in range(1000):
        changes.tell("tools", "resources")
    changes.tell("prompts")
    assert await stream.next(0) == ("tools", "prompts")
    assert await stream.next(0) == ()


def test_only_so_many_streams_are_open_at_once() -> None:
    changes = Changes()
    streams = [changes.open() for _ in range(MAX_STREAMS)]
    assert changes.open() is None
    assert streams[0] is not None
    changes.close(streams[0])
    assert changes.open() is not None


async def test_the_end_of_all_streams_wakes_who_waits() -> None:
    changes = Changes()
    stream = changes.open()
    assert stream is not None
    waiting = asyncio.ensure_future(stream.next(60))
    await asyncio.sleep(0)
    changes.end_all()
    assert await asyncio.wait_for(waiting, 5) == ()
    assert stream.is_ended
