"""Where our files are: one place for each, all under `SIGNALBOX_HOME` where that is set."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import PlatformDirs


class UnsafeFolder(Exception):
    """A folder of ours that belongs to someone else or is a link; the text says what to do."""


class UnknownHome(ValueError):
    """A path that begins in a home folder nobody knows; the text says what to do."""


def expanded(path: str) -> Path:
    """Returns a path with the home folder in the place of `~` or `~name`.

    Raises:
        UnknownHome: There is no such user, or nobody knows where that home folder is.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as exc:
        raise UnknownHome(
            f"'{path}' begins in a home folder that is not known; write out the whole path"
        ) from exc


@dataclass(frozen=True, slots=True)
class Folders:
    """Our folders; they exist only after `make_private`."""

    config: Path
    """Holds the settings and, where there is no keyring, the token."""
    state: Path
    """Holds the logs and what else we note for ourselves."""
    runtime: Path
    """Holds the control channel of the running program."""

    @property
    def settings_file(self) -> Path:
        """The settings."""
        return self.config / "settings.yaml"

    @property
    def token_file(self) -> Path:
        """The local token where no keyring answers."""
        return self.config / "token"

    @property
    def key_names_file(self) -> Path:
        """Names (never values) of the keyring entries we made: keyrings cannot list their entries alike."""
        return self.state / "key_names.json"

    @property
    def models(self) -> Path:
        """The folder of what providers list of their models; it can be deleted at any time."""
        return self.state / "models"

    @property
    def store(self) -> Path:
        """Holds the database, message batches and uploaded files; the proxy makes it."""
        return self.state / "store"

    @property
    def bodies(self) -> Path:
        """Both sides of requests, a folder a day, where the settings keep them."""
        return self.state / "bodies"

    @property
    def logs(self) -> Path:
        """The folder of the log files."""
        return self.state / "logs"

    @property
    def log_file(self) -> Path:
        """The current log file."""
        return self.logs / "signalbox.jsonl"

    def create(self) -> None:
        """Makes the folders, readable by their owner only.

        Raises:
            UnsafeFolder: One exists and belongs to someone else, or is no folder.
            OSError: One cannot be made.
        """
        for folder in (self.config, self.state, self.runtime, self.logs):
            make_private(folder)


def folders(environment: Mapping[str, str]) -> Folders:
    """Returns where our files are, by `SIGNALBOX_HOME`, else by the platform's conventions.

    Raises:
        UnsafeFolder: `SIGNALBOX_HOME` names no folder that is known.
    """
    home = environment.get("SIGNALBOX_HOME")
    if home:
        try:
            root = expanded(home).absolute()
        except UnknownHome as exc:
            raise UnsafeFolder(f"SIGNALBOX_HOME: {exc}") from exc
        return Folders(config=root, state=root, runtime=root / "run")
    places = PlatformDirs("signalbox", appauthor=False)
    state = Path(places.user_state_dir)
    return Folders(config=Path(places.user_config_dir), state=state, runtime=_runtime(environment, state))


def make_private(folder: Path) -> None:
    """Makes a folder (and its parents) that only its owner may enter; tightens one that exists.

    Raises:
        UnsafeFolder: It belongs to someone else, or is no folder.
        OSError: It cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform == "win32":  # the profile's access list already keeps others out
        return
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) and not folder.is_dir():
        raise UnsafeFolder(f"{folder} is no folder; move it away or set SIGNALBOX_HOME to another place")
    owned = folder.stat()
    if owned.st_uid != os.getuid():
        raise UnsafeFolder(
            f"{folder} belongs to another user (uid {owned.st_uid}); set SIGNALBOX_HOME to a folder of yours"
        )
    if stat.S_IMODE(owned.st_mode) & 0o077:
        folder.chmod(0o700)


def _runtime(environment: Mapping[str, str], state: Path) -> Path:
    """Returns the session's private folder where there is one; never a shared place such as /tmp."""
    session = environment.get("XDG_RUNTIME_DIR")
    if session and sys.platform not in {"win32", "darwin"}:
        place = Path(session)
        if place.is_absolute() and _is_ours_alone(place):
            return place / "signalbox"
    return state / "run"


def _is_ours_alone(folder: Path) -> bool:
    try:
        found = folder.stat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
