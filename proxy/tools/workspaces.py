"""The workspaces that are in use: each a root folder with its guard, opened on first use.

A call holds its workspace with `use` as long as it runs: one that the settings change or drop meanwhile is
`is_current` no more, and is closed when its last call has ended.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from proxy.config import ProxyConfig
from proxy.context import LOCAL_TOKEN
from proxy.permissions.path_names import absolute_text
from proxy.permissions.values import PathFacts, Place, Platform, Workspace
from proxy.tasks import spawn
from proxy.tools.conversation import Conversation
from proxy.tools.errors import ToolError
from proxy.tools.guard import WorkspaceGuard

_log = structlog.get_logger("proxy.tools")


@dataclass(frozen=True, slots=True)
class Machine:
    """What must be known of the machine; handed in."""

    home: str
    """The user's home folder."""
    platform: Platform = "linux"


class WorkspaceRefused(Exception):
    """A request cannot work in the workspace it names; the text is for people and models."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A workspace as the settings have it."""

    name: str
    root: str
    read_only: tuple[str, ...] = ()
    additional: tuple[str, ...] = ()
    """Further folders counted as inside."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A workspace whose folders are open."""

    workspace: Workspace
    guard: WorkspaceGuard
    folds_case: bool


OpenWorkspace = Callable[[Wanted, Platform], Opened]
"""Opens a workspace; blocks. Raises ToolError: its root cannot be opened."""


def open_workspace(wanted: Wanted, platform: Platform) -> Opened:
    """Opens the folders of a workspace.

    Raises:
        ToolError: Its root cannot be opened.
    """

    def real(path: str) -> str:
        return absolute_text(os.path.realpath(path), "/", platform)

    workspace = Workspace(wanted.name, real(wanted.root), tuple(map(real, wanted.read_only)))
    guard = WorkspaceGuard.open(workspace, additional=tuple(map(real, wanted.additional)), platform=platform)
    return Opened(workspace, guard, _folds_case(os.path.realpath(wanted.root)))


class OpenedWorkspace:
    """A workspace in use."""

    def __init__(self, wanted: Wanted, opened: Opened) -> None:
        self.wanted = wanted
        self.workspace = opened.workspace
        self.guard = opened.guard
        self.folds_case = opened.folds_case
        self.is_current = True
        """The settings still say the same of it."""
        self._users = 0

    def begin(self) -> None:
        """A call works in it from now on."""
        self._users += 1

    def end(self) -> None:
        """A call that worked in it has ended."""
        self._users -= 1
        self._close_unused()

    def retire(self) -> None:
        """Is closed when its last call has ended."""
        self.is_current = False
        self._close_unused()

    def _close_unused(self) -> None:
        if not self.is_current and self._users == 0:
            spawn(asyncio.to_thread(self.guard.close), name="close a workspace")


class Workspaces:
    """The workspaces of one configuration."""

    def __init__(self, config: ProxyConfig, machine: Machine, opener: OpenWorkspace = open_workspace) -> None:
        self.machine = machine
        self.own_paths = config.tools.own_paths
        """What no tool may touch."""
        self._open = opener
        self._wanted = _wanted(config)
        self._opened: dict[str, OpenedWorkspace] = {}
        self._opening = asyncio.Lock()

    def apply(self, config: ProxyConfig) -> None:
        """Uses other workspaces from the next call on."""
        self._wanted, self.own_paths = _wanted(config), config.tools.own_paths
        for name, opened in list(self._opened.items()):
            if self._wanted.get(name) != opened.wanted:
                del self._opened[name]
                opened.retire()

    def close(self) -> None:
        """Gives all folders back, as soon as no call works in them."""
        while self._opened:
            self._opened.popitem()[1].retire()

    @asynccontextmanager
    async def use(self, name: str | None) -> AsyncGenerator[OpenedWorkspace | None, None]:
        """Holds a workspace; None where none is named.

        Raises:
            WorkspaceRefused: There is none of that name, or its folder cannot be opened.
        """
        if name is None:
            yield None
            return
        opened = await self._get(name)
        opened.begin()
        try:
            yield opened
        finally:
            opened.end()

    async def problem(self, name: str) -> str | None:
        """Returns why a workspace cannot be used; None: it can."""
        try:
            async with self.use(name):
                return None
        except WorkspaceRefused as refused:
            return str(refused)

    async def _get(self, name: str) -> OpenedWorkspace:
        opened = self._opened.get(name)
        if opened is not None and await asyncio.to_thread(opened.guard.is_current) and opened.is_current:
            return opened
        async with self._opening:
            newer = self._opened.get(name)
            if newer is not None and newer is not opened:
                return newer
            return await self._reopen(name, opened)

    async def _reopen(self, name: str, stale: OpenedWorkspace | None) -> OpenedWorkspace:
        wanted = self._wanted.get(name)
        if wanted is None:
            raise WorkspaceRefused(f'there is no workspace called "{name}"')
        if stale is not None and self._opened.get(name) is stale:
            del self._opened[name]
            stale.retire()
        try:
            fresh = await asyncio.to_thread(self._open, wanted, self.machine.platform)
        except ToolError as error:
            _log.info("workspace_unusable", workspace=name, reason=str(error))
            raise WorkspaceRefused(f'the workspace "{name}" cannot be used: {error}') from None
        made = OpenedWorkspace(wanted, fresh)
        if self._wanted.get(name) == wanted:
            self._opened[name] = made
        else:  # the settings changed while it was opened: for the call that waits only
            made.is_current = False
        return made


def workspace_name(config: ProxyConfig, token_name: str, asked: str | None) -> str | None:
    """Returns in which workspace a request works; None: in none.

    Args:
        config: Whose tokens and workspaces count.
        token_name: The token it came with.
        asked: What the request's header names.

    Raises:
        WorkspaceRefused: There is no such workspace, or the token is bound to another.
    """
    tokens = {token.name: token.workspace for token in config.server.client_tokens}
    bound = None if token_name == LOCAL_TOKEN else tokens.get(token_name)
    if bound is not None and asked is not None and asked != bound:
        raise WorkspaceRefused(f'the token "{token_name}" works in the workspace "{bound}" only')
    name = bound or asked or config.default_workspace
    if name is not None and name not in config.workspaces:
        raise WorkspaceRefused(f'there is no workspace called "{name}"')
    return name


def folder_of(conversation: Conversation, opened: OpenedWorkspace) -> str:
    """Returns the folder in which a conversation's next call begins; looks at the disk.

    The one it moved to, while that is a folder of the workspace and is reached without links; else the root.
    """
    cwd, root = conversation.cwd, opened.workspace.root
    if cwd is None:
        return root
    folders = (root, *opened.workspace.read_only)
    is_inside = any(cwd == each or cwd.startswith(f"{each.rstrip('/')}/") for each in folders)
    return cwd if is_inside and os.path.realpath(cwd) == cwd and Path(cwd).is_dir() else root


def place_for(
    cwd: str | None, opened: OpenedWorkspace | None, machine: Machine, own_paths: tuple[str, ...] = ()
) -> Place:
    """Returns where calls are judged.

    Args:
        cwd: As `folder_of` says; None: the workspace's root.
        opened: The workspace.
        machine: What is known of the machine.
        own_paths: What no tool may touch.
    """
    if opened is None:
        return Place(None, machine.home, machine.home, _unseen, own_paths, machine.platform)
    cwd = cwd or opened.workspace.root
    return Place(
        opened.workspace,
        cwd,
        machine.home,
        opened.guard.judged_by(opened.guard.judge, cwd=cwd).facts,
        own_paths,
        machine.platform,
        opened.folds_case,
        list_folder=opened.guard.names_in,
    )


def _unseen(path: str) -> PathFacts:
    """Without a workspace the disk is not looked at: nothing there may be touched."""
    return PathFacts(path, path, path, "missing")


def _wanted(config: ProxyConfig) -> dict[str, Wanted]:
    additional = config.permissions.additional_directories
    return {
        name: Wanted(name, each.root, each.read_only, additional) for name, each in config.workspaces.items()
    }


def _folds_case(root: str) -> bool:
    """Says whether the volume takes `A` and `a` for the same name: the root's own name is tried."""
    folder, name = os.path.split(root)
    if name == name.swapcase():
        return bool(folder) and folder != root and _folds_case(folder)
    try:
        return Path(root).samefile(Path(folder, name.swapcase()))
    except OSError:
        return False
