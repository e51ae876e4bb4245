"""Which settings file the commands mean: the running program's, which may not be the one at home."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from app.instance import ask
from app.paths import Folders
from app.settings_store import SettingsStore

STATUS_FACT = "settings"
"""What the running program's status calls its settings file."""
SERVERS_PROBLEM_FACT = "mcp_problem"
"""What the answer to `reload` calls the reason why the MCP servers were not taken over; None: they were."""
IN_FORCE_FACT = "settings_in_force"
"""And whether it works with what that file says."""


def settings_in_use(folders: Folders) -> SettingsStore:
    """Returns the settings of the running program, else those at home.

    A file that the running program was given on its command line is never rewritten: what is written into the
    one at home instead would have no effect, and a token made there would open nothing.
    """
    reply = asyncio.run(ask(folders.runtime, "status"))
    facts: Mapping[str, object] = reply.facts if reply is not None else {}
    named = facts.get(STATUS_FACT)
    if isinstance(named, str) and Path(named) != folders.settings_file:
        return SettingsStore(Path(named), may_move=False)
    return SettingsStore(folders.settings_file, is_in_force=facts.get(IN_FORCE_FACT) is True)
