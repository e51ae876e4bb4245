"""The command line of the developers' script: what it starts, and with what."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from build_scripts import dev

SCRIPT = Path(dev.__file__)


@pytest.mark.parametrize(
    ("environ", "platform", "answer"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ""}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_a_display_is_found_by_the_environment(
    environ: dict[str, str], platform: str, *, answer: bool
) -> None:
    assert dev.has_display(environ, platform) is answer


@pytest.mark.parametrize(
    ("extra", "display", "arguments"),
    [
        ([], True, []),
        (["--hidden"], True, ["--hidden"]),
        ([], False, ["serve"]),
        (["--hidden"], False, ["serve"]),
        (["--port", "0"], False, ["serve", "--port", "0"]),
        (["demo"], False, ["demo"]),
        (["--version"], False, ["--version"]),
    ],
)
def test_without_a_display_the_program_serves_unless_told_what_to_do(
    extra: list[str], arguments: list[str], *, display: bool
) -> None:
    assert dev.app_arguments(extra, display=display) == arguments


def test_children_get_the_users_environment_and_know_where_the_shared_data_is(tmp_path: Path) -> None:
    environment = dev.child_environment({"PATH": "p", "UV_SYSTEM_CERTS": "false"}, tmp_path / "checkout")
    assert environment == {
        "PATH": "p",
        "UV_SYSTEM_CERTS": "false",
        "SIGNALBOX_TEST_DATA": str(tmp_path / "shared"),
    }


def test_locks_are_made_without_the_users_own_indexes() -> None:
    assert dev.locking_environment({"UV_INDEX": "a", "UV_FIND_LINKS": "b", "PATH": "p"}) == {"PATH": "p"}


def test_benchmarks_are_the_programs_that_do_not_start_with_an_underscore(tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    for name in ("relay.py", "_load.py", "__init__.py", "forwarder.py", "notes.md"):
        (tmp_path / "benchmarks" / name).touch()
    assert dev.benchmark_modules(tmp_path) == ["benchmarks.forwarder", "benchmarks.relay"]


def test_the_script_runs_by_its_path_on_the_standard_library_alone(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "build_scripts/dev.py COMMAND" in done.stdout


def test_an_unknown_command_is_refused_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["tset"]) == 2
    assert "test     run the whole test suite" in capsys.readouterr().err
