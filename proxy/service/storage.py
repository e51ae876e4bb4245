"""Opens the store behind batches, files, ledger and audit, keeps house in it once a minute, and closes it.

SQLAlchemy is loaded here, in a thread, when the store is opened: the program's start does not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from proxy.service.batch_worker import BatchLimits, BatchWorker, Means
from proxy.service.batches import BatchService
from proxy.service.files import FileRules, FileService
from proxy.store.folder import PrivateFolder, in_thread
from proxy.store.folder_lock import FolderLock
from proxy.store.values import StoreError, StoreFailure
from proxy.tasks import spawn

if TYPE_CHECKING:
    from proxy.store.batches import BatchStore
    from proxy.store.database import Database
    from proxy.store.decisions import DecisionStore
    from proxy.store.files import FileStore
    from proxy.store.ledger import LedgerStore

_log = structlog.get_logger("proxy.service")

HOUSEKEEPING_S = 60.0

Flush = Callable[[], Awaitable[None]]
"""Writes what was held back until now."""


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """Where batches and files are kept, and under which rules."""

    folder: Path
    limits: BatchLimits = field(default_factory=BatchLimits)
    rules: FileRules = field(default_factory=FileRules)


class Storage:
    """Batches, files, the ledger and the audit over one open database; make it with `open_storage`."""

    def __init__(
        self,
        database: Database,
        batches: BatchService,
        files: FileService,
        ledger: LedgerStore,
        decisions: DecisionStore,
        means: Means,
    ) -> None:
        self.database = database
        self.decisions = decisions
        self.ledger = ledger
        self.batches = batches
        self.files = files
        self.notice = database.health.message
        """What the user should know of the database, such as that a damaged one was set aside."""
        self._housekeeping = spawn(self._keep_house(means), name="keep house in the store")

    async def close(self, grace_s: float, flush: Flush | None = None) -> None:
        """Lets requests of batches finish for `grace_s` seconds, ends them and closes the database."""
        self._housekeeping.cancel()
        await asyncio.wait({self._housekeeping})
        await self.batches.stop(grace_s)
        if flush is not None:
            await flush()
        await self.database.close()

    async def _keep_house(self, means: Means) -> None:
        while True:
            await means.sleep(HOUSEKEEPING_S)
            try:
                await self.batches.tick()
                await self.files.tick()
            except StoreError as error:
                _log.warning("housekeeping_failed", reason=error.message)


@dataclass(frozen=True, slots=True)
class _Store:
    """What needs SQLAlchemy."""

    open_database: Callable[[Path, float, FolderLock], Awaitable[Database]]
    BatchStore: type[BatchStore]
    DecisionStore: type[DecisionStore]
    FileStore: type[FileStore]
    LedgerStore: type[LedgerStore]


def _load_store() -> _Store:
    from proxy.store.batches import BatchStore  # noqa: PLC0415 - see above
    from proxy.store.database import open_database  # noqa: PLC0415 - loads SQLAlchemy
    from proxy.store.decisions import DecisionStore  # noqa: PLC0415 - loads SQLAlchemy
    from proxy.store.files import FileStore  # noqa: PLC0415 - loads SQLAlchemy
    from proxy.store.ledger import LedgerStore  # noqa: PLC0415 - loads SQLAlchemy

    return _Store(open_database, BatchStore, DecisionStore, FileStore, LedgerStore)


async def open_storage(config: StorageConfig, means: Means, lock: FolderLock | None = None) -> Storage:
    """Opens the store and goes on with the batches that had not ended.

    Args:
        config: Where it is.
        means: What it needs of the world around it.
        lock: The folder's, which is the store's from now on; None: it is taken now.

    Raises:
        StoreError: Another process has the folder, or it cannot be used.
    """
    held = lock or await in_thread(lambda: FolderLock(config.folder))  # nothing is touched without it
    home = PrivateFolder(config.folder)
    bodies = PrivateFolder(config.folder / "batches")
    uploads = PrivateFolder(config.folder / "files")
    try:
        store = await asyncio.to_thread(_load_store)
        for folder in (home, bodies, uploads):
            await in_thread(folder.prepare)
    except BaseException:
        held.release()
        raise
    database = await store.open_database(config.folder, means.clock(), held)
    try:
        batch_store, file_store = store.BatchStore(database), store.FileStore(database, uploads)
        if database.health.set_aside is None:  # else the rows may be older than the files
            unfinished, known = await batch_store.ids(unfinished=True), await file_store.ids()
            await in_thread(lambda: bodies.remove_others(unfinished))
            await in_thread(lambda: uploads.remove_others(known))
        worker = BatchWorker(batch_store, bodies, means, config.limits)
        batches = BatchService(batch_store, bodies, worker, means)
        files = FileService(file_store, means.clock, means.new_id, config.rules)
        await batches.start()
        await batches.tick()
        await files.tick()
    except BaseException:
        await database.close()
        raise
    ledger, decisions = store.LedgerStore(database), store.DecisionStore(database)
    return Storage(database, batches, files, ledger, decisions, means)


class LazyStorage:
    """The store as the server holds it: opened in the background, and anew on demand where that failed.

    The folder is claimed before anything else is done, so that of two programs that start together one knows
    that it is the second.
    """

    def __init__(self, config: StorageConfig, means: Means) -> None:
        self._config = config
        self._means = means
        self._opening: asyncio.Task[Storage | StoreError] | None = None
        self._lock: FolderLock | None = None
        """Taken, and not yet the store's."""
        self._is_closed = False
        self.is_shared = False
        """Another process had the folder when it was last asked for."""

    async def claim(self, *, is_needed: bool) -> None:
        """Takes the folder, unless another process has it.

        Args:
            is_needed: There are budgets, which nobody can keep without it.

        Raises:
            StoreError: It is needed, and another process has it.
        """
        self._is_closed = False
        try:
            self._lock = await self._take()
        except StoreError as error:
            if is_needed and self.is_shared:
                raise
            _log.debug("folder_not_claimed", reason=error.message)  # whoever opens the store will warn

    def begin(self) -> None:
        """Begins to open the store, so that batches go on without being asked for."""
        self._opening = spawn(self._open(), name="open the store")

    async def get(self) -> Storage:
        """Returns the open store.

        Raises:
            StoreError: It cannot be opened; the next call tries again.
        """
        if self._opening is None:
            if self._is_closed:
                raise StoreError(StoreFailure.UNUSABLE)
            self.begin()
        opening = self._opening
        assert opening is not None  # noqa: S101 - for the type checker
        found = await asyncio.shield(opening)
        if isinstance(found, StoreError):
            if self._opening is opening:
                self._opening = None
            raise found
        return found

    async def close(self, grace_s: float, flush: Flush | None = None) -> None:
        """Closes the store, if it was opened; what `flush` still has to write is written before."""
        opening = self._opening
        if opening is None:
            self._is_closed = True
            if self._lock is not None:
                self._lock.release()
                self._lock = None
            return
        await asyncio.wait({opening})
        try:
            if not opening.cancelled() and opening.exception() is None:
                found = opening.result()
                if isinstance(found, Storage):
                    await found.close(grace_s, flush)
        finally:
            self._opening, self._is_closed = None, True

    async def _take(self) -> FolderLock:
        try:
            lock = await in_thread(lambda: FolderLock(self._config.folder))
        except StoreError as error:
            self.is_shared = error.failure is StoreFailure.IN_USE
            raise
        self.is_shared = False
        return lock

    async def _open(self) -> Storage | StoreError:
        try:
            lock, self._lock = self._lock, None
            storage = await open_storage(self._config, self._means, lock or await self._take())
        except StoreError as error:
            _log.error("store_unavailable", reason=error.message)
            return error
        if storage.notice is not None:
            _log.warning("store_was_damaged", notice=storage.notice)
        return storage
