"""The environment of a child process: an allow list of ours, what was declared for it, and nothing else."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

MARK = "SIGNALBOX_CHILD"
"""Set in every child to the id of the run that started it, so that strays are known after a crash."""

_ALLOWED = frozenset({"HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "TERM", "TMPDIR", "TZ", "USER"})
_ALLOWED_ON_WINDOWS = frozenset({
    "ALLUSERSPROFILE", "APPDATA", "COMMONPROGRAMFILES", "COMMONPROGRAMFILES(X86)", "COMPUTERNAME", "COMSPEC",
    "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "NUMBER_OF_PROCESSORS", "OS", "PATHEXT",
    "PROCESSOR_ARCHITECTURE", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432", "PUBLIC",
    "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERPROFILE", "WINDIR",
})  # fmt: skip
_FORBIDDEN = re.compile(
    r"(LD_|DYLD_|PYTHON|_PYI|_MEI|NODE_OPTIONS\Z|BASH_ENV\Z|ENV\Z|SHELLOPTS\Z|BASHOPTS\Z|BASH_FUNC_|PS4\Z)"
)
"""What makes a program load or run something else; not to be had by declaring it either."""
_WHOLE_PATH = "/usr/local/bin:/usr/bin:/bin"


class ForbiddenVariable(ValueError):
    """A declared variable that would make the child load or run something else; the text names it."""


def clean_environment(
    base: Mapping[str, str], declared: Mapping[str, str] | None = None, *, platform: str = sys.platform
) -> dict[str, str]:
    """Returns what a child may see.

    A packaged program changes some variables for itself and keeps the user's own in `NAME_ORIG`; of an
    allowed name the child gets the user's own.

    Args:
        base: Our own environment; only names of the allow list are taken from it.
        declared: Variables the user set for this child by name.
        platform: As `sys.platform`.

    Raises:
        ForbiddenVariable: A declared one is a loader's or an interpreter's (`LD_*`, `PYTHON*`, …).
    """
    is_windows = platform == "win32"
    clean: dict[str, str] = {}
    for name, value in base.items():
        key = name.upper() if is_windows else name
        if key in _ALLOWED or key.startswith("LC_") or (is_windows and key in _ALLOWED_ON_WINDOWS):
            clean[name] = base.get(f"{name}_ORIG", value)
    if not is_windows:
        clean.setdefault("PATH", _WHOLE_PATH)
    for name, value in (declared or {}).items():
        if _FORBIDDEN.match(name.upper()) or "=" in name or "\0" in name + value or not name:
            raise ForbiddenVariable(
                f"the variable {name!r} may not be set for a child process: it can make a program load or "
                "run something else. Take it out of the declared environment"
            )
        clean[name] = value
    return clean
