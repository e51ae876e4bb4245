"""`signalbox keys`: store, list and delete entries of the keyring. A key never is an argument."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from app.environment import Environment
from app.exit_codes import BROKEN_SETTINGS, FAILED, OK
from app.keyring_access import KeyringBackend, KeyringFailure, accepted_backend
from app.paths import Folders
from app.running_program import take_over
from app.secrets import MAX_KEY_CHARACTERS, SecretStore
from app.settings import Settings
from app.settings_edit import Put
from app.settings_in_use import settings_in_use
from app.settings_store import OPENROUTER, OPENROUTER_PRESET, SettingsStore
from app.terminal import tell
from app.yaml_document import SettingsError


def key_command(
    action: str,
    name: str | None,
    folders: Folders,
    environment: Environment,
    backend: Callable[[], KeyringBackend | None] = accepted_backend,
) -> int:
    """Carries out `keys set|list|delete`; returns the exit status.

    Args:
        action: set, list or delete.
        name: The keyring entry.
        folders: Where our files are, and the running program.
        environment: What the environment says.
        backend: Finds the keyring.
    """
    secret_store = SecretStore(environment, names_file=folders.key_names_file, backend=backend)
    settings = settings_in_use(folders)
    try:
        if action == "list":
            return _list(name, secret_store, settings)
        if action == "set" and name is not None:
            return _set(name, secret_store, settings, folders.runtime)
        return _delete(name or "", secret_store, folders.runtime)
    except (KeyringFailure, ValueError) as exc:
        tell(str(exc))
        return FAILED


def _set(name: str, secret_store: SecretStore, settings: SettingsStore, runtime: Path) -> int:
    secret_store.put(name, _typed_key(name))
    tell(f"Stored in the keyring as '{name}'.")
    status = _configure_openrouter(settings) if name == OPENROUTER else OK
    _have_taken_over(runtime)
    return status


def _have_taken_over(runtime: Path) -> None:
    """Has a running Signalbox look for its keys anew."""
    problem = take_over(runtime)
    if problem is not None:
        tell(problem)


def _configure_openrouter(settings: SettingsStore) -> int:
    """Adds the provider that the key is for, where the settings have no provider at all.

    Without it the key would be stored and the demo would go on answering.
    """
    try:
        settings.require_none_aside()
        if settings.load().settings.providers:
            return OK
        if not settings.may_move:
            tell(
                f"The running Signalbox uses {settings.path}, which was given on its command line and is "
                f"never rewritten: add the provider {OPENROUTER} there by hand."
            )
            return FAILED
        settings.apply([Put(("providers", OPENROUTER), OPENROUTER_PRESET)])
    except SettingsError as exc:
        tell(f"The provider {OPENROUTER} was not added to the settings: {settings.path}, {exc}")
        return BROKEN_SETTINGS
    except OSError as exc:
        tell(f"The provider {OPENROUTER} was not added to the settings: {settings.path}: {exc.strerror}")
        return FAILED
    tell(f"The provider {OPENROUTER} was added to {settings.path}.")
    return OK


def _list(name: str | None, secret_store: SecretStore, settings: SettingsStore) -> int:
    found = secret_store.names(also=_names_in(settings))
    wanted = found if name is None else tuple(each for each in found if each == name)
    for each in wanted:
        sys.stdout.write(each + "\n")
    if not wanted:
        tell("The keyring has no entry of Signalbox." if name is None else f"There is no entry '{name}'.")
    return OK if name is None or wanted else FAILED


def _delete(name: str, secret_store: SecretStore, runtime: Path) -> int:
    if secret_store.delete(name):
        tell(f"Deleted '{name}' from the keyring.")
        _have_taken_over(runtime)
        return OK
    tell(f"There is no entry '{name}' in the keyring.")
    return FAILED


def _names_in(settings: SettingsStore) -> set[str]:
    try:
        stored: Settings = settings.load().settings
    except SettingsError:
        return set()
    keys = (each.key for each in stored.providers.values())
    return {each.keyring for each in keys if each is not None and each.keyring is not None}


def _typed_key(name: str) -> SecretStr:
    """Returns what was typed at the prompt, or the one line of standard input."""
    if sys.stdin.isatty():
        return SecretStr(getpass.getpass(f"Key for {name} (not shown): ").strip())
    text = sys.stdin.read(MAX_KEY_CHARACTERS + 3)
    return SecretStr(text.strip("\r\n \t"))
