"""A free port is found soon after the one that is taken."""

from __future__ import annotations

import socket

from app.port_owner import free_port, is_taken


def test_the_next_free_one_is_taken() -> None:
    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        first.listen()
        taken = first.getsockname()[1]
        assert is_taken("127.0.0.1", taken)
        found = free_port("127.0.0.1", taken)
        assert found != taken
        assert not is_taken("127.0.0.1", found)
        if taken < 65_000:
            assert taken < found <= taken + 100


def test_after_the_last_port_any_free_one_is_taken() -> None:
    assert 0 < free_port("127.0.0.1", 65_535) < 65_536
