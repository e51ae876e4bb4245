"""The controller as the window meets it: what it is asked, what it announces, what stays on disk."""

import asyncio
import errno
import json
import sys
from typing import Any

import pytest

from gui.desk import DeskEvent, ProxyPhase, ProxyStateChanged
from gui.mcp_desk import McpChanged
from gui.request_desk import ExchangeRead
from proxy.events import BreakerChanged, Exchange, RequestRefused
from proxy.mcp.values import ServerPhase, ServerStatus
from tests.app.controller_bench import KEY, OPENROUTER, Make
from tests.app.test_secrets import Entries


async def test_it_starts_listens_and_stops_and_says_so(make: Make) -> None:
    bench = make()

    await bench.controller.start()
    assert (await bench.until(ProxyStateChanged)).state.phase is ProxyPhase.STARTING
    running = (await bench.until(ProxyStateChanged)).state
    assert (running.phase, running.url, running.is_demo, running.started_at) == (
        ProxyPhase.RUNNING,
        "http://127.0.0.1:4000",
        True,
        1234.5,
    )
    bench.desk.stop_proxy()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.STOPPED)

    assert bench.servers[0].stopped == [30.0]
    assert bench.desk.state().url is None
    bench.desk.start_proxy()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.RUNNING)
    assert len(bench.servers) == 2


@pytest.mark.expects_log("not_listening")
async def test_a_port_in_use_is_told_with_its_way_out(make: Make) -> None:
    bench = make()
    bench.failure = OSError(errno.EADDRINUSE, "Address already in use")

    await bench.controller.start()

    state = bench.desk.state()
    assert state.phase is ProxyPhase.FAILED
    assert "Port 4000 on 127.0.0.1 is in use" in state.problems[0].text
    assert state.problems[0].text.endswith("Stop that program, or use another port.")
    assert bench.controller.failure is not None
    assert f"in {bench.folders.settings_file} and start again" in bench.controller.failure.advice
    assert bench.controller.failure.is_port_in_use
    bench.failure = None
    bench.folders.settings_file.write_text("server: {port: 4007}\n")
    bench.desk.start_proxy()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.RUNNING)
    assert bench.desk.state().problems == ()
    assert bench.servers[-1].config.server.port == 4007


@pytest.mark.expects_log("not_listening")
async def test_a_host_that_is_no_name_is_told_and_is_no_crash(make: Make) -> None:
    bench = make(settings="server: {host: 'a..b'}\n")
    bench.failure = UnicodeError("label empty or too long")

    await bench.controller.start()

    assert bench.controller.failure is not None
    assert bench.controller.failure.text.startswith("Cannot listen on a..b port 4000")


async def test_an_exchange_is_kept_announced_by_its_id_and_shown_without_secrets(make: Make) -> None:
    bench = make(Entries({"openrouter": KEY}), settings=OPENROUTER)
    await bench.controller.start()

    bench.servers[0].emit(
        Exchange(
            "req_1", client_request=f'{{"x":"{KEY}"}}', client_headers={"authorization": f"Bearer {KEY}"}
        )
    )
    announced = await bench.until(Exchange)
    bench.desk.read_exchange("req_1", 0)
    read = await bench.until(ExchangeRead)

    assert announced == Exchange("req_1")
    assert read.exchange is not None
    assert read.exchange.client_request == '{"x":"[redacted]"}'
    assert KEY not in repr(read)
    bench.desk.read_exchange("req_2", None)
    assert await bench.until(ExchangeRead) == ExchangeRead("req_2")


async def test_a_listener_that_raises_harms_neither_the_proxy_nor_the_others(make: Make) -> None:
    bench = make()

    def bad(_event: DeskEvent) -> None:
        raise RuntimeError("a broken page")

    seen: list[Any] = []
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
    bench.controller.subscribe(bad)
    unsubscribe = bench.controller.subscribe(seen.append)
    await bench.controller.start()
    bench.servers[0].emit(RequestRefused("req_1", 1.0, 401, "no token"))
    await bench.until(RequestRefused)
    unsubscribe()

    assert RequestRefused("req_1", 1.0, 401, "no token") in seen
    assert failures
    assert bench.desk.state().phase is ProxyPhase.RUNNING


async def test_models_that_rest_are_told_while_the_proxy_runs(make: Make) -> None:
    bench = make(settings=OPENROUTER)
    assert bench.desk.breakers() == ()
    await bench.controller.start()
    resting = BreakerChanged("openrouter", "some/model", "open", "5 failures in 30 s.", 48.0)
    bench.servers[0].resting.append(resting)
    assert bench.desk.breakers() == (resting,)


@pytest.mark.expects_log("mcp_trust_unreadable")
async def test_lost_approvals_of_mcp_servers_are_told_as_soon_as_they_are_noticed(make: Make) -> None:
    bench = make()
    (bench.folders.config / "mcp_servers.yaml").write_text("servers: {box: {type: stdio, command: box}}\n")
    trust = bench.folders.state / "mcp"
    trust.mkdir()
    (trust / "approvals.json").write_text("{")
    await bench.controller.start()
    told = await bench.until(ProxyStateChanged, lambda event: bool(event.state.problems))
    (problem,) = told.state.problems
    assert (problem.title, problem.page) == ("Approvals of MCP servers were lost", "mcp")
    assert "approvals.damaged-1.json" in problem.text
    assert [each.phase.value for each in bench.controller.mcp_servers()] == ["rejected"]
    await bench.controller.shutdown()


async def test_a_secret_that_an_mcp_server_was_given_is_not_shown_when_it_prints_it(make: Make) -> None:
    secret = "plainly said"
    bench = make(variables={"BOX_TOKEN": secret})
    code = "import os, sys; sys.exit('I have ' + os.environ['GIVEN'])"
    entry = {"type": "stdio", "command": sys.executable, "args": ["-c", code], "restart": False}
    servers = {"box": {**entry, "environment": {"GIVEN": "${BOX_TOKEN}"}}}
    (bench.folders.config / "mcp_servers.yaml").write_text(json.dumps({"servers": servers}))
    await bench.controller.start()

    async def stands(phase: ServerPhase) -> ServerStatus:
        while (status := bench.controller.mcp_servers()[0]).phase is not phase:
            await bench.until(McpChanged)
        return status

    launch = (await stands(ServerPhase.PENDING)).launch
    assert launch is not None
    bench.controller.approve_mcp("box", launch.digest)
    failed = await stands(ServerPhase.FAILED)
    texts = [each.text for each in bench.controller.mcp_log("box")]
    assert "I have [redacted]" in texts
    assert secret not in f"{texts} {failed.reason}"
    await bench.controller.shutdown()
