"""The guard reads and writes what was judged, keeps what it must keep, and says clearly what went wrong."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.permissions.paths import Operation
from proxy.permissions.values import FolderEntry, PathFacts, Workspace
from proxy.tools.guard import GuardError, Stamp, WorkspaceGuard
from proxy.tools.guard_disk import Disk, PosixDisk
from proxy.tools.guard_windows import WindowsDisk
from tests.proxy.tools.path_tree import Tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the tree has links, pipes and sockets")


def _anything(facts: PathFacts, operation: Operation) -> str | None:
    return None


def _pinned(path: str) -> Callable[[], None]:
    descriptor = os.open(path, os.O_RDONLY)
    return lambda: os.close(descriptor)


@pytest.fixture(params=["descriptors", "names"])
def disk(request: pytest.FixtureRequest) -> Disk:
    """The calls of this system, and those of Windows with this system's paths."""
    if request.param == "descriptors":
        return PosixDisk()
    return WindowsDisk(_pinned, long_name=lambda path: path, native=lambda path: path)


@pytest.fixture
def guard(tree: Tree, disk: Disk) -> Iterator[WorkspaceGuard]:
    opened = WorkspaceGuard.open(tree.workspace(), judge=_anything, disk=disk)
    yield opened
    opened.close()


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _names(folder: str) -> list[str]:
    return sorted(each.name for each in Path(folder).iterdir())


def _trouble(error: pytest.ExceptionInfo[GuardError]) -> str:
    return error.value.trouble


# Facts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "real", "kind"),
    [
        ("src/app.py", "{ROOT}/src/app.py", "file"),
        ("{ROOT}", "{ROOT}", "folder"),
        ("src/..", "{ROOT}", "folder"),
        ("src/../..", "{BASE}/area", "folder"),
        ("/", "/", "folder"),
        ("/..", "/", "folder"),
        ("link_inside", "{ROOT}/src/app.py", "file"),
        ("dir_link_inside/app.py", "{ROOT}/src/app.py", "file"),
        ("chain1", "{BASE}/area/outside/file.txt", "file"),
        ("src/parent_link/../file.txt", "{BASE}/area/outside/file.txt", "file"),
        ("root_link/etc", "/etc", "folder"),
        ("{ROOT_LINK}/src/app.py", "{ROOT}/src/app.py", "file"),
        ("link_dangling_out", "{BASE}/area/outside/not_there.txt", "missing"),
        ("a/b/../c", "{ROOT}/a/c", "missing"),
        ("a/../src/app.py", "{ROOT}/src/app.py", "file"),
        ("a/../dir_link_out/file.txt", "{BASE}/area/outside/file.txt", "file"),
        ("src/app.py/below", "{ROOT}/src/app.py/below", "missing"),
        ("src/app.py/below/../..", "{ROOT}/src", "folder"),
        ("fifo", "{ROOT}/fifo", "other"),
        ("sock", "{ROOT}/sock", "other"),
        ("proc_link/environ", "/proc/self/environ", "other"),
        ("/dev/null", "/dev/null", "other"),
        ("a\0b", "{ROOT}/a\0b", "other"),
        ("{ROOT}/" + "n" * 300, "{ROOT}/" + "n" * 300, "other"),
    ],
)
def test_facts_say_where_a_path_really_leads(
    guard: WorkspaceGuard, tree: Tree, path: str, real: str, kind: str
) -> None:
    facts = guard.facts(tree.written(path))
    assert (facts.real, facts.kind) == (tree.written(real), kind)


def test_facts_name_every_link_on_the_way(guard: WorkspaceGuard, tree: Tree) -> None:
    assert guard.facts("chain1").via == (
        f"{tree.root}/chain2",
        f"{tree.root}/chain3",
        f"{tree.base}/area/outside/file.txt",
    )
    assert guard.facts("dir_link_inside/x/y").via == (f"{tree.root}/src/x/y",)
    assert guard.facts("src/app.py").via == ()


def test_a_loop_of_links_ends(guard: WorkspaceGuard) -> None:
    assert guard.facts("loop_a").kind == "other"


def test_facts_count_hard_links(guard: WorkspaceGuard) -> None:
    assert guard.facts("hardlink_out").links == 2
    assert guard.facts("src/app.py").links == 1


def test_looking_leaves_no_descriptor_open(guard: WorkspaceGuard) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("the system does not list descriptors")
    before = _descriptors()
    for path in ("src/app.py", "chain1", "loop_a", "a/b/c", "fifo", "root_link/etc", "..", "src/app.py/x"):
        guard.facts(path)
    guard.read("src/app.py")
    guard.write("src/app.py", b"y\n")
    with pytest.raises(GuardError):
        guard.read("missing")
    list(guard.walk())
    next(guard.walk())
    assert _descriptors() == before


def test_a_folder_names_what_it_holds(guard: WorkspaceGuard, tree: Tree) -> None:
    names = guard.names_in(tree.root)
    assert FolderEntry("src", "folder") in names
    assert FolderEntry(".env", "file") in names
    assert FolderEntry("chain1", "link") in names
    assert FolderEntry("fifo", "other") in names
    assert guard.names_in(f"{tree.root}/README.md") == ()
    assert guard.names_in(f"{tree.root}/missing") == ()


# Reading --------------------------------------------------------------------------------------


def test_a_file_is_read_whole_with_its_stamp(guard: WorkspaceGuard, tree: Tree) -> None:
    content = guard.read("src/app.py")
    status = Path(tree.root, "src/app.py").stat()
    assert content.data == b"x = 1\n"
    assert content.stamp == Stamp.of(content.data, status)
    assert content.facts.real == f"{tree.root}/src/app.py"


def test_nothing_is_read_without_a_judge(tree: Tree) -> None:
    guard = WorkspaceGuard.open(tree.workspace())
    with pytest.raises(GuardError, match="nothing was allowed here") as error:
        guard.read("README.md")
    assert _trouble(error) == "refused"
    guard.close()


@pytest.mark.parametrize(
    ("path", "trouble"),
    [
        ("missing.txt", "missing"),
        ("missing/x", "missing"),
        ("src", "folder"),
        ("", "refused"),
        ("~/x", "refused"),
        ("fifo", "refused"),
        ("sock", "refused"),
        ("loop_a", "refused"),
        ("/dev/zero", "refused"),
        ("dev_zero_link", "refused"),
        ("/proc/self/environ", "refused"),
        ("src/app.py/x", "missing"),
    ],
)
def test_what_is_no_file_is_not_read(guard: WorkspaceGuard, path: str, trouble: str) -> None:
    with pytest.raises(GuardError) as error:
        guard.read(path)
    assert _trouble(error) == trouble


def test_a_large_file_is_not_read(guard: WorkspaceGuard, tree: Tree) -> None:
    with Path(tree.root, "big").open("wb") as file:
        file.truncate(10 * 1024 * 1024 + 1)
    with pytest.raises(GuardError, match="10,485,761 bytes") as error:
        guard.read("big")
    assert _trouble(error) == "too large"
    assert len(guard.read("src/app.py", max_bytes=6).data) == 6


def test_a_refusal_says_where_a_link_leads(tree: Tree) -> None:
    guard = WorkspaceGuard.open(tree.workspace(), judge=lambda facts, _: "no")
    with pytest.raises(GuardError, match=r"link_out_file \(really .*outside/file.txt\) was refused: no"):
        guard.read("link_out_file")
    guard.close()


def test_a_relative_path_begins_where_the_guard_is_told(guard: WorkspaceGuard, tree: Tree) -> None:
    assert guard.judged_by(_anything, cwd=f"{tree.root}/src").read("app.py").data == b"x = 1\n"


# Writing --------------------------------------------------------------------------------------


def test_a_file_is_made_with_its_folders(guard: WorkspaceGuard, tree: Tree) -> None:
    stamp = guard.write("one/two/new.txt", b"hello")
    path = Path(tree.root, "one/two/new.txt")
    assert path.read_bytes() == b"hello"
    assert stamp == guard.read("one/two/new.txt").stamp
    assert [each.name for each in path.parent.iterdir()] == ["new.txt"]


def test_a_new_file_has_the_mode_of_any_new_file(guard: WorkspaceGuard, tree: Tree) -> None:
    guard.write("new.txt", b"x")
    Path(tree.root, "other.txt").write_text("x")
    assert Path(tree.root, "new.txt").stat().st_mode == Path(tree.root, "other.txt").stat().st_mode


def test_a_files_mode_stays(guard: WorkspaceGuard, tree: Tree) -> None:
    path = Path(tree.root, "run.sh")
    path.write_text("old")
    path.chmod(0o751)
    guard.write("run.sh", b"new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o751)


def test_writing_through_a_link_writes_where_it_leads(guard: WorkspaceGuard, tree: Tree) -> None:
    guard.write("link_inside", b"y\n")
    assert Path(tree.root, "link_inside").is_symlink()
    assert Path(tree.root, "src/app.py").read_bytes() == b"y\n"


def test_folders_are_not_made_where_that_is_not_wanted(guard: WorkspaceGuard) -> None:
    with pytest.raises(GuardError) as error:
        guard.write("one/new.txt", b"x", create_parents=False)
    assert _trouble(error) == "missing"


@pytest.mark.parametrize(
    ("path", "trouble"),
    [("src", "folder"), ("fifo", "refused"), ("loop_a", "refused"), ("README.md/x", "not a folder")],
)
def test_what_is_no_file_is_not_written(guard: WorkspaceGuard, path: str, trouble: str) -> None:
    with pytest.raises(GuardError) as error:
        guard.write(path, b"x")
    assert _trouble(error) == trouble


def test_a_file_that_changed_since_it_was_read_is_not_written(guard: WorkspaceGuard, tree: Tree) -> None:
    read = guard.read("README.md").stamp
    path = Path(tree.root, "README.md")
    status = path.stat()
    path.write_text("READMe\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # the same size and time: the hash tells
    with pytest.raises(GuardError, match="changed since it was read") as error:
        guard.write("README.md", b"mine", expected=read)
    assert _trouble(error) == "changed"
    assert path.read_text() == "READMe\n"


def test_a_file_that_did_not_change_is_written_again_and_again(guard: WorkspaceGuard) -> None:
    stamp = guard.read("README.md").stamp
    for number in range(3):
        stamp = guard.write("README.md", b"%d" % number, expected=stamp)
    assert guard.read("README.md").data == b"2"


def test_a_file_that_was_removed_since_it_was_read_is_not_made_again(
    guard: WorkspaceGuard, tree: Tree
) -> None:
    stamp = guard.read("README.md").stamp
    Path(tree.root, "README.md").unlink()
    with pytest.raises(GuardError) as error:
        guard.write("README.md", b"x", expected=stamp)
    assert _trouble(error) == "changed"


def test_a_file_that_must_be_new_is_not_overwritten(guard: WorkspaceGuard) -> None:
    with pytest.raises(GuardError) as error:
        guard.write("README.md", b"x", must_be_new=True)
    assert _trouble(error) == "exists"
    guard.write("brand_new", b"x", must_be_new=True)


def test_a_name_too_long_for_the_disk_leaves_nothing_behind(guard: WorkspaceGuard, tree: Tree) -> None:
    before = _names(tree.root)
    with pytest.raises(GuardError) as error:
        guard.write("n" * 256, b"x")
    assert _trouble(error) == "refused"
    guard.write("n" * 255, b"x")
    assert _names(tree.root) == sorted([*before, "n" * 255])


# The workspace --------------------------------------------------------------------------------


def test_a_workspace_without_its_root_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(GuardError) as error:
        WorkspaceGuard.open(Workspace("w", str(tmp_path / "missing")))
    assert _trouble(error) == "missing"


def test_a_folder_to_be_read_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    guard = WorkspaceGuard.open(Workspace("w", str(tmp_path), ("/not/there",)), additional=("/nor/here",))
    assert [folder.path for folder in guard.folders] == [str(tmp_path), "/"]
    guard.close()


def test_a_guard_knows_when_its_root_is_another_folder(tree: Tree, guard: WorkspaceGuard) -> None:
    assert guard.is_current()
    Path(tree.root).rename(f"{tree.root}_moved")
    assert not guard.is_current()
    Path(tree.root).mkdir()
    assert not guard.is_current()
