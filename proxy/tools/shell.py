"""The one pinned shell: which program it is, and how a judged text is handed to it unchanged."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import PureWindowsPath

_BASH = "/bin/bash"
_GIT_BASH = r"Git\bin\bash.exe"
_TEXT = "signalbox_command"
DECLARED: Mapping[str, str] = {"GIT_EDITOR": "true", "GIT_TERMINAL_PROMPT": "0"}
"""Nobody sits at a command's terminal: what would open an editor or ask for a password fails instead."""


def pinned_shell(environment: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """Returns the shell's absolute path, never `$SHELL`; None where there is none. It touches the disk."""
    if platform != "win32":
        return _BASH if os.access(_BASH, os.X_OK) else None
    for name in ("ProgramW6432", "ProgramFiles", "ProgramFiles(x86)"):
        folder = environment.get(name) or environment.get(name.upper())
        if folder:
            path = str(PureWindowsPath(folder) / _GIT_BASH)
            if os.access(path, os.X_OK):
                return path
    return None


def shell_arguments(shell: str, command: str, report: int | None) -> tuple[str, ...]:
    """Returns the arguments that run `command`: a fresh shell that reads no start-up file and has no aliases.

    The command is an argument of its own, the very text that was judged; what surrounds it never changes.

    Args:
        shell: The shell's path.
        command: What was judged.
        report: The descriptor on which the shell says where it ended; None: it need not.
    """
    ending = f"trap 'builtin pwd -P >&{report} 2>/dev/null' EXIT; " if report is not None else ""
    script = f'set +o history; {ending}{_TEXT}=$1; shift; eval -- "${_TEXT}"'
    return (shell, "--noprofile", "--norc", "-c", script, shell, command)
