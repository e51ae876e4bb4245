"""Whose batches and files are: lists and cursors of one owner, and databases that knew no owners."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path

from proxy.context import Owner
from proxy.store import migrations
from proxy.store.batches import BatchStore
from proxy.store.database import Database
from proxy.store.files import FileStore
from proxy.store.folder import PrivateFolder, in_thread
from proxy.store.schema import VERSION
from proxy.store.values import Batch, NewRequest, StoredFile
from tests.proxy.places import Place
from tests.proxy.store.older import make_version_3

OWNERS = [Owner(token, workspace) for token, workspace in product(("local", "ci"), (None, "site", "shop"))]
FIRST, CI = Owner(), Owner("ci")


@asynccontextmanager
async def opened(place: Place, home: Path) -> AsyncGenerator[tuple[Database, BatchStore, FileStore]]:
    folder = PrivateFolder(home / "files")
    await in_thread(folder.prepare)
    database = await place.open()
    try:
        yield database, BatchStore(database), FileStore(database, folder)
    finally:
        await database.close()


def batch_of(owner: Owner, name: str) -> Batch:
    return Batch(f"msgbatch_{name}", 1, 1, 2, token=owner.token, workspace=owner.workspace)


def file_of(owner: Owner, name: str) -> StoredFile:
    file = StoredFile(f"file_{name}", "a.txt", "text/plain", 4, 1)
    return replace(file, token=owner.token, workspace=owner.workspace)


async def keep(batches: BatchStore, files: FileStore, owner: Owner, name: str) -> None:
    await batches.create(batch_of(owner, name), [NewRequest("a", 0, 1)])
    draft = await files.folder.draft()
    await draft.write(b"body")
    await draft.finish()
    await files.add(draft, file_of(owner, name))


async def test_lists_hold_what_the_owner_has_and_nothing_else(place: Place, home: Path) -> None:
    async with opened(place, home) as (_, batches, files):
        for number, owner in enumerate(OWNERS):
            await keep(batches, files, owner, str(number))
        for owner in OWNERS:
            numbers = [str(n) for n, maker in enumerate(OWNERS) if owner.has(maker)][::-1]
            found = await batches.page(owner, 9)
            assert found is not None
            assert [each.id for each in found[0]] == [f"msgbatch_{n}" for n in numbers]
            assert all(owner.has(each.owner) for each in found[0])
            ids = [f"file_{n}" for n in numbers]
            assert [each.id for each in (await files.page(owner, 9))[0]] == ids
            every_id = [f"file_{n}" for n in range(len(OWNERS))]
            assert [each.id for each in await files.chosen(owner, every_id)] == ids


async def test_a_page_is_full_and_ends_where_only_what_others_have_follows(place: Place, home: Path) -> None:
    async with opened(place, home) as (_, batches, files):
        for number, owner in enumerate((FIRST, CI, CI, FIRST, CI, FIRST)):
            await keep(batches, files, owner, str(number))
        first = await batches.page(FIRST, 2)
        assert first is not None
        assert ([each.id for each in first[0]], first[1]) == (["msgbatch_5", "msgbatch_3"], True)
        last = await batches.page(FIRST, 2, after="msgbatch_3")
        assert last is not None
        assert ([each.id for each in last[0]], last[1]) == (["msgbatch_0"], False)
        newer, more = await files.page(CI, 2, before=2)
        assert ([each.id for each in newer], more) == (["file_4", "file_2"], False)


async def test_the_batch_of_another_is_no_place_to_go_on_from(place: Place, home: Path) -> None:
    async with opened(place, home) as (_, batches, files):
        await keep(batches, files, CI, "theirs")
        for cursor in ("msgbatch_theirs", "msgbatch_never"):
            assert await batches.page(FIRST, 9, after=cursor) is None
            assert await batches.page(FIRST, 9, before=cursor) is None


async def test_a_database_of_version_3_keeps_all_and_gives_each_to_who_made_it(
    place: Place, home: Path
) -> None:
    async with opened(place, home) as (database, batches, files):
        await keep(batches, files, FIRST, "first")
        await keep(batches, files, CI, "ci")
        await batches.decide("msgbatch_ci", 0, "succeeded", "{}", 5)
        await database.run(make_version_3)
    async with opened(place, home) as (database, batches, files):
        assert await database.run(migrations.version_of) == VERSION
        assert await batches.get("msgbatch_first") == batch_of(FIRST, "first")
        kept = await batches.get("msgbatch_ci")
        assert kept is not None
        assert (kept.owner, kept.status, kept.succeeded) == (CI, "ended", 1)
        assert len(await batches.results("msgbatch_ci", after=-1, limit=9)) == 1
        # Who uploaded a file was not written down, so the first token has them all.
        assert {each.id: each.owner for each in (await files.page(FIRST, 9))[0]} == {
            "file_first": FIRST,
            "file_ci": FIRST,
        }
        assert await files.folder.read("file_ci") == b"body"
        assert await files.page(CI, 9) == ([], False)
    assert place.name != "sqlite" or (home / "signalbox.db.version-3").exists()
