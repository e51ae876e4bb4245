"""What the command line loads, and the commands that need no running program."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.shell import ROOT, TOKEN, Shell

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.mark.parametrize("wiring", ["headless", "desktop"])
async def test_what_only_some_requests_need_is_not_loaded_at_the_start(wiring: str) -> None:
    late = {"openai", "sqlalchemy", "tree_sitter", "bs4", "markdownify", "pypdf", "nbformat", "mcp"}
    code = f"import sys, app.{wiring}; print(sorted({late!r} & sys.modules.keys()))"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _err = await process.communicate()
    assert out.decode().strip() == "[]"


async def test_serve_never_imports_qt_and_version_imports_nothing(shell: Shell) -> None:
    heavy = "sorted({m.split('.')[0] for m in sys.modules} & {'pydantic', 'aiohttp', 'structlog', 'PySide6'})"
    code = f"import sys; from app.cli import run; run(['--version']); print({heavy})"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _err = await process.communicate()
    assert out.decode().splitlines()[1] == "[]"

    qt = "sorted({m.split('.')[0] for m in sys.modules} & {'PySide6', 'shiboken6', 'qasync'})"
    code = f"import sys, app.headless, app.doctor, app.demo, app.key_commands; print({qt})"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _err = await process.communicate()
    assert out.decode().strip() == "[]"


async def test_demo_streams_calls_the_tool_and_ends_well(shell: Shell) -> None:
    code, out, _err = await shell.run("demo")

    assert code == 0
    assert "demo" in out
    word = out.split("signal_word() returns ")[1].split()[0]
    assert word in out.split("signal_word() returns ")[1].split("\n", 1)[1]
    assert "It works" in out


async def test_keys_without_a_keyring_fail_with_the_reason(shell: Shell) -> None:
    code, out, err = await shell.run("keys", "list")

    assert (code, out) == (1, "")
    assert "no keyring is available here" in err


def test_output_that_nobody_reads_any_more_is_no_crash() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "app", "doctor"],
            cwd=ROOT,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=40,
            check=False,
        )
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")


async def test_a_key_is_never_an_argument(shell: Shell) -> None:
    code, _out, err = await shell.run("keys", "set", "openrouter", "the-key-itself")

    assert code == 2
    assert "unrecognized arguments" in err


async def test_without_a_display_it_says_so_and_serves(shell: Shell, home: Path) -> None:
    variables = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": "", "SIGNALBOX_TOKEN": TOKEN}
    (home / "signalbox").mkdir(mode=0o700)
    (home / "signalbox" / "settings.yaml").write_text("server: {port: 0}\n")

    started = await shell.start(variables=variables)
    await started.listening()
    started.process.terminate()
    code, _out, err = await started.end()

    assert code == 0
    assert err.startswith("signalbox: There is no display here")
