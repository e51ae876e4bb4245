"""Changes of the settings that the window asks for: checked at once, carried out one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

import structlog

from app.keyring_access import KeyringFailure
from app.provider_desk import DeskRefusal
from app.settings_edit import Edit
from app.yaml_document import SettingsError
from gui.desk import (
    ActionDone,
    ActionFailed,
    AliasesChanged,
    DeskEvent,
    ProvidersChanged,
    SettingsChanged,
    TokensChanged,
)
from gui.permission_desk import PermissionsChanged, WorkspacesChanged
from proxy.tasks import spawn

_log = structlog.get_logger("app.desk_changes")

EVERYTHING: tuple[DeskEvent, ...] = (
    ProvidersChanged(),
    AliasesChanged(),
    TokensChanged(),
    SettingsChanged(),
    PermissionsChanged(),
    WorkspacesChanged(),
)
"""What is told when the whole file was read anew."""


class Editable(Protocol):
    """A file that edits change: the settings, the MCP servers."""

    def check(self, edits: Sequence[Edit]) -> object:
        """Makes the edits without writing them; SettingsError where they cannot be."""
        ...

    def apply(self, edits: Sequence[Edit]) -> object:
        """Writes them; blocks."""
        ...


class DeskChanges:
    """Takes edits, and tells the window what became of them."""

    def __init__(
        self,
        configuration: Editable,
        announce: Callable[[DeskEvent], None],
        took_over: Callable[..., None],
    ) -> None:
        """Tells `announce` what was done or failed; calls `took_over` with what a change has changed."""
        self._configuration = configuration
        self._announce = announce
        self._took_over = took_over
        self.turn = asyncio.Lock()
        """Held by the one change that is being carried out."""

    async def reporting(self, action: Coroutine[Any, Any, None], title: str) -> None:
        """Carries out one change after the other, and tells the user what fails."""
        async with self.turn:
            try:
                await action
            except (DeskRefusal, KeyringFailure, SettingsError, ValueError) as exc:
                self._failed(title, str(exc))
            except OSError as exc:
                self._failed(title, exc.strerror or str(exc))

    def problem(self, edits: Sequence[Edit]) -> str | None:
        """Returns why the edits cannot be made, as far as can be said without writing."""
        try:
            self._configuration.check(edits)
        except SettingsError as exc:
            return exc.problem
        return None

    def submit(self, edits: Sequence[Edit], done: str | None, *changed: DeskEvent) -> str | None:
        """Returns why the edits cannot be made, or None: they are on their way."""
        problem = self.problem(edits)
        if problem is not None:
            return problem
        spawn(
            self.reporting(self._apply(edits, done, changed), "The settings were not changed"),
            name="change settings",
        )
        return None

    def take(self, edits_of: Callable[[], list[Edit]], done: str, *changed: DeskEvent) -> str | None:
        """Submits the edits that `edits_of` gives, unless it refuses."""
        try:
            return self.submit(edits_of(), done, *changed)
        except DeskRefusal as exc:
            return str(exc)

    def _failed(self, title: str, why: str) -> None:
        """Tells the window, and the log: without a window nobody else would hear of it."""
        _log.warning("change_failed", title=title, reason=why)
        self._announce(ActionFailed(title, why))

    async def _apply(self, edits: Sequence[Edit], done: str | None, changed: Sequence[DeskEvent]) -> None:
        await asyncio.to_thread(self._configuration.apply, edits)
        self._took_over(*changed)
        if done is not None:
            self._announce(ActionDone(done))
