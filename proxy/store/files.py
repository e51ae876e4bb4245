"""Uploaded files: a row of facts in the database and the bytes in the private folder, under the id alone.

The bytes come first: a row exists only for a file that is whole and durable. An expired file keeps its row
and loses its bytes (Files API: "expires and its bytes become permanently unavailable").
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, insert, select

from proxy.context import Owner
from proxy.store.database import Database
from proxy.store.folder import Draft, PrivateFolder
from proxy.store.ownership import is_of
from proxy.store.schema import FILES
from proxy.store.values import StoredFile, StoreError

_F = FILES.c


class FileStore:
    """The files clients uploaded."""

    def __init__(self, database: Database, folder: PrivateFolder) -> None:
        self._run = database.run
        self.folder = folder
        """Where the bytes are."""

    async def add(self, draft: Draft, file: StoredFile) -> None:
        """Keeps a finished draft under the file's id."""
        await draft.commit(file.id)
        row = {name: getattr(file, name) for name in StoredFile.__dataclass_fields__ if name != "number"}
        try:
            await self._run(lambda connection: connection.execute(insert(FILES).values(**row)))
        except StoreError:
            await self.folder.remove(file.id)
            raise

    async def get(self, file_id: str) -> StoredFile | None:
        """Returns what is known of a file, or None if there is none of that id."""
        query = select(FILES).where(_F.id == file_id)
        found = await self._run(lambda connection: _files(connection, query))
        return found[0] if found else None

    async def chosen(self, owner: Owner, ids: Collection[str]) -> list[StoredFile]:
        """Returns those of `ids` that the owner has, newest first."""
        query = select(FILES).where(_F.id.in_(ids), is_of(FILES, owner)).order_by(_F.number.desc())
        return await self._run(lambda connection: _files(connection, query))

    async def page(
        self, owner: Owner, limit: int, *, after: int | None = None, before: int | None = None
    ) -> tuple[list[StoredFile], bool]:
        """Returns one page, newest first, and whether there is more in the direction of paging.

        Args:
            owner: Whose files.
            limit: The most files to return.
            after: The `number` just before the page (older files follow).
            before: The `number` just after the page.
        """
        query = select(FILES).where(is_of(FILES, owner))
        if after is not None:
            query = query.where(_F.number < after)
        if before is not None:
            query = query.where(_F.number > before)
        query = query.order_by(_F.number.asc() if before is not None else _F.number.desc()).limit(limit + 1)
        found = await self._run(lambda connection: _files(connection, query))
        page = found[:limit]
        return (page[::-1] if before is not None else page), len(found) > limit

    async def remove(self, file_id: str) -> bool:
        """Removes a file; returns False if there is none of that id."""
        statement = delete(FILES).where(_F.id == file_id)
        removed = await self._run(lambda connection: connection.execute(statement).rowcount)
        if removed:
            await self.folder.remove(file_id)
        return bool(removed)

    async def drop_expired(self, now_us: int) -> None:
        """Removes the bytes of files whose time is over."""
        query = select(_F.id).where(_F.expires_us <= now_us)
        for file_id in await self._run(lambda connection: list(connection.execute(query).scalars())):
            await self.folder.remove(file_id)

    async def ids(self) -> set[str]:
        """Returns the ids of all files."""
        return await self._run(lambda connection: set(connection.execute(select(_F.id)).scalars()))


def _files(connection: Connection, query: Select[Any]) -> list[StoredFile]:
    return [_file(row) for row in connection.execute(query).mappings()]


def _file(row: RowMapping) -> StoredFile:
    return StoredFile(**row)
