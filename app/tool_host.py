"""What tools must know of the program they run in: its folders, its variables, its secrets."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from app.configuration import Configuration
from app.paths import UnknownHome, expanded
from app.secrets import known_values
from app.settings import Settings
from proxy.permissions.values import Platform
from proxy.service.tool_desk import Host
from proxy.tools.workspaces import Machine

_PLATFORMS: dict[str, Platform] = {"darwin": "macos", "win32": "windows"}


def tool_host(configuration: Configuration, token_file: Path | None = None) -> Host:
    """Returns what the proxy's tools are given; looks at the disk for links on the way to our folders.

    Args:
        configuration: Folders, settings and keys.
        token_file: The file that the command line names for the token.
    """
    folders = configuration.folders
    own = [folders.config, folders.state, folders.runtime, configuration.settings_path]
    own += [*key_files(configuration.settings), *(() if token_file is None else (token_file.absolute(),))]
    own_paths = dict.fromkeys(name for each in own for name in (str(each), os.path.realpath(each)))
    return Host(
        Machine(str(Path.home()), tuple(own_paths), _PLATFORMS.get(sys.platform, "linux")),
        configuration.redactor.text,
        lambda: _secrets(configuration),
        configuration.environment.values(),
        folders.state / "children",
    )


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


def _secrets(configuration: Configuration) -> list[str]:
    """Returns the keys and the token that are stored now."""
    token = [] if configuration.token is None else [configuration.token.value.get_secret_value()]
    return [*token, *known_values({**configuration.keys, "web search": configuration.search_key})]
