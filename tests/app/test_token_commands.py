"""`signalbox tokens` as scripts use it, beside a program that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

import pytest

from app.control_answers import answers
from app.exit_codes import BROKEN_SETTINGS, FAILED
from app.instance import ControlChannel, Reply, Verb, Words
from app.mcp_commands import mcp_command
from app.paths import Folders
from app.token_commands import create_token, revoke_token
from gui.spending import TokenDraft
from tests.app.controller_bench import Make
from tests.app.shell import TOKEN, Shell, ask

TODAY = date(2026, 11, 22)
SETTINGS = f"version: 1\ntokens: {{ci: {{hash: 'sha256:{'0' * 64}'}}}}\n"


async def test_a_token_is_printed_once_opens_a_running_program_and_is_revoked_at_once(
    shell: Shell, home: Path, tmp_path: Path
) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN + "\n")
    token_file.chmod(0o600)
    serve = await shell.start("serve", "--port", "0", "--token-file", str(token_file))
    url = await serve.listening()

    code, out, err = await shell.run("tokens", "create", "phone", "--day-usd", "2.5")
    assert (code, err) == (0, "")
    token = out.removesuffix("\n")
    assert token.startswith("sbx_")
    assert "\n" not in token
    assert (await ask(url, token))[0] == 200

    code, out, _err = await shell.run("tokens", "list")
    assert (code, out.split("\t")[:2]) == (0, ["phone", token[:8] + "…"])
    assert "$2.5 a day\tall models" in out

    code, out, err = await shell.run("tokens", "revoke", "phone")
    assert (code, out, err) == (0, "", "signalbox: The token 'phone' is revoked.\n")
    assert (await ask(url, token))[0] == 401
    assert (await ask(url, TOKEN))[0] == 200

    serve.process.terminate()
    _code, out, err = await serve.end()
    assert token not in out + err
    written = [each for each in (home / "signalbox").rglob("*") if each.is_file()]
    assert not [each for each in written if token.encode() in each.read_bytes()]


async def test_without_a_running_program_it_works_on_the_settings_alone(shell: Shell) -> None:
    code, out, _err = await shell.run("tokens", "create", "ci", "--month-usd", "1", "--alias", "big")
    assert (code, out.count("\n")) == (0, 1)
    assert await shell.run("tokens", "create", "ci") == (
        1,
        "",
        "signalbox: there is a token 'ci' already; revoke it first, or choose another name\n",
    )
    code, out, err = await shell.run("tokens", "revoke", "cii")
    assert (code, out, err) == (1, "", "signalbox: there is no token 'cii'; did you mean 'ci'?\n")
    code, out, _err = await shell.run("tokens", "list")
    assert out.split("\t")[3:] == ["$1 a month", "big", "default workspace\n"]


async def test_a_token_works_in_the_workspace_it_is_made_for(shell: Shell, home: Path) -> None:
    folder = home / "signalbox-config"
    variables = {"SIGNALBOX_HOME": str(folder)}
    code, out, err = await shell.run("tokens", "create", "ci", "--workspace", "site", variables=variables)
    assert (code, out, err) == (1, "", "signalbox: no workspace 'site'\n")
    (folder / "settings.yaml").write_text("version: 1\nworkspaces: {site: {root: /srv/site}}\n")
    code, _out, _err = await shell.run("tokens", "create", "ci", "--workspace", "site", variables=variables)
    assert code == 0
    _code, out, _err = await shell.run("tokens", "list", variables=variables)
    assert out.split("\t")[5:] == ["site\n"]


@pytest.mark.parametrize("amount", ["-1", "much", "nan", "inf"])
async def test_an_amount_that_is_none_is_refused(shell: Shell, amount: str) -> None:
    code, out, err = await shell.run("tokens", "create", "ci", f"--day-usd={amount}")
    assert (code, out) == (2, "")
    assert "no amount" in err


def _settings_below(home: Path) -> list[Path]:
    return list(home.rglob("settings.yaml"))


async def test_beside_a_program_with_settings_of_its_own_no_token_is_made_that_would_open_nothing(
    shell: Shell, home: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "mine.yaml"
    settings.write_text(f"version: 1\ntokens: {{theirs: {{hash: 'sha256:{'0' * 64}'}}}}\n")
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN + "\n")
    token_file.chmod(0o600)
    words = ("--port", "0", "--settings", str(settings), "--token-file", str(token_file))
    serve = await shell.start("serve", *words)
    await serve.listening()
    before = settings.read_text()

    for verb in ("create", "revoke"):
        code, out, err = await shell.run("tokens", verb, "theirs")
        assert (code, out) == (1, "")
        assert f"uses {settings}, which was given on its command line" in err
    code, out, _err = await shell.run("tokens", "list")
    assert (code, out.split("\t")[0]) == (0, "theirs")
    _code, out, _err = await shell.run("doctor")
    assert f"with the settings {settings}" in out
    assert settings.read_text() == before
    assert not _settings_below(home)


async def test_a_program_that_does_not_take_a_token_over_is_told_of(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = make(settings="version: 1\n")
    settled = answers(bench.controller, has_window=False)

    def answer(verb: Verb, words: Words) -> Reply | Awaitable[Reply]:
        return Reply(is_ok=False, text="no") if verb == "reload" else settled(verb, words)

    channel = ControlChannel(bench.folders.runtime, answer)
    assert await channel.claim()
    status = await asyncio.to_thread(create_token, TokenDraft("ci"), bench.folders, TODAY)
    await channel.close()
    said = capsys.readouterr()
    assert (status, said.out.startswith("sbx_")) == (0, True)
    assert "did not take the change over: no" in said.err


@pytest.mark.parametrize("command", [create_token, revoke_token])
async def test_a_deleted_file_that_a_running_program_works_with_is_not_made_anew(
    command: Callable[..., int], make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = make(settings=SETTINGS)
    file = bench.folders.settings_file
    channel = ControlChannel(bench.folders.runtime, answers(bench.controller, has_window=False))
    assert await channel.claim()
    file.unlink()
    words = (TokenDraft("new"), bench.folders, TODAY) if command is create_token else ("ci", bench.folders)
    status = await asyncio.to_thread(command, *words)
    await channel.close()
    said = capsys.readouterr()
    assert (status, said.out) == (BROKEN_SETTINGS, "")
    assert "gone, while what it said before is still in force" in said.err
    assert not file.exists()


@pytest.mark.parametrize("command", [create_token, revoke_token])
def test_settings_that_were_set_aside_are_not_replaced_by_new_ones(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = Folders(config=tmp_path, state=tmp_path, runtime=tmp_path / "run")
    folders.create()
    aside = tmp_path / "settings.broken-20261122-123001.yaml"
    aside.write_text("broken: [")
    words = (TokenDraft("new"), folders, TODAY) if command is create_token else ("ci", folders)
    assert command(*words) == BROKEN_SETTINGS
    said = capsys.readouterr()
    assert (said.out, f"set aside as {aside}" in said.err) == ("", True)
    assert not folders.settings_file.exists()


async def test_a_broken_file_of_mcp_servers_does_not_keep_a_token_from_being_taken_over(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = make(settings="version: 1\n")
    channel = ControlChannel(bench.folders.runtime, answers(bench.controller, has_window=False))
    assert await channel.claim()
    (bench.folders.config / "mcp_servers.yaml").write_text("servers: [")
    status = await asyncio.to_thread(create_token, TokenDraft("new"), bench.folders, TODAY)
    reloaded = await asyncio.to_thread(mcp_command, bench.folders, "reload", "")
    await channel.close()
    said = capsys.readouterr()
    assert (status, reloaded) == (0, FAILED)
    assert "did not take" not in said.err
    assert "mcp_servers.yaml, line 1" in said.err
