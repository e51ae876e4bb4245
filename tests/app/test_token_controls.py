"""What the desk says of tokens and money, as the window asks it."""

from dataclasses import replace
from datetime import date
from hashlib import sha256

from app.hand_edits import LOOK_EVERY_S
from gui.desk import DeskEvent, ProxyStateChanged, TokenCreated, TokensChanged
from gui.spending import BudgetView, SpendingView, TokenDraft
from proxy.events import SpendingRead
from proxy.routing.budgets import BudgetState, Limit
from tests.app.controller_bench import OPENROUTER, Make


async def test_the_connect_lines_hold_the_token_and_the_shown_ones_do_not(make: Make) -> None:
    bench = make(variables={"SIGNALBOX_TOKEN": "t" * 30})
    await bench.controller.start()

    lines = bench.desk.connect_lines()

    assert lines.shell.get_secret_value() == (
        "export ANTHROPIC_BASE_URL=http://127.0.0.1:4000\nexport ANTHROPIC_AUTH_TOKEN=" + "t" * 30
    )
    assert "t" * 30 not in lines.shown + repr(lines)


async def test_a_token_is_announced_once_when_the_settings_have_it_and_revoked_for_good(make: Make) -> None:
    bench = make(settings=OPENROUTER)
    desk = bench.desk
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


async def test_what_was_spent_is_told_while_the_proxy_runs(make: Make) -> None:
    bench = make(settings=OPENROUTER)
    assert bench.desk.spending() is None
    await bench.controller.start()
    assert bench.desk.spending() == SpendingView(
        requests=2,
        input_tokens=80,
        output_tokens=20,
        cost_usd=0.0005,
        is_estimate=False,
        unpriced_usd=0.0004,
        month_cost_usd=0.001,
        budgets=(BudgetView("alias big", "day", 0.001, 0.0007, 0.0003, "2026-11-23", is_used_up=False),),
    )


async def test_a_budget_that_was_used_up_before_the_start_is_told_once_the_ledger_is_read(make: Make) -> None:
    bench = make()
    await bench.controller.start()
    server = bench.servers[0]
    used_up = BudgetState(Limit(("all", ""), "day", 1_000), 1_000, 0, date(2026, 11, 23))
    server.spent = replace(server.spent, budgets=(used_up,))
    bench.events.clear()
    server.emit(SpendingRead())
    told = await bench.until(ProxyStateChanged)
    assert [each.title for each in told.state.problems] == ["The daily budget for everything is used up"]


async def test_a_new_day_is_told_within_seconds_and_once(make: Make) -> None:
    bench = make()
    await bench.controller.start()
    told: list[DeskEvent] = []
    bench.controller.subscribe(told.append)
    bench.pass_time()
    await bench.has_looked()
    assert (told, set(bench.slept)) == ([], {LOOK_EVERY_S})
    bench.now += 86_400
    bench.pass_time()
    await bench.has_looked()
    assert [type(each) for each in told] == [ProxyStateChanged]
