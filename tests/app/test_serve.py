"""`signalbox serve` as scripts use it: what it says, what it answers, and how it ends."""

import asyncio
import json
import os
import signal
import socket
import stat
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.app.shell import TOKEN, Shell, ask

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def _files(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_serve_says_where_it_listens_answers_and_ends_on_a_signal(
    shell: Shell, token_file: Path, home: Path, number: signal.Signals
) -> None:
    serve = await shell.start("serve", "--port", "0", "--token-file", str(token_file))
    url = await serve.listening()

    status, answer = await ask(url, TOKEN)
    refused, _error = await ask(url, "wrong")
    serve.process.send_signal(number)
    code, out, err = await serve.end()

    assert (status, refused, code) == (200, 401, 0)
    assert "demo" in json.dumps(answer)
    assert out == "", "standard output holds the one line only"
    assert all(json.loads(line)["level"] in {"info", "warning"} for line in err.splitlines())
    assert TOKEN not in out + err
    written = _files(home)
    assert all(each.is_relative_to(home / "signalbox") for each in written), written
    assert not [each for each in written if TOKEN.encode() in each.read_bytes()]
    assert all(stat.S_IMODE(each.stat().st_mode) & 0o077 == 0 for each in written)


async def test_a_dearer_candidate_that_is_skipped_is_told_of_at_the_start(
    shell: Shell, token_file: Path
) -> None:
    settings = token_file.parent / "s.yaml"
    settings.write_text(
        "providers:\n"
        "  cheap: {base_url: 'http://127.0.0.1:9/v1', prices: {input_usd: 1, output_usd: 2}}\n"
        "  dear: {base_url: 'http://127.0.0.1:9/v2', prices: {input_usd: 3, output_usd: 2}}\n"
        "aliases: {big: {candidates: [{provider: cheap, model: m}, {provider: dear, model: m}]}}\n"
    )
    serve = await shell.start(
        "serve", "--port", "0", "--token-file", str(token_file), "--settings", str(settings)
    )
    await ask(await serve.listening(), "wrong")
    serve.process.send_signal(signal.SIGTERM)
    _code, _out, err = await serve.end()

    lines = [json.loads(line) for line in err.splitlines()]
    told = [each["notice"] for each in lines if each["event"] == "settings_notice"]
    assert [each.partition(",")[0] for each in told] == ["the alias big lists dear/m"]


async def test_running_requests_are_drained_and_a_second_signal_ends_them_at_once(
    shell: Shell, token_file: Path
) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()  # never answers; ends when the other side leaves
        writer.close()

    asked = asyncio.Event()
    upstream = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = upstream.sockets[0].getsockname()[1]
    settings = token_file.parent / "s.yaml"
    settings.write_text(
        f"providers: {{local: {{base_url: 'http://127.0.0.1:{port}/v1'}}}}\n"
        "unknown_models: {provider: local}\n"
    )
    serve = await shell.start(
        "serve", "--port", "0", "--token-file", str(token_file), "--settings", str(settings)
    )
    url = await serve.listening()
    request = asyncio.ensure_future(ask(url, TOKEN, model="slow"))
    await asyncio.wait_for(asked.wait(), 20)

    serve.process.send_signal(signal.SIGTERM)
    closed = await _closed(url)
    assert serve.process.returncode is None, "it waits for the request"
    serve.process.send_signal(signal.SIGTERM)
    code, _out, _err = await serve.end()

    assert closed
    assert code == 0
    with pytest.raises(aiohttp.ClientError):
        await request
    upstream.close()
    await upstream.wait_closed()


async def _closed(url: str) -> bool:
    """Waits until the port takes no more connections."""
    port = int(url.rsplit(":", 1)[1])

    async def refused() -> bool:
        while True:
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return True
            writer.close()
            await writer.wait_closed()

    return await asyncio.wait_for(refused(), 20)


async def test_broken_settings_end_it_with_2_line_and_column_and_the_file_untouched(
    shell: Shell, tmp_path: Path
) -> None:
    settings = tmp_path / "mine.yaml"
    settings.write_bytes(b"version: 1\nserver:\n  port: many\n")
    before = settings.stat().st_mtime_ns

    code, out, err = await shell.run("serve", "--settings", str(settings))

    assert (code, out) == (2, "")
    assert f"{settings}, line 3, column 9: server.port: " in err
    assert "Correct the file" in err
    assert settings.read_bytes() == b"version: 1\nserver:\n  port: many\n"
    assert settings.stat().st_mtime_ns == before
    assert _files(tmp_path) == [settings]


async def test_broken_settings_of_our_own_end_serve_too_and_are_not_moved(shell: Shell, home: Path) -> None:
    (home / "signalbox").mkdir(mode=0o700)
    settings = home / "signalbox" / "settings.yaml"
    settings.write_text("a: [")

    code, _out, err = await shell.run("serve", "--port", "0")

    assert code == 2
    assert "line 1, column" in err
    assert settings.read_text() == "a: ["


async def test_settings_that_the_window_set_aside_end_serve_and_doctor_says_so(
    shell: Shell, home: Path
) -> None:
    (home / "signalbox").mkdir(mode=0o700)
    aside = home / "signalbox" / "settings.broken-20261122-120000.yaml"
    aside.write_text("a: [")

    code, out, err = await shell.run("serve", "--port", "0")
    assert (code, out) == (2, "")
    assert err.startswith(f"signalbox: {aside}, line 1, column")
    assert "rename it back to settings.yaml" in err

    code, out, _err = await shell.run("doctor")
    assert code == 1
    assert f"BROKEN settings   {aside}, line 1, column" in out
    assert "demo" not in out


async def test_a_second_one_with_budgets_on_the_same_data_ends_at_once_and_the_first_goes_on(
    shell: Shell, token_file: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "s.yaml"
    settings.write_text("budgets: {day_usd: 5}\n")
    words = ("serve", "--port", "0", "--token-file", str(token_file), "--settings", str(settings))
    first = await shell.start(*words)
    url = await first.listening()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/v1/messages/batches", headers={"x-api-key": TOKEN}) as response,
    ):
        assert response.status == 200  # and its store is open
    code, out, err = await shell.run(*words)
    assert (code, out) == (1, "")
    assert "Another Signalbox uses the data folder" in err
    assert (await ask(url, TOKEN))[0] == 200


async def test_a_port_in_use_ends_it_with_3_and_names_the_process(shell: Shell, token_file: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]

        code, out, err = await shell.run("serve", "--port", str(port), "--token-file", str(token_file))

    assert (code, out) == (3, "")
    assert f"Port {port} on 127.0.0.1 is in use by " in err
    assert f"(process {os.getpid()})" in err
    assert "Stop that program, or use another port." in err
    assert f"signalbox serve --port {port + 1}" in err


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("short\n", 0o600, "fewer than 20"),
        (TOKEN, 0o644, "chmod 600"),
        (f"{TOKEN}\n{TOKEN}\n", 0o600, "one line"),
    ],
)
async def test_a_token_file_that_is_not_safe_ends_it_with_2(
    shell: Shell, tmp_path: Path, text: str, mode: int, words: str
) -> None:
    path = tmp_path / "t"
    path.write_text(text)
    path.chmod(mode)

    code, out, err = await shell.run("serve", "--port", "0", "--token-file", str(path))

    assert (code, out) == (2, "")
    assert words in err
    assert TOKEN not in err


async def test_without_a_keyring_the_token_s_file_is_named_and_its_content_is_not(
    shell: Shell, home: Path
) -> None:
    serve = await shell.start("serve", "--port", "0")
    url = await serve.listening()
    path = home / "signalbox" / "token"
    token = path.read_text().strip()

    status, _answer = await ask(url, token)
    serve.process.terminate()
    code, out, err = await serve.end()

    assert (status, code) == (200, 0)
    assert f"The local token is in the file {path}" in err
    assert token not in out + err


async def test_the_token_of_the_environment_is_used_and_gone_from_the_environment(shell: Shell) -> None:
    serve = await shell.start("serve", "--port", "0", variables={"SIGNALBOX_TOKEN": TOKEN})
    url = await serve.listening()

    status, _answer = await ask(url, TOKEN)
    serve.process.terminate()
    _code, out, err = await serve.end()

    assert status == 200
    assert TOKEN not in out + err


async def test_two_servers_of_one_home_run_side_by_side(shell: Shell, token_file: Path) -> None:
    first = await shell.start("serve", "--port", "0", "--token-file", str(token_file))
    first_url = await first.listening()
    second = await shell.start("serve", "--port", "0", "--token-file", str(token_file))
    second_url = await second.listening()

    assert first_url != second_url
    assert (await ask(first_url, TOKEN))[0] == (await ask(second_url, TOKEN))[0] == 200


async def test_the_lost_key_of_a_configured_provider_is_a_401_and_never_the_demo(
    shell: Shell, tmp_path: Path, token_file: Path
) -> None:
    settings = tmp_path / "s.yaml"
    settings.write_text(
        "providers: {openrouter: {base_url: 'https://openrouter.ai/api/v1', key: {keyring: openrouter}}}\n"
    )
    serve = await shell.start(
        "serve", "--port", "0", "--token-file", str(token_file), "--settings", str(settings)
    )
    url = await serve.listening()

    status, answer = await ask(url, TOKEN, model="big")

    assert status == 401
    assert "keyring" in json.dumps(answer)
    assert "demo" not in json.dumps(answer)


async def test_an_env_file_gives_what_the_environment_does_not(shell: Shell, tmp_path: Path) -> None:
    env_file = tmp_path / "env"
    elsewhere = tmp_path / "elsewhere"
    env_file.write_text(
        f"# mine\nexport SIGNALBOX_TOKEN='{TOKEN}'\nSIGNALBOX_HOME={tmp_path}/ignored\nLOG_LEVEL=debug\n"
    )
    for words in (
        ["--env-file", str(env_file), "serve", "--port", "0"],
        ["serve", "--port", "0", "--env-file", str(env_file)],
    ):
        serve = await shell.start(*words, variables={"SIGNALBOX_HOME": str(elsewhere)})
        url = await serve.listening()
        status, _answer = await ask(url, TOKEN)
        serve.process.terminate()
        code, _out, _err = await serve.end()
        assert (status, code) == (200, 0)
    assert not (tmp_path / "ignored").exists()
    assert (elsewhere / "logs").is_dir()

    env_file.write_text("no assignment\n")
    code, _out, err = await shell.run("--env-file", str(env_file), "serve")
    assert (code, "line 1" in err) == (2, True)


async def test_an_empty_host_is_refused_instead_of_listening_everywhere(shell: Shell) -> None:
    code, out, err = await shell.run("serve", "--port", "0", "--host", "")

    assert (code, out) == (2, "")
    assert "an empty address" in err
