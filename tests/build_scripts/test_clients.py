"""The real clients are installed once, from the lock, and their absence never stops anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from build_scripts.clients import provide

CHECKOUT = Path(__file__).resolve().parents[2]


class Npm:
    """Stands in for npm: notes where it was called and answers with an exit code."""

    def __init__(self, exit_code: int = 0) -> None:
        self.calls: list[tuple[str, Path]] = []
        self._exit_code = exit_code

    def __call__(self, command: Sequence[str], folder: Path) -> int:
        self.calls.append((" ".join(command[:2]), folder))
        return self._exit_code


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    source = tmp_path / "requirements" / "clients"
    source.mkdir(parents=True)
    (source / "package.json").write_text("{}")
    (source / "package-lock.json").write_text('{"version": 1}')
    return tmp_path


def test_the_locked_clients_are_installed_once(checkout: Path) -> None:
    npm = Npm()
    assert provide(checkout, npm="npm", run=npm)
    assert provide(checkout, npm="npm", run=npm)
    assert npm.calls == [("npm ci", checkout / ".clients")]


def test_a_changed_lock_installs_again(checkout: Path) -> None:
    npm = Npm()
    provide(checkout, npm="npm", run=npm)
    (checkout / "requirements" / "clients" / "package-lock.json").write_text('{"version": 2}')
    provide(checkout, npm="npm", run=npm)
    assert len(npm.calls) == 2


def test_without_npm_it_says_so_and_goes_on(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not provide(checkout, npm=None, run=Npm())
    assert capsys.readouterr().out.startswith("npm is not installed")


def test_a_failed_installation_is_tried_again(checkout: Path) -> None:
    assert not provide(checkout, npm="npm", run=Npm(exit_code=1))
    npm = Npm()
    assert provide(checkout, npm="npm", run=npm)
    assert len(npm.calls) == 1


def test_the_committed_lock_names_no_registry_and_hashes_everything() -> None:
    text = (CHECKOUT / "requirements" / "clients" / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert "://" not in text
    assert all(package["integrity"].startswith("sha512-") for name, package in packages.items() if name)
