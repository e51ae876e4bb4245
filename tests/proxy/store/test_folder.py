"""The private folder: whole and durable files, no remains, a full disk."""

from __future__ import annotations

import asyncio
import errno
import io
from pathlib import Path

import pytest

from proxy.store.folder import PrivateFolder
from proxy.store.values import StoreError, StoreFailure

PIECE = 2**20


class FullDisk(io.BytesIO):
    """A file on a disk with no room left."""

    def write(self, data: object) -> int:
        del data
        raise OSError(errno.ENOSPC, "No space left on device")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def folder(home: Path) -> PrivateFolder:
    made = PrivateFolder(home / "store")
    made.prepare()
    return made


async def test_a_file_has_its_name_only_once_it_is_whole(home: Path, folder: PrivateFolder) -> None:
    draft = await folder.draft()
    await draft.write(b"a" * PIECE)
    await draft.write(b"b")
    assert [name.endswith(".part") for name in names(home / "store")] == [True]
    await draft.finish()
    await draft.commit("file_1")
    await draft.discard()
    assert names(home / "store") == ["file_1"]
    assert draft.size_bytes == PIECE + 1
    assert await folder.read("file_1") == b"a" * PIECE + b"b"
    assert await folder.read_part("file_1", PIECE - 1, 2) == b"ab"
    assert [len(piece) async for piece in folder.pieces("file_1")] == [PIECE, 1]


async def test_what_is_not_there_or_too_short_is_none(folder: PrivateFolder) -> None:
    assert await folder.read("file_1") is None
    assert await folder.read_part("file_1", 0, 1) is None
    assert [piece async for piece in folder.pieces("file_1")] == []
    draft = await folder.draft()
    await draft.write(b"x")
    await draft.finish()
    await draft.commit("file_1")
    assert await folder.read_part("file_1", 0, 2) is None


async def test_what_a_crash_left_unfinished_is_gone_after_the_next_start(
    home: Path, folder: PrivateFolder
) -> None:
    draft = await folder.draft()
    await draft.write(b"x" * PIECE)
    other = await folder.draft()
    await other.finish()
    await other.commit("file_unknown")
    await asyncio.to_thread(PrivateFolder(home / "store").prepare)
    assert names(home / "store") == ["file_unknown"]
    await asyncio.to_thread(folder.remove_others, {"file_1"})
    assert names(home / "store") == []
    await draft.discard()


@pytest.mark.expects_log("data_folder_failed")
async def test_a_full_disk_is_told_in_words_without_a_path(home: Path) -> None:
    draft = await PrivateFolder(home / "store", lambda _: FullDisk()).draft()
    with pytest.raises(StoreError) as caught:
        await draft.write(b"x" * PIECE)
    assert caught.value.failure is StoreFailure.DISK_FULL
    assert (caught.value.status, caught.value.should_retry) == (500, False)
    assert str(home) not in caught.value.message
    await draft.discard()
