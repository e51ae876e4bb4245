"""The settings file on disk: read, changed by one writer at a time, never half written, never lost.

Layers, lowest first: the shipped defaults (used whole while there is no file), the file, the
environment, the command line. Only the file is ever written, and only by an edit the user made.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from app.environment import Environment
from app.files import Step, locked, sweep_temporary, write_atomically
from app.settings import LogLevel, ProviderSettings, Settings
from app.settings_document import SettingsDocument, read_settings
from app.settings_edit import Edit, edited
from app.yaml_document import SettingsError, is_blank, lost_content
from proxy.routing.aliases import without_openrouter
from resources import read_bytes

OPENROUTER = "openrouter"
"""The provider, and the keyring entry, that `OPENROUTER_API_KEY` stands in for."""
OPENROUTER_VARIABLE = "OPENROUTER_API_KEY"
OPENROUTER_PRESET = {
    "dialect": "openai-chat",
    "base_url": "https://openrouter.ai/api/v1",
    "key": {"keyring": OPENROUTER},
}
"""What is written when a key for OpenRouter is stored and no provider of that name is there."""

_LEVELS: dict[str, LogLevel] = {
    "debug": "debug",
    "info": "info",
    "warn": "warning",
    "warning": "warning",
    "error": "error",
    "critical": "error",
}


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says about settings; None where it says nothing."""

    host: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings in force, and where they come from."""

    settings: Settings
    document: SettingsDocument
    """What the file (or the shipped one) says, before environment and command line."""
    source: str
    """In words: the file's path, or `built-in defaults`."""
    notices: tuple[str, ...] = ()
    """What is odd and harmless, a sentence each."""
    error: SettingsError | None = None
    """Why the file could not be used; the settings are then the shipped ones and nothing is served."""
    set_aside: Path | None = None
    """Where the broken file is now, byte for byte."""

    def broken_text(self, path: Path) -> str:
        """Returns what is wrong with the settings file at `path`, and what to do before the next start."""
        if self.set_aside is None:
            return f"{path}, {self.error}\nCorrect the file and start again. It was not changed."
        return (
            f"{self.set_aside}, {self.error}\n"
            "The file was set aside untouched at an earlier start. Correct it, rename it back to "
            f"{path.name} and start again."
        )


@lru_cache(maxsize=1)
def shipped_settings() -> SettingsDocument:
    """Returns the defaults the program is shipped with."""
    return read_settings(read_bytes("default_settings.yaml"))


@dataclass(slots=True)
class SettingsStore:
    """One settings file."""

    path: Path
    may_move: bool = True
    """False for a file named on the command line: it is never moved or rewritten."""
    is_in_force: bool = False
    """A running Signalbox works with what the file said: that it is gone is no wish to begin anew."""
    found: bytes | None = None
    """What the file said before the last change; None: there was no file."""
    step: Step = field(default=lambda _name: None)
    """Told each step of a write; tests make it fail there."""

    def load(self) -> SettingsDocument:
        """Reads the file; the shipped defaults where there is none.

        Raises:
            SettingsError: The file cannot be read or used.
        """
        content = self._content()
        return shipped_settings() if content is None else read_settings(content)

    def set_aside(self, now: datetime) -> Path | None:
        """Moves a broken file to `settings.broken-DATE.yaml`, byte for byte; None where it may not."""
        if not self.may_move:
            return None
        stamp = now.strftime("%Y%m%d-%H%M%S")
        target = self.path.with_name(f"{self.path.stem}.broken-{stamp}{self.path.suffix}")
        number = 1
        while target.exists():
            number += 1
            target = self.path.with_name(f"{self.path.stem}.broken-{stamp}-{number}{self.path.suffix}")
        try:
            shutil.move(self.path, target)
        except OSError:
            return None
        return target

    def latest_set_aside(self) -> Path | None:
        """Returns the broken file that was set aside last and not replaced by new settings since."""
        if not self.may_move or self.path.exists():
            return None
        found = sorted(self.path.parent.glob(f"{self.path.stem}.broken-*{self.path.suffix}"))
        return found[-1] if found else None

    def require_none_aside(self) -> None:
        """Raises SettingsError where a broken file was set aside: a new one would take its place unseen."""
        aside = self.latest_set_aside()
        if aside is not None:
            raise SettingsError(
                f"it could not be used and was set aside as {aside}; correct that file and rename it back "
                "first"
            )

    def require_ours(self) -> None:
        """Raises SettingsError where the file is one that is never written."""
        if not self.may_move:
            raise SettingsError(
                f"{self.path} was given on the command line and is never rewritten; edit it by hand"
            )

    def apply(
        self, edits: Sequence[Edit], check: Callable[[Settings], None] = lambda _: None
    ) -> SettingsDocument:
        """Changes the file and returns what it says now; the first change makes it, from the shipped one.

        Reads the file anew under the lock, so that what another program wrote meanwhile is kept. An empty
        file that never held anything counts as none. `check` may refuse what it would say then, with a
        SettingsError.

        Raises:
            SettingsError: The file on disk is unusable, was emptied or is gone, or would become so; it is
                untouched.
            OSError: It cannot be written; it is untouched.
        """
        self.require_ours()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self.path.with_name(f".{self.path.name}.lock")):
            sweep_temporary(self.path)
            content = self.found = self._content()
            is_new = is_blank(content)
            if is_new and (self.is_in_force or (content is not None and self.backup.exists())):
                raise lost_content(self.path, self.backup, content, is_in_force=self.is_in_force)
            before = read_bytes("default_settings.yaml") if is_new or content is None else content
            new, after = edited(before, edits, read_settings)
            check(after.settings)
            if new != content:
                write_atomically(self.path, new, backup=None if is_new else self.backup, step=self.step)
        return after

    def require_kept(self) -> None:
        """Raises SettingsError where the file is empty or gone, although what it said is in force."""
        content = self._content()
        if is_blank(content) and self.is_in_force:
            raise lost_content(self.path, self.backup, content, is_in_force=True)

    @property
    def backup(self) -> Path:
        """The last good content before the current one."""
        return self.path.with_name(f"{self.path.name}.bak")

    def _content(self) -> bytes | None:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            if self.may_move:
                return None
            raise SettingsError("it does not exist; name an existing file") from None
        except OSError as exc:
            raise SettingsError(f"{self.path} cannot be read: {exc.strerror}") from exc


def in_force(
    document: SettingsDocument,
    environment: Environment,
    overrides: Overrides,
    *,
    has_openrouter_key: bool = False,
) -> tuple[Settings, tuple[str, ...]]:
    """Lays environment and command line over the file's settings.

    Args:
        document: The file's settings, or the shipped ones.
        environment: The variables.
        overrides: The command line.
        has_openrouter_key: `OPENROUTER_API_KEY` is set. Where the settings name no provider at all, that
            configures OpenRouter: one variable is enough to start with.

    Returns:
        The settings in force, and what of the environment cannot be used, a sentence each.
    """
    settings, notices = document.settings, list(document.notices)
    if "aliases" not in document.raw:
        settings = settings.model_copy(update={"aliases": shipped_settings().settings.aliases})
    if has_openrouter_key and not settings.providers:
        preset = ProviderSettings.model_validate(OPENROUTER_PRESET)
        settings = settings.model_copy(update={"providers": {OPENROUTER: preset}})
    for variable, alias in (("BIG_MODEL", "big"), ("SMALL_MODEL", "small")):
        model = environment.get(variable)
        if model is None:
            continue
        if alias in settings.aliases:
            settings = _with_first_model(settings, alias, model)
            first = settings.aliases[alias].candidates[0].model
            notices.append(f"{variable} is set: the alias {alias} asks {first} first")
        else:
            notices.append(f"{variable} is set, but the settings have no alias '{alias}': it has no effect")
    settings = _with_logging(settings, environment, notices)
    changes = {
        name: value
        for name, value in (("host", overrides.host), ("port", overrides.port))
        if value is not None
    }
    if changes:
        settings = settings.model_copy(update={"server": settings.server.model_copy(update=changes)})
    return settings, tuple(notices)


def _with_first_model(settings: Settings, name: str, model: str) -> Settings:
    alias = settings.aliases[name]
    first, *rest = alias.candidates
    wanted = without_openrouter(model) if first.provider == OPENROUTER else model
    candidates = (first.model_copy(update={"model": wanted}), *rest)
    aliases = {**settings.aliases, name: alias.model_copy(update={"candidates": candidates})}
    return settings.model_copy(update={"aliases": aliases})


def _with_logging(settings: Settings, environment: Environment, notices: list[str]) -> Settings:
    level = _level(environment, notices)
    if level is not None:
        settings = settings.model_copy(update={"logs": settings.logs.model_copy(update={"level": level})})
    mode = environment.get("ENVIRONMENT")
    if mode is not None and mode.lower() in {"development", "production"}:
        return settings.model_copy(update={"environment": mode.lower()})
    if mode is not None:
        notices.append("ENVIRONMENT is neither development nor production: it has no effect")
    return settings


def _level(environment: Environment, notices: list[str]) -> LogLevel | None:
    if (environment.get("DEBUG_ENABLED") or "").lower() in {"1", "true", "yes", "on"}:
        return "debug"
    level = environment.get("LOG_LEVEL")
    if level is None:
        return None
    if level.lower() not in _LEVELS:
        notices.append("LOG_LEVEL is none of debug, info, warning, error: it has no effect")
    return _LEVELS.get(level.lower())


def load_settings(
    store: SettingsStore, environment: Environment, overrides: Overrides, *, has_openrouter_key: bool
) -> LoadedSettings:
    """Reads the settings and lays environment and command line over them.

    A file that cannot be used is reported in `error`, with the shipped settings beside it; so is one that an
    earlier start set aside, until it is renamed back or new settings are saved.
    """
    source = "built-in defaults"
    error, aside = _earlier_error(store)
    try:
        document = store.load()
        if document is not shipped_settings():
            source = str(store.path)
    except SettingsError as exc:
        document, error = shipped_settings(), exc
    settings, notices = in_force(document, environment, overrides, has_openrouter_key=has_openrouter_key)
    return LoadedSettings(settings, document, source, notices, error, aside)


def _earlier_error(store: SettingsStore) -> tuple[SettingsError | None, Path | None]:
    """Returns what is wrong with the file that was set aside at an earlier start, and where it is."""
    earlier = store.latest_set_aside()
    if earlier is None:
        return None, None
    try:
        read_settings(earlier.read_bytes())
    except SettingsError as exc:
        return exc, earlier
    except OSError:
        return None, None
    return SettingsError(f"it can be read again; rename it back to {store.path.name}"), earlier
