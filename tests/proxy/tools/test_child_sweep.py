from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from proxy.tools.child_limit import LimitMark
from proxy.tools.child_sweep import ChildLedger, sweep, temporary_prefix
from tests.proxy.tools.tool_room import Sleeper, lives

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows' job objects leave nothing to sweep")


def _ended(process: subprocess.Popen[bytes]) -> bool:
    return process.wait(5) < 0


def _dead_owner(ledger: Path) -> None:
    """Makes the ledger one of a run that is no more."""
    run_id, _, rest = ledger.read_text("ascii").split(maxsplit=2)
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    ledger.write_text(f"{run_id} {gone.pid} {rest}", "ascii")


def _ledger(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def _crashed(folder: Path, run_id: str, *, began_and_ended: int) -> None:
    """Leaves the ledger of a crashed run that had one child, which ended."""
    ledger = ChildLedger(folder, run_id)
    ledger.started(began_and_ended)
    ledger.ended(began_and_ended)
    _dead_owner(_ledger(folder))


def test_the_children_of_a_crashed_run_are_ended_and_its_ledger_removed(
    sleeper: Sleeper, tmp_path: Path
) -> None:
    child, ended = sleeper(), sleeper()
    ledger = ChildLedger(tmp_path, "run")
    ledger.started(child.pid)
    ledger.started(ended.pid)
    ledger.ended(ended.pid)
    _dead_owner(_ledger(tmp_path))

    assert sweep(tmp_path) == 1

    assert _ended(child)
    assert lives(ended.pid)
    assert list(tmp_path.iterdir()) == []


def test_strays_of_a_crashed_run_are_known_by_their_mark(sleeper: Sleeper, tmp_path: Path) -> None:
    run_id = secrets.token_hex(8)
    stray, stranger = sleeper(run_id), sleeper("another")
    _crashed(tmp_path, run_id, began_and_ended=stranger.pid)

    assert sweep(tmp_path) == 1

    assert _ended(stray)
    assert lives(stranger.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="no limit marks children elsewhere")
def test_strays_without_their_environment_are_known_by_their_limit(sleeper: Sleeper, tmp_path: Path) -> None:
    run_id = secrets.token_hex(8)
    limits = LimitMark(run_id), LimitMark("another")
    started: list[subprocess.Popen[bytes]] = []
    for limit in limits:
        limit.put_on()
        started.append(sleeper())
        limit.take_off()
    stray, stranger = started
    _crashed(tmp_path, run_id, began_and_ended=stranger.pid)

    assert sweep(tmp_path) == 1

    assert _ended(stray)
    assert lives(stranger.pid)


def test_temporary_folders_of_a_crashed_run_are_removed_and_no_others(tmp_path: Path) -> None:
    temporary, kept = tmp_path / "tmp", tmp_path / "kept"
    for folder in (
        temporary / f"{temporary_prefix('run')}1",
        temporary / f"{temporary_prefix('other')}1",
        kept,
    ):
        (folder / "sub").mkdir(parents=True)
    (temporary / f"{temporary_prefix('run')}link").symlink_to(kept)
    _crashed(tmp_path / "state", "run", began_and_ended=os.getpid())

    sweep(tmp_path / "state", str(temporary))

    assert {each.name for each in temporary.iterdir()} == {"signalbox-other-1", "signalbox-run-link"}
    assert (kept / "sub").is_dir()


def test_a_run_that_lives_keeps_its_children(sleeper: Sleeper, tmp_path: Path) -> None:
    child = sleeper()
    ledger = ChildLedger(tmp_path, "run")
    ledger.started(child.pid)

    assert sweep(tmp_path) == 0

    assert lives(child.pid)
    assert _ledger(tmp_path).exists()


def test_another_process_with_the_same_number_is_left_alone(sleeper: Sleeper, tmp_path: Path) -> None:
    innocent = sleeper()
    ledger = ChildLedger(tmp_path, "run")
    ledger.started(innocent.pid)
    path = _ledger(tmp_path)
    _dead_owner(path)
    start = psutil.Process(innocent.pid).create_time()
    path.write_text(path.read_text("ascii").replace(f"{start:.2f}", f"{start - 3600:.2f}"), "ascii")

    assert sweep(tmp_path) == 0

    assert lives(innocent.pid)


def test_a_number_that_was_used_twice_counts_as_it_was_last(sleeper: Sleeper, tmp_path: Path) -> None:
    child = sleeper()
    ledger = ChildLedger(tmp_path, "run")
    ledger.started(child.pid)
    ledger.ended(child.pid)
    ledger.started(child.pid)
    _dead_owner(_ledger(tmp_path))

    assert sweep(tmp_path) == 1
    assert _ended(child)


@pytest.mark.parametrize("content", ["", "nonsense", "run 1", "run x y\n+ 1 2\n", "* 1 2\n", "\xff\n"])
def test_a_ledger_that_says_nothing_is_removed(tmp_path: Path, content: str) -> None:
    (tmp_path / "1-run.children").write_text(content, "latin-1")

    assert sweep(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def test_lines_that_a_crash_cut_are_passed_over(sleeper: Sleeper, tmp_path: Path) -> None:
    child = sleeper()
    ledger = ChildLedger(tmp_path, "run")
    ledger.started(child.pid)
    path = _ledger(tmp_path)
    _dead_owner(path)
    with path.open("a") as file:
        file.write("+ 99\n+ x 1\n+ 12")

    assert sweep(tmp_path) == 1
    assert _ended(child)


def test_nothing_is_written_before_the_first_child_and_nothing_left_after_the_last(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    ledger = ChildLedger(folder, "run")
    assert not folder.exists()

    ledger.started(os.getpid())
    assert folder.stat().st_mode & 0o777 == 0o700
    assert _ledger(folder).stat().st_mode & 0o777 == 0o600

    ledger.close()
    assert list(folder.iterdir()) == []


def test_a_child_that_ended_at_once_is_not_written_down(tmp_path: Path) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()

    ChildLedger(tmp_path, "run").started(gone.pid)

    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_holds_nothing_to_sweep(tmp_path: Path) -> None:
    assert sweep(tmp_path / "missing") == 0
