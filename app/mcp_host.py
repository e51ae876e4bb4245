"""Makes what runs MCP servers, when the first one is there: until then nothing of MCP is loaded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.configuration import Configuration
from app.keyring_access import KeyringFailure
from app.mcp_file import McpFile
from app.own_files import mcp_path
from app.redaction_names import is_sensitive_name, is_value_kept

if TYPE_CHECKING:
    from proxy.mcp.supervisor import Supervisor


def mcp_file(configuration: Configuration) -> McpFile:
    """Returns the servers' file: where `MCP_CONFIG_PATH` or the settings say, else beside the settings."""
    return McpFile(mcp_path(configuration.environment, configuration.settings, configuration.folders))


def is_moved(file: McpFile, configuration: Configuration) -> bool:
    """Says whether the settings name another file now, and goes over to it; it is still to be read."""
    before, file.path = file.path, mcp_file(configuration).path
    return file.path != before


def make_supervisor(configuration: Configuration, emit: Callable[[], None]) -> Supervisor:
    """Returns a supervisor of servers that were not read yet.

    Args:
        configuration: Folders, variables and keys.
        emit: Called after anything changed.
    """
    from proxy.mcp.supervisor import Supervisor  # noqa: PLC0415 - of use only where there are servers
    from proxy.mcp.surroundings import Surroundings  # noqa: PLC0415 - likewise
    from proxy.tools.children import Children  # noqa: PLC0415 - likewise

    folders = configuration.folders
    environment = configuration.environment.values()
    return Supervisor(
        Surroundings(
            children=Children(environment, folders.state / "mcp-children"),
            folder=folders.state / "mcp",
            resolve=lambda name: _resolved(configuration, name),
            wall_clock=time.time,  # noqa: TID251 - the real clock is handed in here
            clock=time.monotonic,
            emit=emit,
            environment=environment,
            may_run_programs=lambda: configuration.may_run_programs,
        )
    )


def _resolved(configuration: Configuration, name: str) -> str | None:
    """Looks up a variable, or with `keyring:` before its name an entry of the keyring."""
    if not name.startswith("keyring:"):
        value = configuration.environment.get(name)
        if value is not None and is_sensitive_name(name) and not is_value_kept(value):
            configuration.redactor.know([value])  # the server may print it
        return value
    try:
        found = configuration.secrets.get(name.removeprefix("keyring:"))
    except KeyringFailure:
        return None
    if found is None:
        return None
    configuration.redactor.know([found.get_secret_value()])
    return found.get_secret_value()
