"""What runs on the desktop's loop: processes, signals, servers, transports and calls from threads."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import time

import pytest
from aiohttp import ClientSession, web
from aiohttp.typedefs import Handler
from typing_extensions import override

from app.qt_loop import RECEIVE_BYTES
from tests.app.loops import LIMIT_S, nth_call, run


def test_subprocesses_talk_and_end(loop: asyncio.AbstractEventLoop) -> None:
    async def talk() -> tuple[bytes, int | None]:
        program = "import sys; print(sys.stdin.read().upper()); sys.exit(4)"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate(b"hello")
        return output, process.returncode

    assert run(loop, talk()) == (b"HELLO\n", 4)


def test_a_subprocess_that_hangs_can_be_killed(loop: asyncio.AbstractEventLoop) -> None:
    async def kill() -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE
        )
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), 0.05)
        process.kill()
        return await process.wait()

    assert run(loop, kill()) == -signal.SIGKILL


def test_a_signal_wakes_the_loop_while_qt_sleeps(loop: asyncio.AbstractEventLoop) -> None:
    async def wait() -> None:
        heard = loop.create_future()
        loop.add_signal_handler(signal.SIGUSR1, heard.set_result, None)
        await _soon_after_a_signal(heard)
        assert loop.remove_signal_handler(signal.SIGUSR1)

    run(loop, wait())


def test_pythons_own_signal_handlers_run_while_qt_sleeps(loop: asyncio.AbstractEventLoop) -> None:
    async def wait() -> None:
        loop.add_signal_handler(signal.SIGUSR2, print)
        loop.remove_signal_handler(signal.SIGUSR2)  # asyncio then stops listening to signals
        heard = loop.create_future()
        before = signal.signal(signal.SIGUSR1, lambda _number, _frame: heard.set_result(None))
        try:
            await _soon_after_a_signal(heard)
        finally:
            signal.signal(signal.SIGUSR1, before)

    run(loop, wait())


def test_signals_are_nobodys_business_after_the_loop_ran(loop: asyncio.AbstractEventLoop) -> None:
    run(loop, asyncio.sleep(0))

    assert signal.set_wakeup_fd(-1) == -1


def test_a_server_and_its_client_share_the_loop(loop: asyncio.AbstractEventLoop) -> None:
    async def upper(request: web.Request) -> web.Response:
        return web.Response(text=(await request.text()).upper())

    async def converse() -> list[str]:
        runner, url = await _serve(upper)
        async with ClientSession() as client:

            async def ask(number: int) -> str:
                async with client.post(url, data=f"question {number}") as answer:
                    return await answer.text()

            answers = await asyncio.gather(*(ask(number) for number in range(50)))
        await runner.cleanup()
        return answers

    assert run(loop, converse()) == [f"QUESTION {number}" for number in range(50)]


def test_a_request_in_flight_is_answered_during_a_graceful_shutdown(loop: asyncio.AbstractEventLoop) -> None:
    async def shut_down() -> str:
        entered, released = asyncio.Event(), asyncio.Event()

        async def answer_late(_request: web.Request) -> web.Response:
            entered.set()
            await released.wait()
            return web.Response(text="late but whole")

        runner, url = await _serve(answer_late)
        async with ClientSession() as client:

            async def ask() -> str:
                async with client.get(url) as answer:
                    return await answer.text()

            asking = loop.create_task(ask())
            await entered.wait()
            cleaning = loop.create_task(runner.cleanup())
            await asyncio.sleep(0)
            released.set()
            answer = await asking
            await cleaning
            with pytest.raises(OSError, match="Connect"):
                await client.get(url)
            return answer

    assert run(loop, shut_down()) == "late but whole"


def test_transports_read_in_pieces_that_need_no_new_mapping(loop: asyncio.AbstractEventLoop) -> None:
    total = 1_000_000
    sizes: list[int] = []

    class Receiver(asyncio.Protocol):
        def __init__(self) -> None:
            self.has_everything = asyncio.Event()

        @override
        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))
            if sum(sizes) == total:
                self.has_everything.set()

    async def transfer() -> None:
        near, far = socket.socketpair()
        receiving, receiver = await loop.create_connection(Receiver, sock=near)
        sending, _ = await loop.create_connection(asyncio.Protocol, sock=far)
        sending.write(bytes(total))
        await receiver.has_everything.wait()
        sending.close()
        receiving.close()
        await asyncio.sleep(0)

    run(loop, transfer())

    assert max(sizes) <= RECEIVE_BYTES


def test_a_thousand_calls_from_threads_all_arrive_in_each_threads_order(
    loop: asyncio.AbstractEventLoop,
) -> None:
    arrived: dict[int, list[int]] = {thread: [] for thread in range(10)}

    async def receive() -> None:
        everything = loop.create_future()
        count_down = nth_call(1000, lambda: everything.set_result(None))

        def arrive(thread: int, number: int) -> None:
            arrived[thread].append(number)
            count_down()

        def send(thread: int) -> None:
            for number in range(100):
                loop.call_soon_threadsafe(arrive, thread, number)

        threads = [threading.Thread(target=send, args=[thread]) for thread in arrived]
        for thread in threads:
            thread.start()
        await everything
        for thread in threads:
            thread.join()

    run(loop, receive())

    assert arrived == {thread: list(range(100)) for thread in range(10)}


async def _soon_after_a_signal(heard: asyncio.Future[None]) -> None:
    started_at = time.monotonic()
    threading.Timer(0.02, os.kill, [os.getpid(), signal.SIGUSR1]).start()
    await heard
    assert time.monotonic() - started_at < LIMIT_S / 2, "only the time limit woke the loop"


async def _serve(handler: Handler) -> tuple[web.AppRunner, str]:
    application = web.Application()
    application.router.add_route("*", "/", handler)
    runner = web.AppRunner(application, shutdown_timeout=5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, site.name
