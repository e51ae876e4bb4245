"""Workspaces: opened on first use, closed when nobody works in them, given to whom they belong."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from proxy.config import ClientToken, PermissionConfig, ProxyConfig, ServerConfig, WorkspaceConfig
from proxy.permissions.values import Platform
from proxy.tools.conversation import Conversation
from proxy.tools.workspaces import (
    Machine,
    Opened,
    Wanted,
    WorkspaceRefused,
    Workspaces,
    folder_of,
    open_workspace,
    place_for,
    workspace_name,
)

MACHINE = Machine("/home/nobody")
OWN = ("/home/nobody/.config/signalbox",)


def configured(**roots: Path) -> ProxyConfig:
    spaces = {name: WorkspaceConfig(name, str(root)) for name, root in roots.items()}
    return ProxyConfig(ServerConfig(SecretStr("x")), workspaces=spaces)


class Doors:
    """Opens workspaces as the program does, and counts."""

    def __init__(self) -> None:
        self.opened: list[Opened] = []

    def open(self, wanted: Wanted, platform: Platform) -> Opened:
        self.opened.append(open_workspace(wanted, platform))
        return self.opened[-1]


def _is_open(opened: Opened) -> bool:
    try:
        os.fstat(opened.guard.folders[0].descriptor)
    except OSError:
        return False
    return True


async def settled() -> None:
    """Lets folders be closed that nobody uses."""
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        await task


async def test_a_workspace_is_opened_once_and_shared(tmp_path: Path) -> None:
    doors = Doors()
    spaces = Workspaces(configured(main=tmp_path), MACHINE, doors.open)
    async with spaces.use("main") as one, spaces.use("main") as two:
        assert one is two
    async with spaces.use("main") as three:
        assert three is one
    assert len(doors.opened) == 1
    spaces.close()
    await settled()
    assert not _is_open(doors.opened[0])


async def test_calls_that_come_together_open_it_once(tmp_path: Path) -> None:
    doors = Doors()
    spaces = Workspaces(configured(main=tmp_path), MACHINE, doors.open)

    async def use() -> None:
        async with spaces.use("main"):
            pass

    await asyncio.gather(*(use() for _ in range(5)))
    assert len(doors.opened) == 1
    spaces.close()
    await settled()


async def test_none_is_used_where_none_is_named() -> None:
    async with Workspaces(configured(), MACHINE).use(None) as opened:
        assert opened is None


async def test_a_change_is_taken_by_the_next_call_and_lets_the_running_one_finish(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for each in (first, second):
        each.mkdir()
    (first / "a.txt").write_text("one")
    doors = Doors()
    spaces = Workspaces(configured(main=first), MACHINE, doors.open)
    async with spaces.use("main") as running:
        assert running is not None
        spaces.apply(configured(main=second))
        assert not running.is_current
        assert (await asyncio.to_thread(running.guard.facts, "a.txt")).kind == "file"
        async with spaces.use("main") as fresh:
            assert fresh is not None
            assert fresh.workspace.root == str(second.resolve())
        assert _is_open(doors.opened[0])
    await settled()
    assert not _is_open(doors.opened[0])
    assert _is_open(doors.opened[1])
    spaces.close()
    await settled()


async def test_a_change_that_does_not_concern_it_leaves_it_open(tmp_path: Path) -> None:
    doors = Doors()
    config = configured(main=tmp_path)
    spaces = Workspaces(config, MACHINE, doors.open)
    async with spaces.use("main"):
        pass
    spaces.apply(replace(config, default_workspace="main"))
    async with spaces.use("main"):
        pass
    assert len(doors.opened) == 1
    permissions = PermissionConfig(additional_directories=(str(tmp_path),))
    spaces.apply(replace(config, permissions=permissions))
    async with spaces.use("main"):
        pass
    assert len(doors.opened) == 2
    spaces.close()
    await settled()


async def test_a_root_that_was_replaced_is_opened_anew(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    doors = Doors()
    spaces = Workspaces(configured(main=root), MACHINE, doors.open)
    async with spaces.use("main"):
        pass
    root.rename(tmp_path / "moved")
    root.mkdir()
    (root / "new.txt").write_text("new")
    async with spaces.use("main") as opened:
        assert opened is not None
        assert (await asyncio.to_thread(opened.guard.facts, "new.txt")).kind == "file"
    spaces.close()
    await settled()
    assert [_is_open(each) for each in doors.opened] == [False, False]


async def test_one_that_cannot_be_opened_or_is_unknown_says_so(tmp_path: Path) -> None:
    spaces = Workspaces(configured(main=tmp_path / "gone"), MACHINE)
    assert "cannot be used" in str(await spaces.problem("main"))
    assert await spaces.problem("other") == 'there is no workspace called "other"'
    with pytest.raises(WorkspaceRefused):
        async with spaces.use("other"):
            raise AssertionError
    (tmp_path / "gone").mkdir()
    assert await spaces.problem("main") is None
    spaces.close()
    await settled()


# Whose workspace it is ----------------------------------------------------------------------


def belonging(**more: Any) -> ProxyConfig:
    config = configured(main=Path("/m"), other=Path("/o"))
    tokens = (ClientToken("bound", "0" * 64, workspace="other"), ClientToken("free", "1" * 64))
    server = ServerConfig(SecretStr("x"), client_tokens=tokens)
    return replace(config, server=server, default_workspace="main", **more)


@pytest.mark.parametrize(
    ("token", "asked", "found"),
    [
        ("local", None, "main"),
        ("local", "other", "other"),
        ("free", None, "main"),
        ("free", "other", "other"),
        ("bound", None, "other"),
        ("bound", "other", "other"),
    ],
)
def test_a_token_may_bind_and_a_header_may_choose(token: str, asked: str | None, found: str) -> None:
    assert workspace_name(belonging(), token, asked) == found


def test_a_bound_token_gets_no_other_workspace() -> None:
    with pytest.raises(WorkspaceRefused, match='works in the workspace "other" only'):
        workspace_name(belonging(), "bound", "main")


def test_a_workspace_that_is_not_there_is_refused_and_never_replaced_by_another() -> None:
    with pytest.raises(WorkspaceRefused, match='no workspace called "third"'):
        workspace_name(belonging(), "local", "third")
    gone = replace(belonging(), workspaces={"main": WorkspaceConfig("main", "/m")})
    with pytest.raises(WorkspaceRefused, match='no workspace called "other"'):
        workspace_name(gone, "bound", None)


def test_without_any_there_is_none() -> None:
    assert workspace_name(ProxyConfig(ServerConfig(SecretStr("x"))), "local", None) is None


# The place ----------------------------------------------------------------------------------


async def test_a_place_is_the_workspace_seen_from_where_the_conversation_is(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.txt").write_text("one")
    spaces = Workspaces(configured(main=tmp_path), MACHINE)
    conversation = Conversation(("local", "c"), cwd=str(tmp_path / "inner"))
    async with spaces.use("main") as opened:
        assert opened is not None
        cwd = await asyncio.to_thread(folder_of, conversation, opened)
        place = place_for(cwd, opened, MACHINE, OWN)
    assert (place.cwd, place.home, place.own_paths) == (
        str(tmp_path / "inner"),
        MACHINE.home,
        OWN,
    )
    assert (await asyncio.to_thread(place.look, "a.txt")).real == str(tmp_path / "inner" / "a.txt")
    assert not place.folds_case
    spaces.close()
    await settled()


async def test_a_conversation_begins_where_it_moved_to_while_that_is_a_folder_of_the_workspace(
    tmp_path: Path,
) -> None:
    for name in ("main/inner", "docs", "outside"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "main" / "link").symlink_to(tmp_path / "outside")
    config = configured(main=tmp_path / "main")
    space = replace(config.workspaces["main"], read_only=(str(tmp_path / "docs"),))
    spaces = Workspaces(replace(config, workspaces={"main": space}), MACHINE)
    root = str(tmp_path / "main")
    async with spaces.use("main") as opened:
        assert opened is not None
        for cwd, begins in (
            (None, root),
            (root, root),
            (f"{root}/inner", f"{root}/inner"),
            (str(tmp_path / "docs"), str(tmp_path / "docs")),
            (f"{root}/gone", root),
            (f"{root}/link", root),
            (f"{root}-other", root),
            ("/", root),
        ):
            conversation = Conversation(("local", "c"), cwd=cwd)
            assert await asyncio.to_thread(folder_of, conversation, opened) == begins
        assert place_for(None, opened, MACHINE).cwd == root
    spaces.close()
    await settled()


def test_without_a_workspace_nothing_is_looked_at() -> None:
    place = place_for(None, None, MACHINE)
    assert place.workspace is None
    assert place.look("/etc/passwd").kind == "missing"
