"""The controller as the window meets it: what it is asked, what it announces, what stays on disk."""

import asyncio
import errno
import json
import socket
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gui.desk import (
    ActionDone,
    ActionFailed,
    AliasesChanged,
    AliasView,
    CandidateView,
    Desk,
    DeskEvent,
    ProviderDraft,
    ProvidersChanged,
    ProviderTested,
    ProxyPhase,
    ProxyStateChanged,
    SettingsChanged,
    TokenCreated,
    TokensChanged,
)
from gui.mcp_desk import McpChanged
from gui.spending import BudgetView, SpendingView, TokenDraft
from proxy.events import BreakerChanged, Exchange, RequestRefused
from proxy.mcp.values import ServerPhase, ServerStatus
from proxy.store.folder_lock import FolderLock
from tests.app.controller_bench import Bench, Make
from tests.app.test_secrets import Entries

KEY = "sk-or-" + "v1-" + "0a1b2c3d" * 8


def _desk(bench: Bench) -> Desk:
    return bench.controller


OPENROUTER = """providers:
  openrouter: {base_url: "https://openrouter.ai/api/v1", key: {keyring: openrouter}}  # mine
"""


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
    _desk(bench).stop_proxy()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.STOPPED)

    assert bench.servers[0].stopped == [30.0]
    assert _desk(bench).state().url is None
    _desk(bench).start_proxy()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.RUNNING)
    assert len(bench.servers) == 2


@pytest.mark.expects_log("not_listening")
async def test_a_port_in_use_is_told_with_its_way_out(make: Make) -> None:
    bench = make()
    bench.failure = OSError(errno.EADDRINUSE, "Address already in use")

    await bench.controller.start()

    state = _desk(bench).state()
    assert state.phase is ProxyPhase.FAILED
    assert "Port 4000 on 127.0.0.1 is in use" in state.problems[0].text
    assert f"in {bench.folders.settings_file}; then start again" in state.problems[0].text
    assert bench.controller.failure is not None
    assert bench.controller.failure.is_port_in_use
    bench.failure = None
    bench.folders.settings_file.write_text("server: {port: 4007}\n")
    _desk(bench).start_proxy()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.RUNNING)
    assert _desk(bench).state().problems == ()
    assert bench.servers[-1].config.server.port == 4007


@pytest.mark.expects_log("not_listening")
async def test_a_host_that_is_no_name_is_told_and_is_no_crash(make: Make) -> None:
    bench = make(settings="server: {host: 'a..b'}\n")
    bench.failure = UnicodeError("label empty or too long")

    await bench.controller.start()

    assert bench.controller.failure is not None
    assert bench.controller.failure.text.startswith("Cannot listen on a..b port 4000")


async def test_a_key_for_openrouter_is_all_it_takes(make: Make) -> None:
    bench = make()
    await bench.controller.start()

    _desk(bench).store_key("openrouter", SecretStr(KEY))
    await bench.until(ProvidersChanged)
    await bench.until(ActionDone)

    assert bench.keyring is not None
    assert bench.keyring.entries["openrouter"] == KEY
    (view,) = _desk(bench).providers()
    assert (view.name, view.key_source, view.has_key, view.key_hint) == (
        "openrouter",
        "in the keyring (openrouter)",
        True,
        "••••2c3d",
    )
    config = bench.servers[0].applied[-1]
    assert config.providers["openrouter"].key == SecretStr(KEY)
    assert not _desk(bench).state().is_demo
    assert "openrouter: {dialect: openai-chat" in bench.folders.settings_file.read_text()
    assert not [
        each
        for each in bench.folders.config.rglob("*")
        if each.is_file() and KEY.encode() in each.read_bytes()
    ]


async def test_a_lost_key_is_a_problem_and_never_the_demo(make: Make) -> None:
    bench = make(Entries({"openrouter": KEY}), settings=OPENROUTER)
    await bench.controller.start()
    assert _desk(bench).state().problems == ()

    _desk(bench).delete_key("openrouter")
    await bench.until(ActionDone)

    config = bench.servers[0].applied[-1]
    assert config.providers["openrouter"].key is None
    assert config.providers["openrouter"].key_missing is not None
    assert "no entry 'openrouter'" in config.providers["openrouter"].key_missing
    assert not _desk(bench).state().is_demo
    assert _desk(bench).state().problems[0].page == "providers"


@pytest.mark.expects_log("change_failed")
async def test_a_keyring_that_cannot_be_used_is_told_and_nothing_is_stored(make: Make) -> None:
    bench = make(Entries(failure=OSError("gone")), settings=OPENROUTER)
    await bench.controller.start()

    _desk(bench).store_key("openrouter", SecretStr(KEY))
    failed = await bench.until(ActionFailed)

    assert failed.title == "The key of openrouter was not stored"
    assert "the connection to the keyring broke" in failed.text
    assert KEY not in failed.text


async def test_a_provider_is_added_changed_renamed_and_removed_with_the_rest_of_the_file_kept(
    make: Make,
) -> None:
    text = OPENROUTER + "unknown_models: {provider: openrouter}\nfuture: [1,2]  # theirs\n"
    bench = make(settings=text)
    await bench.controller.start()
    desk = _desk(bench)

    assert (
        desk.save_provider(
            ProviderDraft("local", "openai-chat", "http://127.0.0.1:1/v1", needs_key=False), replaces=None
        )
        is None
    )
    await bench.until(ActionDone)
    assert [each.name for each in desk.providers()] == ["openrouter", "local"]
    assert desk.providers()[1].key_source == "none needed"

    draft = ProviderDraft("or2", "openai-chat", "https://openrouter.ai/api/v1")
    assert desk.save_provider(draft, replaces="openrouter") is None
    await bench.until(ActionDone, lambda event: "or2" in event.text)
    stored = bench.folders.settings_file.read_text()
    assert "  or2: {base_url:" in stored
    assert "# mine" in stored
    assert "unknown_models: {provider: or2}" in stored
    assert "future: [1,2]  # theirs" in stored
    assert "key: {keyring: openrouter}" in stored, "the key stays where it was"

    before = bench.configuration.loaded.document.raw["providers"]["or2"]
    desk.remove_provider("or2")
    await bench.until(ActionDone)
    assert [each.name for each in desk.providers()] == ["local"]
    assert desk.restore_provider("or2") is None
    await bench.until(ActionDone)
    assert bench.configuration.loaded.document.raw["providers"]["or2"] == before
    assert desk.restore_provider("or2") == "there is a provider 'or2' already"


@pytest.mark.parametrize(
    ("draft", "replaces", "words"),
    [
        (ProviderDraft("openrouter", "openai-chat", "https://a.example"), None, "already"),
        (ProviderDraft("x", "openai-chat", "http://a.example"), None, "use https"),
        (ProviderDraft("x", "openai-chat", "nonsense"), None, "whole address"),
        (ProviderDraft(" ", "openai-chat", "https://a.example"), None, "name"),
        (ProviderDraft("x", "soap", "https://a.example"), None, "openai-chat"),
        (ProviderDraft("x", "openai-chat", "https://a.example", key_env="no good"), None, "pattern"),
        (ProviderDraft("x", "openai-chat", "https://a.example"), "gone", "any more"),
    ],
)
async def test_a_provider_that_cannot_work_is_refused_at_once(
    make: Make, draft: ProviderDraft, replaces: str | None, words: str
) -> None:
    bench = make(settings=OPENROUTER)

    problem = _desk(bench).save_provider(draft, replaces=replaces)

    assert problem is not None
    assert words in problem
    assert bench.folders.settings_file.read_text() == OPENROUTER


async def test_a_provider_that_only_the_environment_names_is_not_removed(make: Make) -> None:
    bench = make(variables={"OPENROUTER_API_KEY": KEY})
    await bench.controller.start()

    refusal = _desk(bench).remove_provider("openrouter")

    assert refusal == "openrouter is there because OPENROUTER_API_KEY is set; unset it and start again"
    assert [each.name for each in _desk(bench).providers()] == ["openrouter"]


async def test_a_test_before_the_keys_are_known_says_so(make: Make) -> None:
    bench = make(settings="providers:\n  a: {base_url: 'https://a.example'}\n")

    _desk(bench).test_provider("a")

    assert (await bench.until(ProviderTested)).text == "its key is still being looked up"


@pytest.mark.expects_log("change_failed")
async def test_a_failed_write_is_told_and_the_old_settings_stay(make: Make) -> None:
    bench = make(settings=OPENROUTER)
    await bench.controller.start()
    bench.folders.settings_file.write_text("providers: [")

    _desk(bench).set_theme("dark")
    failed = await bench.until(ActionFailed)

    assert "line 1" in failed.text
    assert bench.folders.settings_file.read_text() == "providers: ["
    assert _desk(bench).theme() == "system"


async def test_a_test_of_a_provider_tells_what_was_found_without_the_key(make: Make) -> None:
    bench = make(Entries({"openrouter": KEY}), settings=OPENROUTER)
    await bench.controller.start()

    _desk(bench).test_provider("openrouter")
    tested = await bench.until(ProviderTested)
    _desk(bench).test_provider("nobody")
    missing = await bench.until(ProviderTested)

    assert tested == ProviderTested("openrouter", True, "took the key [redacted]")
    assert bench.probed[0].base_url == "https://openrouter.ai/api/v1"
    assert not missing.is_ok


async def test_what_a_name_resolves_to_heeds_the_rules(make: Make) -> None:
    rules = (
        "aliases: {big: {candidates: [{provider: openrouter, model: b}]},"
        " small: {candidates: [{provider: openrouter, model: s}]}}\n"
        "routes: [{when: {min_tokens: 60000}, use: small}, {when: {model: odd}, use: small}]\n"
    )
    bench = make(Entries({"openrouter": KEY}), settings=OPENROUTER + rules)
    await bench.controller.start()
    but = "; but rule 1 sends it to small where it has at least 60,000 tokens"
    desk = _desk(bench)
    assert desk.resolve("big").text == "'big' is the alias big → openrouter / b" + but
    odd = "rule 2 sends 'odd' to small: the model matches odd → openrouter / s"
    assert desk.resolve("odd").text == odd + but


async def test_aliases_are_edited_resolved_and_kept_in_order(make: Make) -> None:
    bench = make(Entries({"openrouter": KEY}), settings=OPENROUTER)
    await bench.controller.start()
    desk = _desk(bench)
    assert [each.name for each in desk.aliases()] == ["big", "small"]
    assert desk.resolve("claude-sonnet-5-5").text == (
        "'claude-sonnet-5-5' matches claude-*sonnet* of the alias big"
        " → openrouter / anthropic/claude-sonnet-4"
    )

    alias = AliasView("large", ("claude-*",), (CandidateView("openrouter", "vendor/model"),))
    assert desk.save_alias(alias, replaces="big") is None
    await bench.until(AliasesChanged)

    assert [each.name for each in desk.aliases()] == ["large", "small"]
    assert desk.resolve("claude-haiku-4-5").text.endswith("of the alias large → openrouter / vendor/model")
    assert bench.servers[0].applied[-1].aliases[0].match == ("claude-*",)
    desk.remove_alias("small")
    await bench.until(AliasesChanged)
    assert [each.name for each in desk.aliases()] == ["large"]
    unserved = desk.resolve("nonsense")
    assert not unserved.is_served
    assert desk.restore_alias("small") is None
    await bench.until(AliasesChanged)
    assert [each.name for each in desk.aliases()] == ["large", "small"]
    assert desk.restore_alias("never") == "no alias 'never' was removed since the start"


async def test_an_alias_that_a_token_is_held_to_takes_the_token_along_when_it_is_renamed(make: Make) -> None:
    held = f"tokens: {{ci: {{hash: 'sha256:{'0' * 64}', aliases: [small, big]}}}}\n"
    bench = make(Entries({"openrouter": KEY}), settings=OPENROUTER + held)
    await bench.controller.start()
    desk = _desk(bench)
    assert desk.save_alias(replace(desk.aliases()[0], name="large"), replaces="big") is None
    await bench.until(AliasesChanged)
    applied = bench.servers[0].applied[-1]
    assert [each.name for each in applied.aliases] == ["large", "small"]
    assert applied.server.client_tokens[0].aliases == ("small", "large")


async def test_a_model_of_the_environment_is_shown_and_never_written_down(make: Make) -> None:
    bench = make(Entries({"openrouter": KEY}), {"BIG_MODEL": "vendor/huge"}, OPENROUTER)
    await bench.controller.start()
    desk = _desk(bench)
    big = desk.aliases()[0]
    assert big.candidates == (CandidateView("openrouter", "vendor/huge"),)

    assert desk.save_alias(replace(big, match=("claude-*",)), replaces="big") is None
    await bench.until(AliasesChanged)

    assert desk.aliases()[0] == replace(big, match=("claude-*",))
    assert "vendor/huge" not in bench.folders.settings_file.read_text()
    other = replace(big, candidates=(*big.candidates, CandidateView("openrouter", "vendor/next")))
    assert desk.save_alias(other, replaces="big") is None
    await bench.until(AliasesChanged)
    written = bench.folders.settings_file.read_text()
    assert "vendor/huge" not in written
    assert "vendor/next" in written


async def test_an_alias_with_a_mistyped_provider_is_refused_with_the_near_miss(make: Make) -> None:
    bench = make(settings=OPENROUTER)

    problem = _desk(bench).save_alias(AliasView("x", (), (CandidateView("openruter", "m"),)), replaces=None)

    assert problem == "there is no provider 'openruter'; did you mean 'openrouter'?"


async def test_an_alias_whose_provider_has_no_key_is_said_to_be_unserved(make: Make) -> None:
    bench = make(settings=OPENROUTER)
    await bench.controller.start()

    resolution = _desk(bench).resolve("big")

    assert not resolution.is_served
    assert resolution.text.endswith("but its key is missing")


async def test_broken_settings_are_set_aside_and_every_request_is_refused_with_the_reason(make: Make) -> None:
    bench = make(settings="providers:\n  a: {base_url: ftp}\n")
    await bench.controller.start()

    config = bench.servers[0].config
    (refusing,) = config.providers.values()
    assert refusing.key_missing is not None
    assert "line 2, column 17" in refusing.key_missing
    assert config.unknown_models == refusing.name
    state = _desk(bench).state()
    assert not state.is_demo
    assert "set aside untouched" in state.problems[0].text
    (aside,) = bench.folders.config.glob("settings.broken-*.yaml")
    assert aside.read_text() == "providers:\n  a: {base_url: ftp}\n"
    assert _desk(bench).providers() == ()
    assert not _desk(bench).resolve("big").is_served


async def test_settings_set_aside_are_remembered_at_the_next_start_until_new_ones_are_saved(
    make: Make, tmp_path: Path
) -> None:
    make(settings="providers:\n  a: {base_url: ftp}\n")

    again = make()
    assert again.configuration.loaded.error is not None
    await again.controller.start()
    _desk(again).store_key("openrouter", SecretStr(KEY))
    await again.until(ActionDone)

    assert _desk(again).state().problems == ()
    assert list(again.servers[0].applied[-1].providers) == ["openrouter"]
    assert make().configuration.loaded.error is None


async def test_unusable_settings_are_not_replaced_by_ones_without_a_provider(make: Make) -> None:
    bench = make(settings="providers:\n  a: {base_url: ftp}\n")
    await bench.controller.start()

    _desk(bench).set_theme("dark")
    failed = await bench.until(ActionFailed)

    assert "add a provider" in failed.text
    assert not bench.folders.settings_file.exists()
    assert not _desk(bench).state().is_demo


async def test_settings_set_aside_stay_unusable_when_the_proxy_is_started_or_told_to_reload(
    make: Make,
) -> None:
    bench = make(settings="providers:\n  a: {base_url: ftp}\n")
    await bench.controller.start()

    assert await bench.controller.reload_settings() is not None
    assert not _desk(bench).state().is_demo
    (aside,) = bench.folders.config.glob("settings.broken-*.yaml")
    aside.unlink()
    bench.folders.settings_file.write_text(OPENROUTER)
    assert await bench.controller.reload_settings() is None
    assert [each.name for each in _desk(bench).providers()] == ["openrouter"]


async def test_settings_of_a_newer_version_stay_where_they_are_and_are_not_changed(make: Make) -> None:
    bench = make(settings="version: 7\n")
    await bench.controller.start()

    assert "a newer Signalbox" in _desk(bench).state().problems[0].text
    _desk(bench).set_theme("dark")
    failed = await bench.until(ActionFailed)
    assert "newer" in failed.text
    assert bench.folders.settings_file.read_text() == "version: 7\n"


async def test_an_exchange_is_kept_announced_by_its_id_and_shown_without_secrets(make: Make) -> None:
    bench = make(Entries({"openrouter": KEY}), settings=OPENROUTER)
    await bench.controller.start()

    bench.servers[0].emit(
        Exchange(
            "req_1", client_request=f'{{"x":"{KEY}"}}', upstream_headers={"authorization": f"Bearer {KEY}"}
        )
    )
    announced = await bench.until(Exchange)
    shown = _desk(bench).exchange("req_1")

    assert announced == Exchange("req_1")
    assert shown is not None
    assert shown.client_request == '{"x":"[redacted]"}'
    assert KEY not in repr(shown)
    assert _desk(bench).exchange("req_2") is None


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
    assert _desk(bench).state().phase is ProxyPhase.RUNNING


async def test_quitting_stops_the_proxy_first_and_lets_requests_finish(make: Make) -> None:
    bench = make()
    await bench.controller.start()

    _desk(bench).quit()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.STOPPED)
    assert bench.servers[0].stopped == [30.0]


async def test_quitting_now_waits_for_no_request(make: Make) -> None:
    bench = make()
    await bench.controller.start()
    _desk(bench).quit(now=True)
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.STOPPED)
    assert bench.servers[0].stopped == [0.0]


async def test_asked_again_while_requests_finish_it_ends_them_and_then_itself_in_order(make: Make) -> None:
    bench = make()
    await bench.controller.start()
    server = bench.servers[0]
    server.drained = asyncio.Event()

    _desk(bench).quit()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.STOPPING)
    assert (bench.quits, server.stopped) == (0, [30.0])
    _desk(bench).quit()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.STOPPED)
    assert server.stopped == [30.0, 0.0]


async def test_asked_a_third_time_it_ends_without_order(make: Make) -> None:
    bench = make()
    await bench.controller.start()
    for asked in range(3):
        assert bench.quits == 0, asked
        _desk(bench).quit()
    assert bench.quits == 1


async def test_the_connect_lines_hold_the_token_and_the_shown_ones_do_not(make: Make) -> None:
    bench = make(variables={"SIGNALBOX_TOKEN": "t" * 30})
    await bench.controller.start()

    lines = _desk(bench).connect_lines()

    assert lines.shell.get_secret_value() == (
        "export ANTHROPIC_BASE_URL=http://127.0.0.1:4000\nexport ANTHROPIC_AUTH_TOKEN=" + "t" * 30
    )
    assert "t" * 30 not in lines.shown + repr(lines)


async def test_the_theme_is_stored(make: Make) -> None:
    bench = make(settings=OPENROUTER)
    await bench.controller.start()

    _desk(bench).set_theme("dark")
    await bench.until(SettingsChanged)
    _desk(bench).set_theme("pink")
    failed = await bench.until(ActionFailed)

    assert _desk(bench).theme() == "dark"
    assert "theme" in failed.text


async def test_a_token_is_announced_once_when_the_settings_have_it_and_revoked_for_good(make: Make) -> None:
    bench = make(settings=OPENROUTER)
    desk = _desk(bench)
    await bench.controller.start()

    assert desk.create_token(TokenDraft("local")) is not None
    assert desk.create_token(TokenDraft("phone", day_usd=2.5, aliases=("big",))) is None
    created = await bench.until(TokenCreated)

    assert created.name == "phone"
    (token,) = bench.servers[0].applied[-1].server.client_tokens
    assert token.digest == sha256(created.value.get_secret_value().encode()).hexdigest()
    assert token.budgets.day_micro_usd == 2_500_000
    assert created.value.get_secret_value() not in bench.folders.settings_file.read_text()
    (view,) = desk.tokens()
    assert (view.name, view.aliases, view.last_used, view.month_cost_usd) == (
        "phone",
        ("big",),
        "2026-11-21",
        0.0007,
    )
    assert desk.revoke_token("phone") is None
    await bench.until(TokensChanged)
    assert desk.tokens() == ()
    assert bench.servers[0].applied[-1].server.client_tokens == ()
    assert desk.revoke_token("phone") == "there is no token 'phone'"


async def test_models_that_rest_are_told_while_the_proxy_runs(make: Make) -> None:
    bench = make(settings=OPENROUTER)
    assert _desk(bench).breakers() == ()
    await bench.controller.start()
    resting = BreakerChanged("openrouter", "some/model", "open", "5 failures in 30 s.", 48.0)
    bench.servers[0].resting.append(resting)
    assert _desk(bench).breakers() == (resting,)


async def test_what_was_spent_is_told_while_the_proxy_runs(make: Make) -> None:
    bench = make(settings=OPENROUTER)
    assert _desk(bench).spending() is None
    await bench.controller.start()
    assert _desk(bench).spending() == SpendingView(
        requests=2,
        input_tokens=80,
        output_tokens=20,
        cost_usd=0.0005,
        is_estimate=False,
        unpriced_usd=0.0004,
        month_cost_usd=0.001,
        budgets=(BudgetView("alias big", "day", 0.001, 0.0007, 0.0003, "2026-11-23", is_used_up=False),),
    )


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


async def test_settings_changed_by_hand_come_into_force_by_themselves(make: Make) -> None:
    bench = make(settings="permissions: {deny: [Bash]}\n")
    await bench.controller.start()
    bench.folders.settings_file.write_text("permissions: {deny: [Bash, WebFetch]}\n")
    bench.pass_time()
    done = await bench.until(ActionDone)
    assert done.text == "The settings that were changed on disk are in force"
    assert bench.servers[0].applied[-1].permissions.sources[0].deny == ("Bash", "WebFetch")


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
    assert await bench.controller.reload_settings() is None
    assert bench.controller.state().problems == ()


@pytest.mark.expects_log("hand_edit_not_taken")
async def test_mcp_servers_changed_by_hand_come_and_a_broken_edit_takes_none_away(make: Make) -> None:
    bench = make()
    file = bench.folders.config / "mcp_servers.yaml"
    await bench.controller.start()
    file.write_text("servers: {box: {type: stdio, command: box}}\n")
    bench.pass_time()
    await bench.until(McpChanged)
    assert [each.name for each in bench.controller.mcp_servers()] == ["box"]
    file.write_text("servers: {box: {type: stdio\n")
    bench.pass_time()
    told = await bench.until(ProxyStateChanged, lambda event: bool(event.state.problems))
    assert [each.title for each in told.state.problems] == ["The MCP servers on disk are not in force"]
    assert f"{file}, line 2" in (await bench.controller.reload_settings() or ""), (
        "asked for, it says so as well"
    )
    assert [each.name for each in bench.controller.mcp_servers()] == ["box"]


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
    assert (state.phase, bench.servers, bench.controller.supervisor) == (ProxyPhase.FAILED, [], None)
    assert f"Another Signalbox uses the data folder {bench.folders.state}" in state.problems[0].text
    assert "SIGNALBOX_HOME" in state.problems[0].text

    lock.release()
    bench.controller.start_proxy()
    await bench.until(ProxyStateChanged, lambda event: event.state.phase is ProxyPhase.RUNNING)


@pytest.mark.expects_log("not_listening")
async def test_another_port_is_found_stored_and_used(make: Make) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        bench = make(settings=f"server: {{port: {taken}}}\n")
        bench.failure = OSError(errno.EADDRINUSE, "Address already in use")
        await bench.controller.start()
        assert _desk(bench).state().is_port_in_use

        bench.failure = None
        _desk(bench).use_another_port()
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
    _desk(bench).use_another_port()
    assert (await bench.until(ActionFailed)).title == "Another port could not be used"
    assert _desk(bench).state().phase is ProxyPhase.FAILED


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
