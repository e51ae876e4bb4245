"""Windows' calls as far as they are text: paths there and back, links, names; the rest is in `test_guard`."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxy.permissions.values import Workspace
from proxy.tools.base import ToolScope
from proxy.tools.conversation import Conversation
from proxy.tools.glob import Glob
from proxy.tools.guard import WorkspaceGuard
from proxy.tools.guard_disk import PosixDisk
from proxy.tools.guard_windows import WindowsDisk, native_path, posix_path
from tests.proxy.tools.searching import anything, fill, text_of


def _disk(**other: Any) -> WindowsDisk:
    return WindowsDisk(lambda _: lambda: None, native=lambda path: path, **{"long_name": str, **other})


@pytest.mark.parametrize(
    ("path", "native"), [("/c", "C:\\"), ("/c/work/a b", "C:\\work\\a b"), ("/d/", "D:\\")]
)
def test_paths_are_written_as_windows_writes_them(path: str, native: str) -> None:
    assert native_path(path) == native


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("\\\\?\\C:\\work\\x", "/c/work/x"),
        ("\\??\\D:\\x", "/d/x"),
        ("..\\x\\y", "../x/y"),
        ("x", "x"),
    ],
)
def test_links_lead_where_our_paths_can_follow(target: str, path: str) -> None:
    assert posix_path(target) == path


@pytest.mark.parametrize("target", ["\\\\server\\share", "\\\\?\\Volume{0}\\x", "\\\\?\\UNC\\server\\share"])
def test_links_to_networks_and_volumes_lead_nowhere(target: str) -> None:
    with pytest.raises(OSError, match="network or a volume"):
        posix_path(target)


@pytest.mark.parametrize(
    ("mode", "attributes", "tag", "is_link"),
    [
        (stat.S_IFLNK, 0, 0, True),
        (stat.S_IFDIR, 0x400, 0xA0000003, True),
        (stat.S_IFREG, 0x400, 0xA000000C, True),
        (stat.S_IFREG, 0x400, 0x9000601A, False),
        (stat.S_IFDIR, 0x10, 0, False),
    ],
)
def test_links_and_junctions_lead_elsewhere_and_files_in_a_cloud_do_not(
    mode: int, attributes: int, tag: int, is_link: bool
) -> None:
    status = SimpleNamespace(st_mode=mode, st_file_attributes=attributes, st_reparse_tag=tag)
    assert _disk().is_link(cast("os.stat_result", status)) is is_link


def test_a_short_name_is_told_as_the_long_one() -> None:
    def long_name(path: str) -> str:
        return path.replace("SECRET~1", "secrets")

    disk = _disk(long_name=long_name)
    top = disk.open_top("C:\\work")
    assert disk.true_name("SECRET~1", top) == "secrets"
    assert disk.true_name("a", top) == "a"


def test_a_new_name_never_replaces(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    posix = PosixDisk()
    for disk in (_disk(), posix):
        top = disk.open_top(str(tmp_path))
        with pytest.raises(FileExistsError):
            disk.name_new("new", "old", top)
        disk.close_folder(top)
    assert (tmp_path / "old").read_text() == "old"


@pytest.fixture
def scope(tmp_path: Path) -> Iterator[ToolScope]:
    """A workspace `C:\\w` whose drive is a folder here."""
    fill(tmp_path / "c", {"w/src/app.py": "x", "w/README.md": "r", "outside.txt": "o"})

    def pin(path: str) -> Callable[[], None]:
        if not Path(path).is_dir():
            raise NotADirectoryError(path)
        return lambda: None

    def native(path: str) -> str:
        return f"{tmp_path}{path}"

    workspace = Workspace("w", "/c/w")
    disk = WindowsDisk(pin, long_name=str, native=native)
    guard = WorkspaceGuard.open(workspace, judge=anything, platform="windows", disk=disk)
    yield ToolScope("call", "request", Conversation(("token", "c")), workspace, guard)
    guard.close()


@pytest.mark.parametrize("path", ["src\\app.py", "C:\\w\\src\\app.py", "c:/w/src/app.py", "\\w\\src/app.py"])
def test_every_way_to_write_a_path_leads_to_the_file(scope: ToolScope, path: str) -> None:
    assert scope.guard is not None
    content = scope.guard.read(path)
    assert (content.data, content.facts.real) == (b"x", "/c/w/src/app.py")


def test_what_is_on_no_drive_that_is_open_is_not_reached(scope: ToolScope) -> None:
    assert scope.guard is not None
    assert scope.guard.facts("D:\\x").kind == "other"
    assert scope.guard.facts("..\\..\\..\\x").kind == "other"
    assert scope.guard.facts("..\\outside.txt").real == "/c/outside.txt"


def test_files_are_written_and_folders_made(scope: ToolScope, tmp_path: Path) -> None:
    assert scope.guard is not None
    scope.guard.write("new\\deep\\a.txt", b"a")
    stamp = scope.guard.read("README.md").stamp
    scope.guard.write("README.md", b"changed", expected=stamp)
    assert (tmp_path / "c/w/new/deep/a.txt").read_text() == "a"
    assert (tmp_path / "c/w/README.md").read_text() == "changed"


async def test_patterns_are_read_as_windows_writes_them(scope: ToolScope) -> None:
    for pattern in ("C:\\w\\src\\*.py", "src\\*.py", "**/*.py"):
        assert await text_of(Glob(), scope, pattern=pattern) == "/c/w/src/app.py"
