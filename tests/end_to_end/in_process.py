"""What the program is configured with where a test runs it in its own process."""

from __future__ import annotations

from pathlib import Path

from app.configuration import Configuration
from app.environment import Environment
from app.paths import Folders
from app.secrets import SecretStore
from app.settings_store import SettingsStore

TOKEN = "x" * 43


def configuration_in(home: Path) -> Configuration:
    """Settings that lie in a folder, a token in the environment, and no keyring."""
    folders = Folders(config=home, state=home, runtime=home / "run")
    environment = Environment(process={"SIGNALBOX_TOKEN": TOKEN, "PATH": "/usr/bin:/bin"})
    secrets = SecretStore(environment, backend=lambda: None)
    return Configuration(folders, SettingsStore(folders.settings_file), secrets, environment)
