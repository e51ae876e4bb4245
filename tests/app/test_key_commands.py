"""`signalbox keys` beside a program that runs: it takes keys over and keeps its own settings file."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.control_answers import answers
from app.environment import Environment
from app.exit_codes import BROKEN_SETTINGS, FAILED, OK
from app.instance import ControlChannel
from app.key_commands import key_command
from app.paths import Folders
from tests.app.controller_bench import Bench, Make
from tests.app.test_secrets import Entries

KEY = "made-up-for-this-test"


@pytest.fixture
def entries() -> Entries:
    return Entries()


@pytest.fixture
async def bench(make: Make, entries: Entries) -> AsyncIterator[Bench]:
    """A program that runs and shares the keyring."""
    bench = make(keyring=entries, settings="version: 1\n")
    await bench.controller.start()
    channel = ControlChannel(bench.folders.runtime, answers(bench.controller, has_window=False))
    assert await channel.claim()
    yield bench
    await channel.close()


async def _run(bench: Bench, action: str, name: str) -> int:
    return await asyncio.to_thread(
        key_command, action, name, bench.folders, Environment(), lambda: bench.keyring
    )


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(KEY + "\n"))


@pytest.mark.usefixtures("typed")
async def test_a_stored_key_is_used_by_the_running_program_at_once(bench: Bench) -> None:
    assert await _run(bench, "set", "openrouter") == OK
    provider = bench.configuration.proxy_config().providers["openrouter"]
    assert provider.key is not None
    assert provider.key.get_secret_value() == KEY

    assert await _run(bench, "delete", "openrouter") == OK
    assert bench.configuration.proxy_config().providers["openrouter"].key is None


@pytest.mark.usefixtures("typed")
async def test_settings_that_the_running_program_was_given_are_not_mistaken_for_those_at_home(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("version: 1\n")
    bench.store.path, bench.store.may_move = other, False
    assert await _run(bench, "set", "openrouter") == FAILED
    assert f"uses {other}, which was given on its command line" in capsys.readouterr().err
    assert (other.read_text(), bench.folders.settings_file.read_text()) == ("version: 1\n", "version: 1\n")


@pytest.mark.usefixtures("typed")
def test_settings_that_were_set_aside_are_not_replaced_by_a_provider(
    tmp_path: Path, entries: Entries, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = Folders(config=tmp_path, state=tmp_path, runtime=tmp_path / "run")
    folders.create()
    aside = tmp_path / "settings.broken-20261122-123001.yaml"
    aside.write_text("broken: [")
    assert key_command("set", "openrouter", folders, Environment(), lambda: entries) == BROKEN_SETTINGS
    said = capsys.readouterr().err
    assert said.startswith("signalbox: Stored in the keyring as 'openrouter'.\n")
    assert (
        f"was not added to the settings: {folders.settings_file}, it could not be used and was set aside"
        in said
    )
    assert not folders.settings_file.exists()
