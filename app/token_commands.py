"""`signalbox tokens`: make, list and revoke tokens of further clients. A token is printed once, when made."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from app.client_tokens import TokenRefusal, create_edits, revoke_edits
from app.exit_codes import BROKEN_SETTINGS, FAILED, OK
from app.paths import Folders
from app.running_program import take_over
from app.settings import Settings
from app.settings_edit import Edit
from app.settings_in_use import settings_in_use
from app.settings_money import BudgetSettings, TokenSettings
from app.settings_store import SettingsStore
from app.terminal import tell
from app.yaml_document import SettingsError
from gui.spending import TokenDraft


def create_token(draft: TokenDraft, folders: Folders, today: date) -> int:
    """Makes a token and prints it, and nothing else, on standard output; returns the exit status."""
    store = settings_in_use(folders)
    if not store.may_move:
        return _refused(
            store,
            "so no token was made. Stop it, make the token, and copy its entry under `tokens` in "
            f"{folders.settings_file} to that file.",
        )
    try:
        token, edits = create_edits(draft, _settings(store), today)
    except (SettingsError, TokenRefusal) as exc:
        return _failed(store, exc)
    status = _apply(store, edits, folders.runtime)
    if status == OK:
        sys.stdout.write(token + "\n")
    return status


def revoke_token(name: str, folders: Folders) -> int:
    """Makes a token worthless; returns the exit status."""
    store = settings_in_use(folders)
    if not store.may_move:
        return _refused(store, "so nothing was revoked. Take the entry out by hand, and restart Signalbox.")
    try:
        edits = revoke_edits(name, _settings(store))
    except (SettingsError, TokenRefusal) as exc:
        return _failed(store, exc)
    status = _apply(store, edits, folders.runtime)
    if status == OK:
        tell(f"The token '{name}' is revoked.")
    return status


def list_tokens(folders: Folders) -> int:
    """Prints a line a token: name, beginning, day, budgets, aliases, workspace; returns the exit status."""
    store = settings_in_use(folders)
    try:
        settings = _settings(store)
    except SettingsError as exc:
        return _failed(store, exc)
    for name, token in settings.tokens.items():
        sys.stdout.write("\t".join(_columns(name, token)) + "\n")
    if not settings.tokens:
        tell("There is no token besides the first one. Make one with: signalbox tokens create NAME")
    return OK


def _settings(store: SettingsStore) -> Settings:
    """Returns what the file says; raises SettingsError where it cannot be worked with."""
    store.require_kept()
    store.require_none_aside()
    return store.load().settings


def _columns(name: str, token: TokenSettings) -> tuple[str, ...]:
    return (
        name,
        f"{token.prefix}…",
        token.created or "-",
        _limits(token.budgets) or "no budget",
        " ".join(token.aliases) or "all models",
        token.workspace or "default workspace",
    )


def _limits(budgets: BudgetSettings) -> str:
    limits = ((budgets.day_usd, "day"), (budgets.month_usd, "month"))
    return ", ".join(f"${amount:g} a {period}" for amount, period in limits if amount is not None)


def _apply(store: SettingsStore, edits: list[Edit], runtime: Path) -> int:
    try:
        store.apply(edits)
    except SettingsError as exc:
        return _failed(store, exc)
    except OSError as exc:
        tell(f"{store.path}: {exc.strerror}")
        return FAILED
    problem = take_over(runtime)
    if problem is not None:
        tell(problem)
    return OK


def _refused(store: SettingsStore, consequence: str) -> int:
    tell(
        f"The running Signalbox uses {store.path}, which was given on its command line and is never "
        f"rewritten, {consequence}"
    )
    return FAILED


def _failed(store: SettingsStore, problem: Exception) -> int:
    if isinstance(problem, SettingsError):
        tell(f"{store.path}, {problem}")
        return BROKEN_SETTINGS
    tell(str(problem))
    return FAILED
