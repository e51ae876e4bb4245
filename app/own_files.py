"""The files that are our own wherever they are: no tool may touch them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from app.environment import Environment
from app.paths import Folders, UnknownHome, expanded
from app.settings import Settings


def own_paths(
    folders: Folders, settings: Settings, environment: Environment, further: Sequence[Path]
) -> tuple[str, ...]:
    """Returns what no tool may touch, as it is named and where links lead; looks at the disk.

    Args:
        folders: Where our files are.
        settings: Name files with keys, and that of the MCP servers.
        environment: May name the latter too.
        further: The settings file, the token's.
    """
    own = [folders.config, folders.state, folders.runtime, *further]
    own += [mcp_path(environment, settings, folders).absolute(), *key_files(settings)]
    return tuple(dict.fromkeys(name for each in own for name in (str(each), os.path.realpath(each))))


def mcp_path(environment: Environment, settings: Settings, folders: Folders) -> Path:
    """Returns where the servers' file is; a path whose home folder nobody knows stays as it is written."""
    named = environment.get("MCP_CONFIG_PATH") or settings.mcp_config
    if named is None:
        return folders.config / "mcp_servers.yaml"
    try:
        return expanded(named)
    except UnknownHome:
        return Path(named)  # which McpFile refuses


def key_files(settings: Settings) -> list[Path]:
    """Returns the files that the settings name for keys: no tool may touch them."""
    providers = settings.providers.values()
    keys = [settings.web_search.key, *(key for each in providers for key in (each.key, *each.keys))]
    found: list[Path] = []
    for each in keys:
        if each is not None and each.file is not None:
            with contextlib.suppress(UnknownHome):  # there is no such file, which is told where it is needed
                found.append(expanded(each.file).absolute())
    return found
