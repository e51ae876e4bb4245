"""The lines that point Claude Code at the proxy, for the shell of this system."""

from __future__ import annotations

import shlex
import sys

from pydantic import SecretStr

from gui.desk import ConnectLines

_MASK = "••••"


def connect_lines(url: str, token: SecretStr, *, is_windows: bool = sys.platform == "win32") -> ConnectLines:
    """Returns the lines with the token, and as they may be shown."""
    value = token.get_secret_value()
    if is_windows:
        pattern = '$env:ANTHROPIC_BASE_URL = "{}"\n$env:ANTHROPIC_AUTH_TOKEN = "{}"'
        return ConnectLines(SecretStr(pattern.format(url, value)), pattern.format(url, _MASK))
    pattern = "export ANTHROPIC_BASE_URL={}\nexport ANTHROPIC_AUTH_TOKEN={}"
    shown = pattern.format(shlex.quote(url), _MASK)
    return ConnectLines(SecretStr(pattern.format(shlex.quote(url), shlex.quote(value))), shown)
