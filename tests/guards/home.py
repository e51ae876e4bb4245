"""The folders and the environment of one test, far from those of whoever runs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_OURS = (
    "ANTHROPIC_",
    "BIG_MODEL",
    "CLAUDE",
    "DEBUG_ENABLED",
    "ENVIRONMENT",
    "LOG_LEVEL",
    "OPENAI_",
    "OPENROUTER_",
    "SIGNALBOX_",
    "SMALL_MODEL",
)
_KEPT = frozenset({"SIGNALBOX_TEST_DATA"})
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def isolated_environment(environ: Mapping[str, str], home: Path) -> dict[str, str | None]:
    """Returns what to set, or with None to remove, so that nothing of the user's reaches a test.

    Args:
        environ: The environment as it is.
        home: An empty folder with a short path: a Unix socket's must stay below 108 bytes.
    """
    changes: dict[str, str | None] = {
        name: None
        for name in environ
        if (name.startswith(_OURS) and name not in _KEPT) or name.lower() in _PROXIES
    }
    changes |= {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "SIGNALBOX_HOME": str(home / "signalbox"),
        # The user's own keyring and session bus are out of reach; a test that wants a real Secret
        # Service starts one in a session of its own.
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={home / 'no-session-bus'}",
    }
    return changes
