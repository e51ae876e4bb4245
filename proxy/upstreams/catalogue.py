"""The models that upstreams offer: read from them in the background, kept in memory and on disk.

Nobody waits for a list. Whoever asks gets what is known now; the first question about an upstream starts the
reading of its list (first from disk, then from the upstream where the file is a day old), and from then on
the answers are better. A list that cannot be had is said once in the log and tried again later.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import aiohttp
import orjson
import structlog
from pydantic import TypeAdapter, ValidationError

from proxy.config import ProviderConfig
from proxy.tasks import spawn
from proxy.upstreams.lookup import read_model_list
from proxy.upstreams.model_entries import ModelEntry, Prices, find_entry

_log = structlog.get_logger("proxy.upstreams")

REFRESH_S = 24 * 3600.0
RETRY_S = 15 * 60.0
"""After a failed reading."""
TIMEOUT_S = 60.0
MAX_FILE_BYTES = 16 * 2**20
_FORMAT = 1

ReadList = Callable[[ProviderConfig], Awaitable[tuple[ModelEntry, ...]]]


@dataclass(frozen=True, slots=True)
class _Saved:
    """The content of a file."""

    format: int
    base_url: str
    read_at: float
    models: tuple[ModelEntry, ...]


_SAVED: TypeAdapter[_Saved] = TypeAdapter(_Saved)


@dataclass(slots=True)
class _List:
    """What is known of one upstream's models."""

    entries: Mapping[str, ModelEntry] = field(default_factory=lambda: MappingProxyType({}))
    due_at: float = 0.0
    """When to read again, by the wall clock."""
    looked_at: float = 0.0
    """When it was last looked at: a clock that was set back must not put the next reading off for years."""
    is_loaded: bool = False
    """What the disk has of it is known."""
    has_failed: bool = False
    loading: asyncio.Task[None] | None = None
    """Looks at the disk, for all who wait for that."""
    task: asyncio.Task[None] | None = None
    """Asks the upstream, after the disk."""


class Catalogue:
    """Every upstream's models, as far as they are known."""

    def __init__(
        self,
        folder: Path | None,
        *,
        wall_clock: Callable[[], float] = time.time,  # noqa: TID251 - the real clock is handed in here
        read_list: ReadList = read_model_list,
        on_read: Callable[[], None] = lambda: None,
    ) -> None:
        """Makes an empty catalogue; nothing is read yet.

        Args:
            folder: Where lists are kept over restarts; made when needed. None: in memory only.
            wall_clock: Seconds since the epoch.
            read_list: Asks a provider; may raise what `lookup.read_model_list` raises.
            on_read: Called when a list is known, or is another one than before.
        """
        self._folder = folder
        self._clock = wall_clock
        self._read_list = read_list
        self._on_read = on_read
        self._lists = defaultdict[tuple[str, str], _List](_List)

    def entry(self, provider: ProviderConfig, model: str) -> ModelEntry | None:
        """Returns what is known of a model now; starts reading the provider's list where that is due."""
        if provider.dialect == "demo":
            return None
        known = self._lists[_key(provider)]
        self._refresh_if_due(provider, known)
        return find_entry(known.entries, model)

    def price_of(self, provider: ProviderConfig, model: str) -> Prices | None:
        """Returns what a model costs, where the provider says so."""
        entry = self.entry(provider, model)
        return None if entry is None else entry.prices

    async def recall(self, providers: Collection[ProviderConfig]) -> None:
        """Returns once what earlier runs kept of these providers' models is known; asks no upstream."""
        loading: list[asyncio.Task[None]] = []
        for provider in providers:
            known = self._lists[_key(provider)]
            if self._is_to_load(known):
                loading.append(self._loading(provider, known))
        if loading:
            await asyncio.wait(loading)

    def known_price_of(self, provider: ProviderConfig, model: str) -> Prices | None:
        """Returns what a model costs as far as it is known now; nothing is read for it."""
        known = self._lists.get(_key(provider))
        entry = None if known is None else find_entry(known.entries, model)
        return None if entry is None else entry.prices

    def retain(self, providers: Collection[ProviderConfig]) -> None:
        """Forgets the lists of all other providers."""
        current = {_key(provider) for provider in providers}
        for key in [each for each in self._lists if each not in current]:
            for task in _running(self._lists.pop(key)):
                task.cancel()

    async def aclose(self) -> None:
        """Ends what is being read; the catalogue can go on being asked."""
        running = [task for each in self._lists.values() for task in _running(each)]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    def _refresh_if_due(self, provider: ProviderConfig, known: _List) -> None:
        now = self._clock()
        is_due = now >= known.due_at or now < known.looked_at
        if not is_due or known.task is not None or provider.key_missing:
            return
        known.looked_at = now
        known.task = spawn(self._refresh(provider, known), name=f"read the models of {provider.name}")
        known.task.add_done_callback(lambda _: setattr(known, "task", None))

    def _is_to_load(self, known: _List) -> bool:
        return self._folder is not None and not known.is_loaded

    def _loading(self, provider: ProviderConfig, known: _List) -> asyncio.Task[None]:
        if known.loading is None:
            known.loading = spawn(self._load(provider, known), name=f"recall the models of {provider.name}")
            known.loading.add_done_callback(lambda _: setattr(known, "loading", None))
        return known.loading

    async def _refresh(self, provider: ProviderConfig, known: _List) -> None:
        if self._is_to_load(known):
            await asyncio.wait({self._loading(provider, known)})
            if self._clock() < known.due_at:
                return
        known.due_at = self._clock() + RETRY_S
        try:
            models = await asyncio.wait_for(self._read_list(provider), TIMEOUT_S)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as exc:
            if not known.has_failed:
                known.has_failed = True
                _log.info("model_list_unavailable", provider=provider.name, reason=_reason(exc))
            return
        now = self._clock()
        self._take(known, models)
        known.due_at, known.has_failed = now + REFRESH_S, False
        _log.debug("model_list_read", provider=provider.name, models=len(models))
        await self._save(provider, _Saved(_FORMAT, provider.base_url, now, models))

    async def _load(self, provider: ProviderConfig, known: _List) -> None:
        saved = await asyncio.to_thread(_read_file, self._file(provider))
        known.is_loaded = True
        if saved is None or saved.base_url != provider.base_url:
            return
        self._take(known, saved.models)
        if saved.read_at <= self._clock():
            known.due_at = saved.read_at + REFRESH_S

    def _take(self, known: _List, models: tuple[ModelEntry, ...]) -> None:
        known.entries = MappingProxyType({each.id: each for each in models})
        self._on_read()

    async def _save(self, provider: ProviderConfig, saved: _Saved) -> None:
        if self._folder is None:
            return
        try:
            await asyncio.to_thread(_write_file, self._file(provider), saved)
        except OSError as exc:
            _log.info("model_list_not_kept", provider=provider.name, reason=exc.strerror)

    def _file(self, provider: ProviderConfig) -> Path:
        folder = self._folder or Path()
        name = hashlib.sha256("\n".join(_key(provider)).encode("utf-8", "replace")).hexdigest()[:24]
        return folder / f"{name}.json"


def _running(known: _List) -> list[asyncio.Task[None]]:
    return [task for task in (known.loading, known.task) if task is not None]


def _key(provider: ProviderConfig) -> tuple[str, str]:
    return provider.dialect, provider.base_url


def _reason(exc: BaseException) -> str:
    return str(exc) or type(exc).__name__


def _read_file(path: Path) -> _Saved | None:
    """What was kept; a file that is missing, too long or not as we write it counts as none."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return None
        saved = _SAVED.validate_python(orjson.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError):
        return None
    return saved if saved.format == _FORMAT else None


def _write_file(path: Path, saved: _Saved) -> None:
    """Replaces the file whole; losing it in a crash costs nothing but another reading."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".models-", suffix=".tmp", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(saved))
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
