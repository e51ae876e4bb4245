"""What tools must know of the program they run in: its machine, its variables, its secrets."""

from __future__ import annotations

import sys
from pathlib import Path

from app.configuration import Configuration
from app.secrets import known_values
from proxy.permissions.values import Platform
from proxy.service.tool_desk import Host
from proxy.tools.workspaces import Machine

_PLATFORMS: dict[str, Platform] = {"darwin": "macos", "win32": "windows"}


def tool_host(configuration: Configuration) -> Host:
    """Returns what the proxy's tools are given, whatever the settings say."""
    return Host(
        Machine(str(Path.home()), _PLATFORMS.get(sys.platform, "linux")),
        configuration.redactor.text,
        lambda: _secrets(configuration),
        configuration.environment.values(),
        configuration.folders.state / "children",
    )


def _secrets(configuration: Configuration) -> list[str]:
    """Returns the keys and the token that are stored now."""
    token = [] if configuration.token is None else [configuration.token.value.get_secret_value()]
    return [*token, *known_values({**configuration.keys, "web search": configuration.search_key})]
