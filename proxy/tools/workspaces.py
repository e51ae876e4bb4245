"""The workspaces that are open: each a root folder with its guard, opened on first use, closed when unused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proxy.config import ProxyConfig, WorkspaceConfig
from proxy.context import LOCAL_TOKEN
from proxy.permissions.values import PathFacts, Place, Platform, Workspace
from proxy.tools.conversation import Conversation

if TYPE_CHECKING:
    from proxy.tools.guard import WorkspaceGuard


@dataclass(frozen=True, slots=True)
class Machine:
    """What must be known of the machine and the program; handed in."""

    home: str
    own_paths: tuple[str, ...] = ()
    """Signalbox's own settings and state folders."""
    platform: Platform = "linux"
    temporary: str = ""
    """The user's private folder for what tools write aside; empty: the system's."""


@dataclass(frozen=True, slots=True)
class WorkspaceRefused(Exception):
    """A request cannot work in the workspace it names; the text is for people and models."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(slots=True, eq=False)
class OpenWorkspace:
    """A workspace that tools work in."""

    workspace: Workspace
    guard: WorkspaceGuard
    folds_case: bool
    is_current: bool = True
    """The settings still say the same of it."""
    _users: int = field(default=0, repr=False)

    async def _release(self) -> None:
        self._users -= 1
        await self._close_unused()

    async def _retire(self) -> None:
        self.is_current = False
        await self._close_unused()

    async def _close_unused(self) -> None:
        if not self.is_current and self._users == 0:
            await asyncio.to_thread(self.guard.close)


OpenGuard = Callable[[WorkspaceConfig, Machine], OpenWorkspace]
"""Opens a workspace's folder; blocks."""


def workspace_name(config: ProxyConfig, token_name: str, asked: str | None) -> str | None:
    """Returns in which workspace a request works; None: in none.

    Args:
        config: Whose tokens and workspaces count.
        token_name: The token it came with.
        asked: What the request's header names.

    Raises:
        WorkspaceRefused: There is no such workspace, or the token is bound to another.
    """
    token = next((each for each in config.server.client_tokens if each.name == token_name), None)
    bound = None if token is None or token_name == LOCAL_TOKEN else token.workspace
    if bound is not None and asked not in {None, bound}:
        raise WorkspaceRefused(f"the token {token_name} works in the workspace {bound} only")
    name = bound or asked or config.default_workspace
    if name is not None and name not in config.workspaces:
        raise WorkspaceRefused(f'there is no workspace called "{name}"')
    return name
