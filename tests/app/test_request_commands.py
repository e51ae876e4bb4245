"""`signalbox requests` as scripts and people use it."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import pytest

from app.exchange_folder import ExchangeFolder
from app.exit_codes import FAILED, OK
from app.paths import Folders
from app.redaction import Redactor
from app.request_commands import list_requests, show_request
from proxy.events import Exchange, ToolDecided, ToolResult, UpstreamExchange
from proxy.store.database import open_database
from proxy.store.decisions import DecisionStore
from proxy.store.ledger import LedgerStore
from proxy.store.ledger_values import Entry, RequestRow
from tests.app.test_cli import TOKEN, Shell
from tests.proxy.store.test_ledger import ATTEMPTS, DAY, NOW, ROW


@pytest.fixture
async def places(tmp_path: Path) -> Folders:
    """A data folder with one request in its ledger, and no program that runs."""
    return await _with(tmp_path, ROW)


async def _with(home: Path, row: RequestRow) -> Folders:
    places = Folders(config=home, state=home, runtime=home / "run")
    places.store.mkdir(exist_ok=True)
    database = await open_database(places.store, NOW)
    attempts = tuple(each._replace(request_id=row.id) for each in ATTEMPTS)
    await LedgerStore(database).write([], [Entry(DAY, row, attempts)])
    await database.close()
    return places


def test_a_request_is_a_line_with_who_served_it_how_it_ended_and_its_cost(
    places: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list_requests(places, 9, as_json=False) == OK
    columns = capsys.readouterr().out.removesuffix("\n").split("\t")
    assert columns[1:] == ["req_1", "ci", "big -> one/m", "200", "80 in, 20 out", "$0.000700", "0.03 s"]


def test_as_json_a_script_has_every_field(places: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    assert list_requests(places, 9, as_json=True) == OK
    facts = json.loads(capsys.readouterr().out)
    assert (facts["id"], facts["cost_usd"], facts["cost_source"]) == ("req_1", 0.0007, "upstream")
    assert facts["started"].startswith(("1970-01-01T", "1969-12-31T"))

    assert show_request(places, "req_1", as_json=True) == OK
    shown = json.loads(capsys.readouterr().out)
    assert shown["attempts"][0] == {
        "n": 1,
        "provider": "one",
        "model": "m",
        "reason": "first",
        "outcome": "overloaded_error",
        "duration_ms": 3,
    }


def test_one_request_tells_each_attempt_and_why_it_was_made(
    places: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_request(places, "req_1", as_json=False) == OK
    out = capsys.readouterr().out
    assert (
        "attempt 1:    one / m: overloaded_error, 3 ms\n"
        "  why:        first\n"
        "attempt 2:    two / n: ok, 31 ms\n"
        "  why:        second\n"
    ) in out
    assert "cost:         $0.000700, as the provider stated\n" in out


async def _with_bodies(home: Path) -> Folders:
    """The same, and what the disk keeps of its two sides and of a tool between its attempts."""
    places = await _with(home, ROW)
    key = "sk-" + "or-v1-" + "0123456789abcdef" * 4
    decision = ToolDecided(
        "req_1", NOW + 2, "toolu_1", "Bash", f'{{"command":"echo {key}"}}', "signalbox", "allow",
        "a rule matches", "Bash(echo *)", "settings", "rule", ran=True, exit_code=0, result_bytes=12,
        duration_s=0.25,
    )  # fmt: skip
    database = await open_database(places.store, NOW)
    await DecisionStore(database).append([decision])
    await database.close()
    first = UpstreamExchange(
        1, 1, "one", "m", "first", NOW, duration_s=0.3, first_byte_s=0.29, key="key 1 of 2", status=529,
        outcome="overloaded_error", error_message="Overloaded", request='{"a":1}', reply="busy\x1b[2J",
        results=(ToolResult("toolu_1", "Bash", "lamp is lit"),),
    )  # fmt: skip
    second = UpstreamExchange(
        2, 2, "two", "n", "second", NOW + 3, duration_s=1.5, status=200, input_tokens=10, output_tokens=20,
        cache_read_tokens=5, stop_reason="end_turn", is_dropped=True,
    )  # fmt: skip
    exchange = Exchange("req_1", "asked this", "told that", upstream=(first, second))
    ExchangeFolder(places.bodies, Redactor(), lambda: NOW).write(exchange, is_failed=False)
    return places


async def test_what_the_disk_keeps_of_each_attempt_and_tool_is_told_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = await _with_bodies(tmp_path)
    assert show_request(places, "req_1", as_json=False) == OK
    out = capsys.readouterr().out
    assert (
        "attempt 1:    one / m: overloaded_error, 3 ms\n"
        "  why:        first\n"
        "  answered:   529, first byte after 0.29 s, all after 0.30 s\n"
        "  key:        key 1 of 2\n"
        "  error:      Overloaded\n"
        "tool:         Bash: allowed by Bash(echo *), exit 0 after 0.25 s, 12 bytes\n"
        '  call:       {"command":"echo [redacted]"}\n'
        "  result:     lamp is lit\n"
        "attempt 2:    two / n: ok, 31 ms\n"
        "  why:        second\n"
        "  answered:   200\n"
        "  round:      2: asked again after tools ran\n"
        "  tokens:     10 in, 20 out, 5 read from cache, 0 written\n"
        "  stopped by: end_turn\n"
    ) in out
    assert out.endswith("bodies:       kept; --bodies prints them\n")


async def test_bodies_are_printed_on_demand_and_give_the_terminal_no_orders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = await _with_bodies(tmp_path)
    assert show_request(places, "req_1", as_json=False, with_bodies=True) == OK
    out = capsys.readouterr().out
    assert '\n--- client request\nasked this\n\n--- attempt 1: sent\n{"a":1}\n' in out
    assert "--- attempt 2: came back\n\n(not kept: those of later attempts took the room)\n" in out
    assert "busy" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("with_bodies", [False, True])
async def test_as_json_the_attempts_and_tools_have_every_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], with_bodies: bool
) -> None:
    places = await _with_bodies(tmp_path)
    assert show_request(places, "req_1", as_json=True, with_bodies=with_bodies) == OK
    facts = json.loads(capsys.readouterr().out)
    first, second = facts["attempts"]
    assert (first["status"], first["key"], first["duration_ms"]) == (529, "key 1 of 2", 3)
    assert (second["round"], second["cache_read_tokens"], second["is_dropped"]) == (2, 5, True)
    assert facts["bodies_kept"] is True
    assert [(each["tool"], each["result"]) for each in facts["tools"]] == [("Bash", "lamp is lit")]
    assert first.get("request") == ('{"a":1}' if with_bodies else None)
    assert facts.get("client_reply") == ("told that" if with_bodies else None)


async def test_without_bodies_on_the_disk_tools_are_told_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = await _with_bodies(tmp_path)
    for file in places.bodies.glob("*/*.json"):
        file.unlink()
    assert show_request(places, "req_1", as_json=False, with_bodies=True) == OK
    out = capsys.readouterr().out
    assert "tool:         Bash: allowed by Bash(echo *)" in out
    assert out.endswith("bodies:       not kept on the disk\n")


async def test_what_a_client_said_gives_the_terminal_no_orders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = await _with(tmp_path, ROW._replace(model_asked="a\x1b[2J\u202e\tb\nc"))
    assert list_requests(places, 9, as_json=False) == OK
    assert show_request(places, "req_1", as_json=False) == OK
    out = capsys.readouterr().out
    assert not {"\x1b", "\u202e"} & set(out)
    assert out.splitlines()[0].count("\t") == 7


async def test_a_request_that_a_crash_cut_off_and_one_without_a_price_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await _with(tmp_path, ROW._replace(outcome="interrupted", status=None, total_ms=None))
    places = await _with(tmp_path, ROW._replace(id="req_2", started_us=9, cost_source="unknown"))
    assert list_requests(places, 1, as_json=False) == OK
    assert "req_2" in capsys.readouterr().out
    assert show_request(places, "req_1", as_json=False) == OK
    assert show_request(places, "req_2", as_json=False) == OK
    out = capsys.readouterr().out
    assert "ended:        interrupted\n" in out
    assert "cost:         $0.000700 at most: what was set aside for it counts as spent\n" in out
    assert "cost:         not known: nobody told a price; $0.000700 counts against budgets\n" in out


async def test_a_request_that_nobody_was_asked_about_cost_nothing_by_no_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unserved = ROW._replace(provider=None, model_used=None, cost_micro_usd=0, cost_source="price list")
    places = await _with(tmp_path, unserved)
    assert show_request(places, "req_1", as_json=False) == OK
    assert "cost:         none: no provider was asked\n" in capsys.readouterr().out


def test_an_unknown_id_is_said(places: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_request(places, "req_2", as_json=False) == FAILED
    assert "no request 'req_2'" in capsys.readouterr().err


def test_a_ledger_that_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = Folders(config=tmp_path, state=tmp_path, runtime=tmp_path / "run")
    places.store.mkdir()
    (places.store / "signalbox.db").write_bytes(b"no database, but long enough to be one" * 40)
    assert list_requests(places, 9, as_json=False) == FAILED
    assert show_request(places, "req_1", as_json=False) == FAILED
    assert capsys.readouterr().err.count("damaged") == 2


async def test_it_works_beside_a_program_that_runs_and_after_it_has_ended(
    shell: Shell, token_file: Path
) -> None:
    code, out, err = await shell.run("requests")
    assert (code, out, err) == (0, "", "signalbox: No request was kept yet.\n")
    serve = await shell.start("serve", "--port", "0", "--token-file", str(token_file))
    url = await serve.listening()
    body = {"model": "claude-sonnet-5-5", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/messages", json=body, headers={"x-api-key": TOKEN}) as response,
    ):
        request_id = response.headers["request-id"]
    code, _out, err = await shell.run("requests", "--limit", "5", "--json")
    assert (code, "Traceback" in err) == (0, False)
    serve.process.terminate()
    await serve.end()

    code, out, err = await shell.run("requests", "show", request_id)
    assert (code, err) == (0, "")
    assert "attempt 1:" in out
    assert "  why:" in out
    code, out, _err = await shell.run("requests", "--json")
    assert [json.loads(line)["id"] for line in out.splitlines()] == [request_id]


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
async def test_a_limit_that_is_none_is_refused(shell: Shell, limit: str) -> None:
    code, out, err = await shell.run("requests", f"--limit={limit}")
    assert (code, out) == (2, "")
    assert "no number of things" in err
