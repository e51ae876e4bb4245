"""Starting beside another program, on another port, files changed by hand, and the ways to quit."""

import asyncio
import errno
import socket
from dataclasses import replace
from datetime import date

import pytest

from gui.desk import (
    ActionDone,
    ActionFailed,
    AliasesChanged,
    DeskEvent,
    ProvidersChanged,
    ProxyPhase,
    ProxyStateChanged,
    SettingsChanged,
)
from gui.mcp_desk import McpChanged
from gui.permission_desk import PermissionsChanged
from proxy.routing.budgets import BudgetState, Limit
from proxy.store.folder_lock import FolderLock
from tests.app.controller_bench import KEY, OPENROUTER, Make
from tests.app.test_secrets import Entries


async def test_what_a_name_resolves_to_heeds_the_rules(make: Make) -> None:
    rules = (
        "aliases: {big: {candidates: [{provider: openrouter, model: b}]},"
        " small: {candidates: [{provider: openrouter, model: s}]}}\n"
        "routes: [{when: {min_tokens: 60000}, use: small}, {when: {model: odd}, use: small}]\n"
    )
    bench = make(Entries({"openrouter": KEY}), settings=OPENROUTER + rules)
    await bench.controller.start()
    but = "; but rule 1 sends it to small where it has at least 60,000 tokens"
    desk = bench.desk
    assert desk.resolve("big").text == "'big' is the alias big → openrouter / b" + but
    odd = "rule 2 sends 'odd' to small: the model matches odd → openrouter / s"
    assert desk.resolve("odd").text == odd + but


async def test_a_renamed_alias_takes_tokens_routes_and_sub_conversations_along(make: Make) -> None:
    held = f"""tokens: {{ci: {{hash: 'sha256:{"0" * 64}', aliases: [small, big]}}}}
aliases:
  big: {{candidates: [{{provider: openrouter, model: b}}]}}
  small: {{candidates: [{{provider: openrouter, model: s}}]}}
routes:
  - {{when: {{has_image: true}}, use: small}}
  - {{when: {{min_tokens: 60000}}, use: big}}  # long ones
tools: {{task_alias: big}}
"""
    bench = make(Entries({"openrouter": KEY}), settings=OPENROUTER + held)
    await bench.controller.start()
    desk = bench.desk
    assert desk.save_alias(replace(desk.aliases()[0], name="large"), replaces="big") is None
    await bench.until(AliasesChanged)
    applied = bench.servers[0].applied[-1]
    assert [each.name for each in applied.aliases] == ["large", "small"]
    assert applied.server.client_tokens[0].aliases == ("small", "large")
    assert [each.use for each in applied.routes] == ["small", "large"]
    assert applied.tools.task_alias == "large"
    assert "use: large}  # long ones" in bench.folders.settings_file.read_text()


async def test_quitting_stops_the_proxy_first_and_lets_requests_finish(make: Make) -> None:
    bench = make()
    await bench.controller.start()

    bench.desk.quit()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.STOPPED)
    assert bench.servers[0].stopped == [30.0]


async def test_stopped_while_it_starts_it_leaves_nothing_running(make: Make) -> None:
    before = asyncio.all_tasks()
    bench = make()
    starting = asyncio.ensure_future(bench.controller.start())
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.STARTING)
    await bench.controller.shutdown()
    await starting
    assert [each.stopped for each in bench.servers] in ([], [[30.0]])
    while left := asyncio.all_tasks() - before:
        await asyncio.wait(left, timeout=5)


async def test_stopped_before_it_starts_it_does_not_start(make: Make) -> None:
    bench = make()
    await bench.controller.shutdown()
    await bench.controller.start()
    assert (bench.servers, bench.controller.supervisor) == ([], None)


async def test_quitting_now_waits_for_no_request(make: Make) -> None:
    bench = make()
    await bench.controller.start()
    bench.desk.quit(now=True)
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.STOPPED)
    assert bench.servers[0].stopped == [0.0]


async def test_asked_again_while_requests_finish_it_ends_them_and_then_itself_in_order(make: Make) -> None:
    bench = make()
    await bench.controller.start()
    server = bench.servers[0]
    server.drained = asyncio.Event()

    bench.desk.quit()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.STOPPING)
    assert (bench.quits, server.stopped) == (0, [30.0])
    bench.desk.quit()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.STOPPED)
    assert server.stopped == [30.0, 0.0]


async def test_asked_a_third_time_it_ends_without_order(make: Make) -> None:
    bench = make()
    await bench.controller.start()
    for asked in range(3):
        assert bench.quits == 0, asked
        bench.desk.quit()
    assert bench.quits == 1


async def test_settings_changed_by_hand_come_into_force_by_themselves(make: Make) -> None:
    bench = make(settings="permissions: {deny: [Bash]}\n")
    await bench.controller.start()
    bench.folders.settings_file.write_text("permissions: {deny: [Bash, WebFetch]}\n")
    bench.pass_time()
    done = await bench.until(ActionDone)
    assert done.text == "The settings that were changed on disk are in force"
    assert bench.servers[0].applied[-1].permissions.sources[0].deny == ("Bash", "WebFetch")


async def test_an_edit_by_hand_that_a_change_from_the_window_takes_along_is_told_too(make: Make) -> None:
    bench = make(settings=OPENROUTER)
    await bench.controller.start()
    bench.folders.settings_file.write_text(OPENROUTER + "permissions: {deny: [WebFetch]}\n")
    bench.desk.set_theme("dark")
    done = await bench.until(ActionDone)
    assert done.text == "The settings that were changed on disk are in force"
    await bench.until(ProvidersChanged)
    await bench.until(PermissionsChanged)
    assert bench.desk.theme() == "dark"
    assert bench.servers[0].applied[-1].permissions.sources[0].deny == ("WebFetch",)

    seen: list[DeskEvent] = []
    bench.controller.subscribe(seen.append)
    bench.desk.set_theme("light")
    await bench.until(SettingsChanged, lambda _event: bench.desk.theme() == "light")
    assert not [each for each in seen if isinstance(each, ActionDone)], "it is told once"


async def test_settings_that_are_an_empty_file_can_be_changed_from_the_window(make: Make) -> None:
    bench = make(settings="\n")
    await bench.controller.start()
    bench.desk.set_theme("dark")
    await bench.until(SettingsChanged)
    assert bench.desk.theme() == "dark"


@pytest.mark.expects_log("hand_edit_not_taken")
async def test_a_broken_edit_by_hand_keeps_the_settings_in_force_and_is_told(make: Make) -> None:
    bench = make(settings="permissions: {deny: [Bash]}\n")
    await bench.controller.start()
    before = bench.configuration.loaded
    bench.folders.settings_file.write_text("permissions: {deny: [Bash]\n")
    bench.pass_time()
    told = await bench.until(ProxyStateChanged, lambda event: bool(event.state.problems))
    (problem,) = told.state.problems
    assert problem.title == "The settings on disk are not in force"
    assert f"{bench.folders.settings_file}, line 2" in problem.text
    assert bench.configuration.loaded is before
    assert await bench.controller.reload_settings() is not None, "asked for, it says so as well"
    bench.folders.settings_file.write_text("permissions: {deny: [Read]}\n")
    bench.events.clear()
    assert await bench.controller.reload_settings() is None
    told = await bench.until(ProxyStateChanged)
    assert (told.state.problems, bench.controller.state().problems) == ((), ()), "and the window is told"


@pytest.mark.expects_log("problem")
async def test_an_address_changed_by_hand_is_told_to_need_a_start_until_it_is_in_force(make: Make) -> None:
    bench = make(settings="server: {port: 4001}\n")
    await bench.controller.start()
    bench.folders.settings_file.write_text("server: {port: 4055}\nenvironment: development\n")
    bench.pass_time()
    done = await bench.until(ActionDone)
    assert done.text == "The settings that were changed on disk are in force, but for what needs a start"
    address, mode = bench.controller.state().problems
    assert address.title == "The new address is not in force"
    assert "127.0.0.1 port 4055, and Signalbox listens on 127.0.0.1 port 4001" in address.text
    assert (mode.title, "next start" in mode.text) == ("The new mode is not in force", True)

    bench.folders.settings_file.write_text("server: {port: 4055}\n")
    bench.desk.stop_proxy()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.STOPPED)
    bench.desk.start_proxy()
    told = await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.RUNNING)
    assert (told.state.url, told.state.problems) == ("http://127.0.0.1:4055", ())


async def test_another_file_of_mcp_servers_is_read_as_soon_as_the_settings_name_it(make: Make) -> None:
    bench = make(settings="{}\n")
    (bench.folders.config / "mcp_servers.yaml").write_text("servers: {box: {type: stdio, command: box}}\n")
    other = bench.folders.config / "other.yaml"
    other.write_text("servers: {crate: {type: stdio, command: crate}}\n")
    await bench.controller.start()
    assert [each.name for each in bench.controller.mcp_servers()] == ["box"]
    bench.folders.settings_file.write_text(f"mcp_config: {other}\n")
    bench.pass_time()
    await bench.until(ActionDone)
    assert [each.name for each in bench.controller.mcp_servers()] == ["crate"]
    other.write_text("servers: {barrel: {type: stdio, command: barrel}}\n")
    bench.pass_time()
    await bench.until(McpChanged, lambda _event: bench.controller.mcp_servers()[0].name == "barrel")

    bench.folders.settings_file.write_text("{}\n")
    assert await bench.controller.reload_settings() is None
    assert [each.name for each in bench.controller.mcp_servers()] == ["box"], "asked for, at once"


@pytest.mark.expects_log("hand_edit_not_taken")
async def test_mcp_servers_changed_by_hand_come_and_a_broken_edit_takes_none_away(make: Make) -> None:
    bench = make()
    file = bench.folders.config / "mcp_servers.yaml"
    await bench.controller.start()
    file.write_text("servers: {box: {type: stdio, command: box}}\n")
    bench.pass_time()
    await bench.until(McpChanged, lambda _event: bool(bench.controller.mcp_servers()))
    assert [each.name for each in bench.controller.mcp_servers()] == ["box"]
    file.write_text("servers: {box: {type: stdio\n")
    bench.pass_time()
    told = await bench.until(ProxyStateChanged, lambda event: bool(event.state.problems))
    assert [each.title for each in told.state.problems] == ["The MCP servers on disk are not in force"]
    assert f"{file}, line 2" in (await bench.controller.take_mcp_edit() or ""), (
        "asked for, it says so as well"
    )
    assert [each.name for each in bench.controller.mcp_servers()] == ["box"]


@pytest.mark.expects_log("mcp_file_unusable")
async def test_a_file_of_servers_that_is_broken_at_the_start_is_told_until_it_is_mended(make: Make) -> None:
    bench = make()
    file = bench.folders.config / "mcp_servers.yaml"
    file.write_text("servers: {box: {type: stdio\n")
    await bench.controller.start()
    told = await bench.until(ProxyStateChanged, lambda event: bool(event.state.problems))
    assert [each.title for each in told.state.problems] == ["No MCP server runs"]
    file.write_text("servers: {}\n")
    bench.pass_time()
    await bench.until(ProxyStateChanged, lambda event: not event.state.problems)


async def test_a_misspelt_provider_of_one_candidate_is_a_problem_with_the_near_miss(make: Make) -> None:
    bench = make(
        settings="providers: {openrouter: {base_url: 'https://openrouter.ai/api/v1'}}\n"
        "aliases: {big: {candidates: [{provider: openrouter, model: m}, {provider: openruoter, model: n}]}}\n"
    )
    (problem,) = bench.controller.state().problems
    assert problem.title == "Some names in the settings lead nowhere"
    assert problem.text == (
        "The alias big passes over a candidate: no provider 'openruoter' is configured; "
        "did you mean 'openrouter'?"
    )


@pytest.mark.expects_log("data_folder_in_use")
async def test_beside_another_signalbox_on_the_same_data_nothing_with_budgets_starts_and_the_way_out_is_told(
    make: Make,
) -> None:
    bench = make(settings="budgets: {day_usd: 5}\n")
    bench.folders.store.mkdir()
    lock = FolderLock(bench.folders.store)
    await bench.controller.start()
    state = bench.controller.state()
    assert (state.phase, state.url, bench.controller.supervisor) == (ProxyPhase.FAILED, None, None)
    assert f"Another Signalbox uses the data folder {bench.folders.state}" in state.problems[0].text
    assert "SIGNALBOX_HOME" in state.problems[0].text

    lock.release()
    bench.controller.start_proxy()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.RUNNING)
    bench.folders.settings_file.write_text("budgets: {day_usd: 6}\n")
    bench.pass_time()
    assert "in force" in (await bench.until(ActionDone)).text, "edits by hand are watched from then on"


@pytest.mark.expects_log("not_listening")
async def test_another_port_is_found_stored_and_used(make: Make) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        bench = make(settings=f"server: {{port: {taken}}}\n")
        bench.failure = OSError(errno.EADDRINUSE, "Address already in use")
        await bench.controller.start()
        assert bench.desk.state().is_port_in_use
        (problem,) = (each for each in bench.desk.state().problems if each.page == "home")
        assert problem.text.endswith("Stop that program, or use another port.")

        bench.failure = None
        bench.desk.use_another_port()
        event = await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.RUNNING)
    port = bench.configuration.settings.server.port
    assert port != taken
    assert (event.state.url, event.state.is_port_in_use) == (f"http://127.0.0.1:{port}", False)
    assert f"port: {port}" in bench.folders.settings_file.read_text()


@pytest.mark.expects_log("not_listening", "change_failed")
async def test_where_no_other_port_can_be_stored_it_says_so(make: Make) -> None:
    bench = make(settings="version: 1\n")
    bench.failure = OSError(errno.EADDRINUSE, "Address already in use")
    await bench.controller.start()
    bench.folders.settings_file.write_text("version: {\n")
    bench.desk.use_another_port()
    assert (await bench.until(ActionFailed)).title == "Another port could not be used"
    assert bench.desk.state().phase is ProxyPhase.FAILED


async def test_without_budgets_it_runs_beside_another_and_says_that_it_records_nothing(make: Make) -> None:
    bench = make(settings="version: 1\n")
    bench.folders.store.mkdir()
    lock = FolderLock(bench.folders.store)
    await bench.controller.start()
    state = bench.controller.state()
    assert state.phase is ProxyPhase.RUNNING
    (problem,) = state.problems
    assert problem.title == "Another Signalbox has the data folder"
    assert "not recorded" in problem.text
    lock.release()


@pytest.mark.expects_log("hand_edit_not_taken")
async def test_problems_come_with_the_worst_first(make: Make) -> None:
    bench = make(
        settings="providers: {openrouter: {base_url: 'https://openrouter.ai/api/v1', key: {env: NOT_SET}}}\n"
    )
    await bench.controller.start()
    server = bench.servers[0]
    used_up = BudgetState(Limit(("all", ""), "day", 1_000), 1_000, 0, date(2026, 11, 23))
    server.spent = replace(server.spent, budgets=(used_up,))
    bench.folders.settings_file.write_text("providers: {\n")
    bench.pass_time()
    told = await bench.until(ProxyStateChanged, lambda event: len(event.state.problems) == 3)
    assert [each.title for each in told.state.problems] == [
        "The settings on disk are not in force",
        "The daily budget for everything is used up",
        "openrouter: no key",
    ]
