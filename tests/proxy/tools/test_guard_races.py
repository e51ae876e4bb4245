"""Names are swapped between check and use: the swapped target stays untouched, and the caller is told.

The judge is called right after the look and right before the use, so it is where these tests swap.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxy.permissions.paths import Operation
from proxy.permissions.values import PathFacts
from proxy.tools.guard import GuardError, WorkspaceGuard
from tests.proxy.tools.path_tree import Tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the tree has links, pipes and sockets")

Swap = Callable[[], None]


@pytest.fixture
def race(tree: Tree) -> Path:
    return Path(tree.root, "race")


@pytest.fixture
def outside(tree: Tree) -> Path:
    return Path(tree.base, "area/outside")


@contextmanager
def _swapping(tree: Tree, swap: Swap, *, at: int = 1) -> Generator[WorkspaceGuard]:
    """Opens a guard whose judge allows all, and swaps when it is called for the n-th time."""
    calls = 0

    def judge(facts: PathFacts, operation: Operation) -> str | None:
        nonlocal calls
        calls += 1
        if calls == at:
            swap()
        return None

    guard = WorkspaceGuard.open(tree.workspace(), judge=judge)
    yield guard
    guard.close()


def _snapshot(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def _link_for(path: Path, target: Path) -> Swap:
    def swap() -> None:
        if path.exists():
            path.rename(path.with_name(path.name + ".old"))
        path.symlink_to(target)

    return swap


@pytest.mark.parametrize("name", ["file.txt", "new.txt"])
def test_a_link_planted_at_a_files_name_is_not_written_through(
    tree: Tree, race: Path, outside: Path, name: str
) -> None:
    before = _snapshot(outside)
    with (
        _swapping(tree, _link_for(race / name, outside / "file.txt")) as guard,
        pytest.raises(GuardError) as error,
    ):
        guard.write(f"race/{name}", b"evil")
    assert error.value.trouble == "changed"
    assert _snapshot(outside) == before
    assert (race / name).is_symlink()


def test_a_dangling_link_planted_at_a_new_name_makes_nothing_outside(
    tree: Tree, race: Path, outside: Path
) -> None:
    with (
        _swapping(tree, _link_for(race / "new.txt", outside / "made.txt")) as guard,
        pytest.raises(GuardError) as error,
    ):
        guard.write("race/new.txt", b"evil")
    assert error.value.trouble == "changed"
    assert not (outside / "made.txt").exists()


@pytest.mark.parametrize("name", ["file.txt", "new.txt"])
def test_a_folder_swapped_for_a_link_is_not_written_through(
    tree: Tree, race: Path, outside: Path, name: str
) -> None:
    before = _snapshot(outside)
    with _swapping(tree, _link_for(race, outside)) as guard, pytest.raises(GuardError) as error:
        guard.write(f"race/{name}", b"evil")
    assert error.value.trouble == "changed"
    assert _snapshot(outside) == before
    assert _snapshot(Path(f"{race}.old"))[f"{race}.old/file.txt"] == "race\n"
    assert not list(Path(f"{race}.old").glob("*.tmp"))


def test_a_folder_above_swapped_for_a_link_is_not_written_through(
    tree: Tree, race: Path, outside: Path
) -> None:
    before = _snapshot(outside)
    with _swapping(tree, _link_for(race, outside)) as guard, pytest.raises(GuardError):
        guard.write("race/dir/file.txt", b"evil")
    assert _snapshot(outside) == before


def test_a_link_planted_where_a_folder_is_to_be_made_is_not_entered(
    tree: Tree, race: Path, outside: Path
) -> None:
    before = _snapshot(outside)
    with (
        _swapping(tree, _link_for(race / "missing", outside)) as guard,
        pytest.raises(GuardError) as error,
    ):
        guard.write("race/missing/x.txt", b"evil")
    assert error.value.trouble == "changed"
    assert _snapshot(outside) == before


def test_a_folder_above_a_missing_one_swapped_for_a_link_makes_nothing_outside(
    tree: Tree, race: Path, outside: Path
) -> None:
    before = _snapshot(outside)
    with _swapping(tree, _link_for(race, outside)) as guard, pytest.raises(GuardError):
        guard.write("race/missing/deep/x.txt", b"evil")
    assert _snapshot(outside) == before
    assert not (outside / "missing").exists()


def test_a_file_swapped_for_a_link_is_not_read_through(tree: Tree, race: Path, outside: Path) -> None:
    with (
        _swapping(tree, _link_for(race / "file.txt", outside / "file.txt")) as guard,
        pytest.raises(GuardError) as error,
    ):
        guard.read("race/file.txt")
    assert error.value.trouble == "changed"


def test_a_file_swapped_for_another_file_is_not_read(tree: Tree, race: Path) -> None:
    def swap() -> None:
        (race / "other").write_text("other")
        (race / "other").replace(race / "file.txt")

    with _swapping(tree, swap) as guard, pytest.raises(GuardError) as error:
        guard.read("race/file.txt")
    assert error.value.trouble == "changed"


def test_a_folder_swapped_for_a_link_gives_the_file_that_was_judged(
    tree: Tree, race: Path, outside: Path
) -> None:
    with _swapping(tree, _link_for(race, outside)) as guard:
        assert guard.read("race/file.txt").data == b"race\n"


def test_a_file_swapped_for_a_pipe_never_blocks(tree: Tree, race: Path) -> None:
    def swap() -> None:
        (race / "file.txt").unlink()
        Path(tree.root, "fifo").rename(race / "file.txt")

    with _swapping(tree, swap) as guard, pytest.raises(GuardError) as error:
        guard.read("race/file.txt")
    assert error.value.trouble == "changed"


def test_a_file_removed_before_it_is_read_is_told_as_changed(tree: Tree, race: Path) -> None:
    with _swapping(tree, (race / "file.txt").unlink) as guard, pytest.raises(GuardError) as error:
        guard.read("race/file.txt")
    assert error.value.trouble == "changed"


def test_the_root_swapped_for_a_link_is_still_the_folder_that_was_opened(tree: Tree, outside: Path) -> None:
    guard = WorkspaceGuard.open(tree.workspace(), judge=lambda facts, _: None)
    _link_for(Path(tree.root), outside)()
    assert guard.read(f"{tree.root}/race/file.txt").data == b"race\n"
    assert not guard.is_current()
    guard.close()


# Walks ----------------------------------------------------------------------------------------


def test_a_folder_swapped_for_a_link_before_it_is_listed_is_not_listed(
    tree: Tree, race: Path, outside: Path
) -> None:
    with _swapping(tree, _link_for(race, outside)) as guard, pytest.raises(GuardError) as error:
        guard.list("race")
    assert error.value.trouble == "changed"


def test_a_folder_swapped_for_a_link_during_a_walk_is_not_entered(
    tree: Tree, race: Path, outside: Path
) -> None:
    seen: list[str] = []
    with (
        _swapping(tree, _link_for(race / "dir", outside), at=2) as guard,
        pytest.raises(GuardError) as error,
    ):
        seen.extend(entry.path for entry in guard.walk("race"))
    assert error.value.trouble == "changed"
    assert not [path for path in seen if "outside" in path]


def test_a_folder_that_vanishes_during_a_walk_is_passed_over(tree: Tree, race: Path) -> None:
    def vanish() -> None:
        (race / "dir/file.txt").unlink()
        (race / "dir").rmdir()

    with _swapping(tree, vanish, at=2) as guard:
        assert [entry.name for entry in guard.walk("race")] == ["dir", "file.txt"]
