"""The guards themselves: each refuses what it is there to refuse."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from pathlib import Path

import pytest
import structlog
from structlog.typing import EventDict

from tests.guards.home import isolated_environment
from tests.guards.logs import LogGuard
from tests.guards.network import NetworkGuard, OutsideNetworkError
from tests.guards.shared_data import find_shared_data


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("2001:db8::1", 443, 0, 0), ("example.org", 80)])
def test_an_outside_address_is_refused_and_remembered(address: tuple[object, ...]) -> None:
    guard = NetworkGuard()
    with pytest.raises(OutsideNetworkError):
        guard.check_address(address)
    assert guard.attempts == [address[0]]


@pytest.mark.parametrize("address", [("127.0.0.1", 1), ("::1", 1, 0, 0), ("localhost", 1), "/run/socket"])
def test_loopback_and_unix_sockets_are_let_through(address: object) -> None:
    NetworkGuard().check_address(address)


def test_an_outside_name_is_never_looked_up() -> None:
    guard = NetworkGuard()
    with pytest.raises(OutsideNetworkError):
        guard.check_name(b"example.org")
    assert guard.attempts == ["example.org"]


def test_an_invalid_name_is_unknown_without_asking_anyone() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("upstream.invalid", 443)


def test_the_loop_still_reaches_loopback() -> None:
    async def echo() -> bytes:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(2))
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hi")
            received = await reader.read()
            writer.close()
            return received

    assert asyncio.run(echo()) == b"hi"


@pytest.mark.expects_log("third.party")
def test_a_warning_nobody_expects_is_reported() -> None:
    guard = LogGuard()
    guard.start()
    try:
        structlog.get_logger().warning("disk_full", free_bytes=0)
        logging.getLogger("third.party").error("lost %s", "it")
    finally:
        guard.stop()
    assert guard.unexpected({"third.party"}) == ["warning {'free_bytes': 0, 'event': 'disk_full'}"]
    assert guard.unexpected({"disk_full"}) == ["third.party: lost it"]


@pytest.mark.expects_log("went_wrong")
def test_log_events_are_collected_with_level_and_context(log_events: list[EventDict]) -> None:
    structlog.contextvars.bind_contextvars(request_id="req_1")
    structlog.get_logger().info("fine")
    structlog.get_logger().error("went_wrong")
    assert [(event["event"], event["level"], event["request_id"]) for event in log_events] == [
        ("fine", "info", "req_1"),
        ("went_wrong", "error", "req_1"),
    ]


def test_keys_and_folders_of_the_user_are_out_of_reach(tmp_path: Path) -> None:
    changes = isolated_environment(
        {"OPENAI_API_KEY": "x", "HTTPS_PROXY": "y", "PATH": "z", "SIGNALBOX_TEST_DATA": "d"}, tmp_path
    )
    assert changes["OPENAI_API_KEY"] is None
    assert changes["HTTPS_PROXY"] is None
    assert "PATH" not in changes
    assert "SIGNALBOX_TEST_DATA" not in changes
    assert changes["HOME"] == str(tmp_path)


def test_every_test_has_a_home_of_its_own(home: Path) -> None:
    assert os.environ["HOME"] == str(home)
    assert list(home.iterdir()) == [home / "run"]


def test_shared_data_is_beside_the_checkout_unless_told(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    assert find_shared_data({}) == (root.parent / "shared").resolve()
    assert find_shared_data({"SIGNALBOX_TEST_DATA": str(tmp_path)}) == tmp_path


async def test_headless_tests_run_on_the_loop_of_asyncio_itself() -> None:
    assert type(asyncio.get_running_loop()).__module__.startswith("asyncio.")
    assert threading.current_thread() is threading.main_thread()


@pytest.mark.qt_loop
async def test_desktop_tests_run_on_the_loop_of_qt() -> None:
    assert any(kind.__module__.startswith("qasync") for kind in type(asyncio.get_running_loop()).__mro__)
    await asyncio.sleep(0)
