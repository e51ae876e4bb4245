"""Whatever call of the system fails, a file is the old one or the new one, whole, and alone."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest
from typing_extensions import override

from proxy.permissions.values import Workspace
from proxy.tools.guard import GuardError, WorkspaceGuard
from proxy.tools.guard_disk import PosixDisk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="calls with descriptors")


class _FailingDisk(PosixDisk):
    """Fails one kind of call, once it is told to."""

    def __init__(self, call: str, code: int = errno.EIO) -> None:
        self.call = call
        self.code = code
        self.is_failing = False

    def _may_fail(self, call: str) -> None:
        if self.is_failing and call == self.call:
            raise OSError(self.code, os.strerror(self.code))

    @override
    def create(self, name: str, folder: int, mode: int) -> int:
        self._may_fail("create")
        return super().create(name, folder, mode)

    @override
    def replace(self, old: str, new: str, folder: int) -> None:
        self._may_fail("replace")
        super().replace(old, new, folder)

    @override
    def name_new(self, old: str, new: str, folder: int) -> None:
        self._may_fail("name_new")
        super().name_new(old, new, folder)

    @override
    def make_folder(self, name: str, folder: int) -> None:
        self._may_fail("make_folder")
        super().make_folder(name, folder)

    @override
    def open_file(self, name: str, folder: int) -> int:
        self._may_fail("open_file")
        return super().open_file(name, folder)

    @override
    def open_to_list(self, name: str, folder: int) -> int:
        self._may_fail("open_to_list")
        return super().open_to_list(name, folder)

    @override
    def scan(self, folder: int) -> list[os.DirEntry[str]]:
        self._may_fail("scan")
        return super().scan(folder)

    @override
    def status(self, name: str, folder: int) -> os.stat_result:
        self._may_fail("status")
        return super().status(name, folder)

    @override
    def is_writable(self, name: str, folder: int) -> bool:
        return self.call != "is_writable" and super().is_writable(name, folder)


def _guard(folder: Path, disk: PosixDisk) -> WorkspaceGuard:
    (folder / "old.txt").write_text("old")
    (folder / "sub").mkdir()
    guard = WorkspaceGuard.open(
        Workspace("w", os.path.realpath(folder)), judge=lambda facts, operation: None, disk=disk
    )
    if isinstance(disk, _FailingDisk):
        disk.is_failing = True
    return guard


def _all(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize(
    ("call", "path"),
    [
        ("create", "old.txt"),
        ("create", "new.txt"),
        ("replace", "old.txt"),
        ("name_new", "new.txt"),
        ("make_folder", "a/b/new.txt"),
    ],
)
def test_a_write_that_fails_changes_nothing(tmp_path: Path, call: str, path: str, code: int) -> None:
    guard = _guard(tmp_path, _FailingDisk(call, code))
    with pytest.raises(GuardError) as error:
        guard.write(path, b"new")
    assert error.value.trouble == "system"
    assert os.strerror(code) in str(error.value)
    assert _all(tmp_path) == {"old.txt": "old"}
    guard.close()


@pytest.mark.parametrize(
    ("call", "code", "trouble"),
    [
        ("open_file", errno.EACCES, "system"),
        ("open_file", errno.ELOOP, "changed"),
        ("status", errno.EACCES, "refused"),
    ],
)
def test_a_read_that_fails_says_why(tmp_path: Path, call: str, code: int, trouble: str) -> None:
    guard = _guard(tmp_path, _FailingDisk(call, code))
    with pytest.raises(GuardError) as error:
        guard.read("old.txt")
    assert error.value.trouble == trouble
    guard.close()


@pytest.mark.parametrize(
    ("call", "code", "trouble"),
    [
        ("open_to_list", errno.EACCES, "system"),
        ("open_to_list", errno.ENOTDIR, "changed"),
        ("scan", errno.EIO, "system"),
    ],
)
def test_a_listing_that_fails_says_why(tmp_path: Path, call: str, code: int, trouble: str) -> None:
    guard = _guard(tmp_path, _FailingDisk(call, code))
    with pytest.raises(GuardError) as error:
        guard.list()
    assert error.value.trouble == trouble
    assert guard.names_in(str(tmp_path)) == ()
    guard.close()


def test_a_folder_that_may_not_be_listed_is_passed_over_in_a_walk(tmp_path: Path) -> None:
    disk = _FailingDisk("open_to_list", errno.EACCES)
    guard = _guard(tmp_path, disk)
    disk.is_failing = False
    walk = guard.walk()
    disk.is_failing = True
    assert [entry.name for entry in walk] == ["old.txt", "sub"]
    guard.close()


def test_a_write_protected_file_is_not_replaced(tmp_path: Path) -> None:
    guard = _guard(tmp_path, _FailingDisk("is_writable"))
    with pytest.raises(GuardError, match="write-protected"):
        guard.write("old.txt", b"new")
    assert _all(tmp_path) == {"old.txt": "old"}
    guard.close()


def test_a_volume_without_hard_links_takes_new_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    disk = PosixDisk()
    guard = _guard(tmp_path, disk)
    guard.write("new.txt", b"new")
    assert _all(tmp_path) == {"old.txt": "old", "new.txt": "new"}
    top = disk.open_top(str(tmp_path))
    with pytest.raises(FileExistsError):
        disk.name_new("new.txt", "old.txt", top)
    disk.close_folder(top)
    guard.close()
