"""`.venv` is made once, brought up to date when a lock changes, and otherwise left alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from build_scripts.environment import (
    EnvironmentSetupError,
    Layout,
    lock_commands,
    provide,
    read_stamp,
    setup_commands,
)

CHECKOUT = Path(__file__).resolve().parents[2]
LOCKS = ("dev", "run", "test", "uv")


class Machine:
    """Stands in for the machine: `venv` leaves a Python behind, all else only leaves its name."""

    def __init__(self, layout: Layout, failing: str = "") -> None:
        self._layout = layout
        self._failing = failing
        self.commands: list[list[str]] = []

    def __call__(self, command: Sequence[str]) -> int:
        self.commands.append(list(command))
        if command[1:3] == ["-m", "venv"]:
            python = Path(self._layout.program("python"))
            python.parent.mkdir(parents=True)
            python.touch()
        return 1 if self._failing and self._failing in command else 0

    @property
    def synced(self) -> list[str]:
        """The locks that were installed from."""
        return [Path(command[-1]).stem for command in self.commands if "sync" in command]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    for name in LOCKS:
        (tmp_path / "requirements" / f"{name}.txt").write_text(f"{name}==1\n")
    return Layout(tmp_path, is_windows=False)


def provided(layout: Layout, wanted: str) -> list[str]:
    machine = Machine(layout)
    provide(layout, wanted, base_python="python3", run=machine)
    return machine.synced


def test_a_fresh_machine_gets_environment_uv_lock_and_project_in_that_order(layout: Layout) -> None:
    venv, root = layout.venv, layout.root
    python, uv = f"{venv}/bin/python", f"{venv}/bin/uv"
    commands = setup_commands(layout, "run", base_python="python3", has_venv=False)
    assert [command[:4] for command in commands] == [
        ["python3", "-m", "venv", "--clear"],
        [python, "-m", "pip", "install"],
        [uv, "pip", "sync", "--quiet"],
        [uv, "pip", "install", "--quiet"],
    ]
    assert [command[-1] for command in commands] == [
        str(venv),
        f"{root}/requirements/uv.txt",
        f"{root}/requirements/run.txt",
        str(root),
    ]


def test_whatever_is_downloaded_must_match_a_hash(layout: Layout) -> None:
    _, uv, sync, project = setup_commands(layout, "dev", base_python="python3", has_venv=False)
    assert "--require-hashes" in uv
    assert "--require-hashes" in sync
    assert "--offline" in project


def test_windows_keeps_its_programs_elsewhere(tmp_path: Path) -> None:
    assert Layout(tmp_path, is_windows=True).program("uv") == str(tmp_path / ".venv" / "Scripts" / "uv.exe")


def test_a_second_start_installs_nothing(layout: Layout) -> None:
    assert provided(layout, "run") == ["run"]
    assert provided(layout, "run") == []


@pytest.mark.parametrize("changed", ["requirements/run.txt", "requirements/uv.txt", "pyproject.toml"])
def test_a_changed_file_brings_the_environment_up_to_date(layout: Layout, changed: str) -> None:
    provided(layout, "run")
    (layout.root / changed).write_text("changed==2\n")
    assert provided(layout, "run") == ["run"]
    assert provided(layout, "run") == []


def test_a_higher_level_is_added_and_never_taken_back(layout: Layout) -> None:
    assert provided(layout, "run") == ["run"]
    assert provided(layout, "dev") == ["dev"]
    assert provided(layout, "run") == []
    (layout.root / "requirements" / "dev.txt").write_text("dev==2\n")
    assert provided(layout, "run") == ["dev"]


def test_an_interrupted_installation_is_done_again(layout: Layout) -> None:
    provided(layout, "run")
    layout.lock("run").write_text("run==2\n")
    with pytest.raises(EnvironmentSetupError, match="sync"):
        provide(layout, "run", base_python="python3", run=Machine(layout, failing="sync"))
    layout.lock("run").write_text("run==1\n")
    assert provided(layout, "run") == ["run"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"level": "huge", "digest": ""}'])
def test_a_damaged_stamp_means_unknown(layout: Layout, content: str) -> None:
    provided(layout, "run")
    layout.stamp.write_text(content)
    assert read_stamp(layout) is None


def test_an_environment_whose_python_is_gone_is_made_anew(layout: Layout) -> None:
    provided(layout, "run")
    python = Path(layout.program("python"))
    python.unlink()
    python.parent.rmdir()
    machine = Machine(layout)
    provide(layout, "run", base_python="python3", run=machine)
    assert machine.commands[0] == ["python3", "-m", "venv", "--clear", str(layout.venv)]


def test_each_lock_is_held_to_the_versions_of_the_one_before(layout: Layout) -> None:
    folder = layout.root / "requirements"
    held = {
        Path(command[-1]).stem: command[command.index("-c") + 1] if "-c" in command else None
        for command in lock_commands(layout)
    }
    assert held == {
        "uv": None,
        "run": None,
        "test": str(folder / "run.txt"),
        "dev": str(folder / "test.txt"),
    }


@pytest.mark.parametrize("name", LOCKS)
def test_the_committed_locks_hold_names_versions_and_hashes_only(name: str) -> None:
    text = Layout(CHECKOUT).lock(name).read_text()
    blocks = text.replace("\\\n", "").splitlines()
    assert blocks
    for block in blocks:
        requirement, *hashes = block.split("--hash=sha256:")
        assert "==" in requirement
        assert hashes
    assert "://" not in text
