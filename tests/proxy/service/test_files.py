"""Files as a service: names, types, cursors, expiry, and shapes as recorded."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.context import Owner
from proxy.ids import new_id
from proxy.messages.errors import ClientError, ErrorType
from proxy.service.files import (
    FileRules,
    FileService,
    clean_filename,
    clean_mime_type,
    file_view,
    files_view,
)
from proxy.store.database import open_database
from proxy.store.files import FileStore
from proxy.store.folder import PrivateFolder
from proxy.store.values import StoredFile, StoreError

DAY_S = 24 * 3600.0
OWNER = Owner()


@dataclass
class Shelf:
    """A file service with a clock that stands."""

    service: FileService
    store: FileStore
    now: float = 1_800_000_000.0

    async def upload(self, data: bytes = b"x", name: str = "a.txt", expires: str | None = None) -> StoredFile:
        draft = await self.service.begin_upload()
        try:
            await draft.write(data)
            return await self.service.upload(draft, name, "text/plain", expires, OWNER)
        finally:
            await draft.discard()


@pytest.fixture
def folder(home: Path) -> PrivateFolder:
    made = PrivateFolder(home / "files")
    made.prepare()
    return made


@asynccontextmanager
async def shelf(home: Path, folder: PrivateFolder, *pragmas: str, **rules: Any) -> AsyncGenerator[Shelf]:
    database = await open_database(home, 0, pragmas=pragmas)
    store = FileStore(database, folder)
    made = Shelf(FileService(store, lambda: made.now, new_id, FileRules(**rules)), store)
    try:
        yield made
    finally:
        await database.close()


def named(file: StoredFile, kind: str = "document") -> dict[str, Any]:
    block = {"type": kind, "source": {"type": "file", "file_id": file.id}}
    return {"messages": [{"role": "user", "content": [block]}]}


async def test_an_expired_file_keeps_its_metadata_and_loses_its_bytes(
    home: Path, folder: PrivateFolder
) -> None:
    async with shelf(home, folder) as files:
        file, other = await files.upload(expires="3600"), await files.upload()
        files.now += 3599
        await files.service.tick()
        assert await folder.read(file.id) == b"x"
        files.now += 1
        await files.service.tick()
        assert await folder.read(file.id) is None
        assert await folder.read(other.id) == b"x"
        assert (await files.service.get(file.id, OWNER)).expires_us == file.expires_us
        for use in (files.service.content(file.id, OWNER), files.service.in_place(named(file), OWNER)):
            with pytest.raises(ClientError) as caught:
                await use
            assert caught.value.status == 404
            assert caught.value.details == {"error_code": "file_expired"}


async def test_the_files_of_one_request_have_a_limit_together(home: Path, folder: PrivateFolder) -> None:
    async with shelf(home, folder, max_request_bytes=10) as files:
        fits, too_much = await files.upload(b"x" * 10), await files.upload(b"x" * 11)
        assert "x" * 10 in str(await files.service.in_place(named(fits), OWNER))
        with pytest.raises(ClientError) as caught:
            await files.service.in_place(named(too_much), OWNER)
        assert caught.value.type is ErrorType.REQUEST_TOO_LARGE


async def fill(files: Shelf) -> None:
    for number in range(500):
        await files.upload(name=f"{number}".rjust(250, "n"))


@pytest.mark.expects_log("database_failed")
async def test_a_full_disk_leaves_no_bytes_without_a_row(home: Path, folder: PrivateFolder) -> None:
    async with shelf(home, folder, "PRAGMA max_page_count=40") as files:
        with pytest.raises(StoreError):
            await fill(files)
        known = await files.store.ids()
        assert {path.name for path in (home / "files").iterdir()} == known


@pytest.mark.parametrize(
    ("given_name", "kind", "name"),
    [
        ("report.pdf", "application/pdf", "report.pdf"),
        ("/home/me/report.pdf", "application/pdf", "report.pdf"),
        ("C:\\Users\\me\\report.pdf", "application/pdf", "report.pdf"),
        ("übung 1.txt", "text/plain", "übung 1.txt"),
        (None, "application/pdf", "unnamed.pdf"),
        ("", "image/png", "unnamed.png"),
        ("folder/", "application/x-thing", "unnamed"),
    ],
)
def test_a_name_is_the_last_component_or_made_from_the_type(
    given_name: str | None, kind: str, name: str
) -> None:
    assert clean_filename(given_name, kind) == name


@pytest.mark.parametrize(
    "name", ["a" * 256, "a:b", "a\x00", "a\nb", 'a"b', "a?", "a*", "<a>", "a|b", "a\ud800"]
)
def test_an_unlawful_name_is_refused(name: str) -> None:
    with pytest.raises(ClientError, match="Invalid filename"):
        clean_filename(name, "text/plain")


@given(st.text(max_size=300))
def test_what_passes_as_a_name_is_lawful(name: str) -> None:
    try:
        clean = clean_filename(name, "text/plain")
    except ClientError:
        return
    assert 1 <= len(clean.encode()) <= 1020
    assert not set('<>:"|?*\\/') & set(clean)


@pytest.mark.parametrize(
    ("given_type", "name", "kind"),
    [
        ("Text/Plain; charset=utf-8", "a", "text/plain"),
        (None, "a.PDF", "application/pdf"),
        ("application/octet-stream", "a.jpeg", "image/jpeg"),
        ("application/octet-stream", "a.bin", "application/octet-stream"),
        ("no type\r\nSet-Cookie: x", "a", "application/octet-stream"),
        (None, None, "application/octet-stream"),
    ],
)
def test_a_type_is_as_given_or_by_the_ending(given_type: str | None, name: str | None, kind: str) -> None:
    assert clean_mime_type(given_type, name) == kind


@pytest.mark.parametrize("cursor", ["", "page_", "page_!", "page_LTE", "x", "page_" + "A" * 99, "page_w6k"])
async def test_a_cursor_that_is_none_of_ours_is_refused(
    home: Path, folder: PrivateFolder, cursor: str
) -> None:
    async with shelf(home, folder) as files:
        with pytest.raises(ClientError, match="page"):
            await files.service.page(OWNER, page=cursor)


@pytest.mark.parametrize("expires", ["", "1e4", "3599", "7776001", "-3600", "9" * 30, "٣٦٠٠"])
async def test_an_unlawful_expiry_is_refused(home: Path, folder: PrivateFolder, expires: str) -> None:
    async with shelf(home, folder) as files:
        with pytest.raises(ClientError, match="expires_in_seconds"):
            await files.upload(expires=expires)


def recorded(shared_data: Path, name: str) -> Any:
    return json.loads((shared_data / "recordings" / f"{name}.json").read_text("utf-8"))["response"]["body"]


def as_stored(theirs: dict[str, Any]) -> StoredFile:
    moment = datetime.fromisoformat(theirs["created_at"].replace("Z", "+00:00"))
    kept = {name: theirs[name] for name in ("id", "filename", "mime_type", "size_bytes", "downloadable")}
    return StoredFile(**kept, created_us=round(moment.timestamp() * 1e6))


def test_the_beta_has_the_recorded_shapes(shared_data: Path) -> None:
    one = recorded(shared_data, "anthropic-none-json-anthropic-file-lifecycle-0")
    assert list(file_view(as_stored(one), is_beta=True).items()) == list(one.items())
    page = recorded(shared_data, "anthropic-none-json-anthropic-file-lifecycle-async-2")
    files = [as_stored(each) for each in page["data"]]
    assert files_view(files, has_more=False, is_beta=True) == page


def test_the_general_shape_has_expiry_and_a_cursor() -> None:
    file = StoredFile("file_1", "a", "text/plain", 1, 0, number=7)
    assert file_view(file)["expires_at"] is None
    assert file_view(replace(file, expires_us=3_600_000_000))["expires_at"] == "1970-01-01T01:00:00.000000Z"
    assert files_view([file], has_more=False) == {"data": [file_view(file)], "next_page": None}
    assert files_view([file], has_more=True)["next_page"].startswith("page_")
