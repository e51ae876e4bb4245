"""`signalbox doctor`: the facts, and what is broken."""

import socket
import sys
from pathlib import Path

import pytest

from app.port_owner import is_taken
from tests.app.shell import Shell

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


async def test_doctor_prints_the_facts_and_makes_nothing(shell: Shell, home: Path) -> None:
    code, out, _err = await shell.run("doctor")

    broken = [line for line in out.splitlines() if line.startswith("BROKEN")]
    if is_taken("127.0.0.1", 4000):  # by whatever else runs on this machine: without settings it is the port
        assert "BROKEN port" in broken.pop()
        assert code == 1
    else:
        assert code == 0, out
    assert broken == []
    for topic in (
        "program",
        "python",
        "folder",
        "settings",
        "provider",
        "keyring",
        "token",
        "port",
        "display",
    ):
        assert topic in out
    assert not (home / "signalbox").exists()


async def test_doctor_names_what_is_broken_and_which_source_a_key_comes_from(
    shell: Shell, home: Path
) -> None:
    (home / "signalbox").mkdir(mode=0o700)
    settings = home / "signalbox" / "settings.yaml"
    settings.write_text(
        "server: {port: 0}\nproviders:\n  a: {base_url: 'https://a.example', key: {env: A_KEY}}\n"
        "  b: {base_url: 'https://b.example', key: {env: B_KEY}}\n"
    )

    code, out, _err = await shell.run("doctor", variables={"A_KEY": "secret-value-a"})

    assert code == 1
    assert "a: environment variable A_KEY" in out
    assert "BROKEN key        b: missing (the environment variable B_KEY is not set)" in out
    assert "secret-value-a" not in out
    settings.write_text("x: [")
    code, out, _err = await shell.run("doctor")
    assert (code, "BROKEN settings" in out) == (1, True)


async def test_a_taken_port_is_no_fault_while_signalbox_runs_on_another(shell: Shell, home: Path) -> None:
    (home / "signalbox").mkdir(mode=0o700)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        (home / "signalbox" / "settings.yaml").write_text(f"server: {{port: {port}}}\n")
        code, out, _err = await shell.run("doctor")
        assert (code, f"BROKEN port       {port} is in use by" in out) == (1, True)
        serving = await shell.start("serve", "--port", "0")
        await serving.listening()
        code, out, _err = await shell.run("doctor")
        assert (code, f"ok     port       {port} is in use by" in out) == (0, True)


async def test_doctor_notes_an_alias_that_skips_a_dearer_candidate(shell: Shell, home: Path) -> None:
    (home / "signalbox").mkdir(mode=0o700)
    settings = home / "signalbox" / "settings.yaml"
    settings.write_text(
        "providers:\n"
        "  cheap: {base_url: 'https://a.example', prices: {input_usd: 1, output_usd: 2}}\n"
        "  dear: {base_url: 'https://b.example', prices: {input_usd: 3, output_usd: 2}}\n"
        "aliases: {big: {candidates: [{provider: cheap, model: m}, {provider: dear, model: m}]}}\n"
    )
    note = (
        "ok     settings   note: the alias big lists dear/m, which costs more than cheap/m; it is only used "
    )

    _code, out, _err = await shell.run("doctor")

    assert note + "with fall_back_to_dearer: true" in out


async def test_doctor_names_servers_and_what_starts_them(shell: Shell, home: Path) -> None:
    file = home / "elsewhere.yaml"
    file.write_text("servers:\n  time: {type: python, command: a-server, environment: {A_TOKEN: abc}}\n")
    bare = {"MCP_CONFIG_PATH": str(file), "PATH": "/nowhere"}
    _code, out, _err = await shell.run("doctor", variables=bare)
    assert f"ok     mcp        1 servers in {file}" in out
    assert "note: servers.time: A_TOKEN stands there in plain text" in out
    for program in ("uvx", "npx", "node", "python3", "docker"):
        assert f"runtime    {program}: " in out
    file.write_text("servers:\n  time: {type: python}\n")
    code, out, _err = await shell.run("doctor", variables=bare)
    assert (code, f"BROKEN mcp        {file}, line 2, column 9: servers.time: " in out) == (1, True)
