"""Where keys come from: the system's keyring, the environment, a mounted file; never a file of ours.

A key found is a `SecretStr` with its source in words. The keyring comes first; `OPENROUTER_API_KEY` is used
only where the keyring has no key for OpenRouter, and whoever asks is told which of the two it is.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from app.environment import Environment
from app.files import UntrustedFile, read_secret_line, write_atomically
from app.keyring_access import (
    SERVICE,
    AnsweringThread,
    KeyringBackend,
    KeyringFailure,
    KeyringUnavailable,
    accepted_backend,
    backend_name,
    translated,
)
from app.paths import UnknownHome, expanded
from app.settings import KeySettings, ProviderSettings
from app.settings_store import OPENROUTER, OPENROUTER_VARIABLE

T = TypeVar("T")

MAX_KEY_CHARACTERS = 16_384
LOCAL_TOKEN_ENTRY = "local-token"  # noqa: S105 - the entry's name
"""The keyring entry with the token that clients must carry."""


@dataclass(frozen=True, slots=True)
class FoundKey:
    """What is known of a provider's key."""

    key: SecretStr | None
    source: str
    """In words: `in the keyring (NAME)`, `environment variable X`, `file X`, `none needed` or `missing`."""
    problem: str | None = None
    """Why there is none, or what the user should know about the one there is."""
    further: tuple[FoundKey, ...] = ()
    """The other keys of the provider that were found, in their order."""


class SecretStore:
    """The keyring and the other places keys come from."""

    def __init__(
        self,
        environment: Environment,
        *,
        names_file: Path | None = None,
        backend: Callable[[], KeyringBackend | None] = accepted_backend,
        thread: AnsweringThread | None = None,
    ) -> None:
        """Reads variables from `environment`; `backend` finds the keyring at the first question.

        `names_file` notes the names of the entries we store, because not every keyring can list its own.
        """
        self._environment = environment
        self._names_file = names_file
        self._find_backend = backend
        self._backend: KeyringBackend | None = None
        self._thread = thread or AnsweringThread()

    @property
    def has_openrouter_variable(self) -> bool:
        """Says whether `OPENROUTER_API_KEY` is set."""
        return self._environment.take_secret(OPENROUTER_VARIABLE) is not None

    def when_late(self, listener: Callable[[], None]) -> None:
        """Calls `listener`, in another thread, when the keyring answers after we gave up on it."""
        self._thread.on_late_answer = listener

    def state(self) -> str:
        """Returns in words which keyring there is and whether it answers."""
        try:
            self._ask("asking the keyring", lambda backend: backend.get_password(SERVICE, LOCAL_TOKEN_ENTRY))
        except KeyringFailure as exc:
            return str(exc)
        return f"{backend_name(self._backend)}, answers"

    def get(self, entry: str) -> SecretStr | None:
        """Returns the secret of a keyring entry, or None where there is no such entry.

        Raises:
            KeyringFailure: The keyring could not be asked.
        """
        value = self._ask(
            f"reading the entry '{entry}'", lambda backend: backend.get_password(SERVICE, entry)
        )
        return SecretStr(value) if value else None

    def put(self, entry: str, key: SecretStr) -> None:
        """Stores a secret in the keyring and reads it back.

        Raises:
            KeyringFailure: The keyring is not there or refused.
            ValueError: The key or the name is empty, too long or has more than one line.
        """
        value = key.get_secret_value()
        problem = key_problem(value) or entry_problem(entry)
        if problem is not None:
            raise ValueError(problem)
        doing = f"storing the entry '{entry}'"
        self._ask(doing, lambda backend: backend.set_password(SERVICE, entry, value))
        stored = self.get(entry)
        if stored is None or stored.get_secret_value() != value:
            raise KeyringFailure(f"{doing}: the keyring did not give back what was stored")
        self._note_name(entry, is_there=True)

    def delete(self, entry: str) -> bool:
        """Deletes a keyring entry; False where there was none.

        Raises:
            KeyringFailure: The keyring is not there or refused.
        """
        if self.get(entry) is None:
            self._note_name(entry, is_there=False)
            return False
        self._ask(f"deleting the entry '{entry}'", lambda backend: backend.delete_password(SERVICE, entry))
        self._note_name(entry, is_there=False)
        return True

    def names(self, also: Iterable[str] = ()) -> tuple[str, ...]:
        """Returns the names of the entries that are there, of those we know of or the keyring lists.

        Args:
            also: Names the settings mention.

        Raises:
            KeyringFailure: The keyring could not be asked.
        """
        candidates = {*also, *self._noted_names(), LOCAL_TOKEN_ENTRY, OPENROUTER}
        listed = self._ask("listing the keyring's entries", _listed_names)
        if listed is not None:
            return tuple(sorted(listed))
        return tuple(sorted(name for name in candidates if self.get(name) is not None))

    def find_key(self, provider: ProviderSettings) -> FoundKey:
        """Returns a provider's key and its source, with its further keys; never raises: see `problem`."""
        wanted = (*((provider.key,) if provider.key is not None else ()), *provider.keys)
        if not wanted:
            return FoundKey(None, "none needed")
        found = [self._find(each, provider) for each in wanted]
        usable: dict[str, FoundKey] = {}
        for each in found:
            if each.key is not None:
                usable.setdefault(each.key.get_secret_value(), each)
        if not usable:
            return found[0]
        first, *further = usable.values()
        lost = "; ".join(str(each.problem) for each in found if each.key is None)
        problem = f"another of its keys is missing: {lost}" if lost else first.problem
        return replace(first, problem=problem, further=tuple(further))

    def find_named(self, wanted: KeySettings | None) -> FoundKey:
        """Returns the key that is somewhere, of whatever service, and its source; never raises."""
        return FoundKey(None, "none needed") if wanted is None else self._find(wanted, None)

    def _find(self, wanted: KeySettings, provider: ProviderSettings | None) -> FoundKey:
        if wanted.env is not None:
            key = self._environment.take_secret(wanted.env)
            if key is None:
                return FoundKey(None, "missing", f"the environment variable {wanted.env} is not set")
            return FoundKey(key, f"environment variable {wanted.env}")
        if wanted.file is not None:
            return _from_file(wanted.file)
        return self._from_keyring(cast("str", wanted.keyring), provider)

    def _from_keyring(self, entry: str, provider: ProviderSettings | None) -> FoundKey:
        is_openrouter = provider is not None and _is_openrouter(entry, provider)
        instead = self._environment.take_secret(OPENROUTER_VARIABLE) if is_openrouter else None
        try:
            key = self.get(entry)
            failure = None
        except KeyringFailure as exc:
            key, failure = None, str(exc)
        if key is not None:
            note = (
                f"{OPENROUTER_VARIABLE} is set too, and not used: the keyring's key is" if instead else None
            )
            return FoundKey(key, f"in the keyring ({entry})", note)
        if instead is not None:
            why = failure or f"the keyring has no entry '{entry}'"
            return FoundKey(instead, f"environment variable {OPENROUTER_VARIABLE}", f"used because {why}")
        if failure is not None:
            return FoundKey(None, "missing", failure)
        store = f"store the key in the window or with: signalbox keys set {entry}"
        return FoundKey(None, "missing", f"the keyring has no entry '{entry}'; {store}")

    def _ask(self, doing: str, question: Callable[[KeyringBackend], T]) -> T:
        def work() -> T:
            if self._backend is None:
                self._backend = self._find_backend()
            if self._backend is None:
                raise KeyringUnavailable(
                    f"{doing}: no keyring is available here (accepted: Secret Service, KWallet, macOS "
                    "Keychain, Windows Credential Manager); use an environment variable or a file"
                )
            return question(self._backend)

        try:
            return self._thread.call(work)
        except KeyringFailure:
            raise
        except BaseException as exc:
            if isinstance(exc, (KeyboardInterrupt, SystemExit)):
                raise
            raise translated(exc, doing) from None

    def _noted_names(self) -> set[str]:
        if self._names_file is None:
            return set()
        try:
            found: Any = json.loads(self._names_file.read_bytes())
        except (OSError, ValueError):
            return set()
        names = cast("list[object]", found) if isinstance(found, list) else []
        return {each for each in names if isinstance(each, str)}

    def _note_name(self, entry: str, *, is_there: bool) -> None:
        if self._names_file is None:
            return
        names = self._noted_names() | {entry} if is_there else self._noted_names() - {entry}
        with contextlib.suppress(OSError):  # a note for `keys list`, not worth failing a stored key for
            write_atomically(self._names_file, json.dumps(sorted(names)).encode())


def key_problem(value: str) -> str | None:
    """Returns why a key cannot be stored, in a sentence that does not quote it, or None."""
    if not value.strip():
        return "the key is empty"
    if len(value) > MAX_KEY_CHARACTERS:
        return f"the key is longer than {MAX_KEY_CHARACTERS:,} characters"
    if not value.isprintable():
        return "the key has more than one line or characters that cannot be printed"
    return None


def entry_problem(name: str) -> str | None:
    """Returns why a keyring entry cannot be called this, in a sentence, or None."""
    if not name.strip() or len(name) > 200 or not name.isprintable():
        return "the name of a keyring entry has 1 to 200 printable characters"
    return None


def hint(key: SecretStr | None) -> str:
    """Returns `••••` and the last four characters of a key; less of a short one."""
    if key is None:
        return ""
    value = key.get_secret_value()
    return "••••" + (value[-4:] if len(value) >= 16 else "")


def known_values(keys: Mapping[str, FoundKey]) -> tuple[str, ...]:
    """Returns the keys themselves, for the redactor."""
    found = (each for first in keys.values() for each in (first, *first.further))
    return tuple(each.key.get_secret_value() for each in found if each.key is not None)


def forbid_core_dumps() -> None:
    """Keeps keys out of core files."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - not there on Windows

        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _from_file(name: str) -> FoundKey:
    try:
        path = expanded(name)
    except UnknownHome as exc:
        return FoundKey(None, "missing", f"the key file {exc}")
    try:
        key = read_secret_line(path, what="the key file").strip()
    except UntrustedFile as exc:
        return FoundKey(None, "missing", str(exc))
    problem = key_problem(key)
    if problem is not None:
        return FoundKey(None, "missing", f"{path}: {problem}")
    return FoundKey(SecretStr(key), f"file {path}")


def _is_openrouter(entry: str, provider: ProviderSettings) -> bool:
    """Says whether `OPENROUTER_API_KEY` may stand in: a key goes only where it belongs."""
    host = urlsplit(provider.base_url).hostname or ""
    return entry == OPENROUTER or host == "openrouter.ai" or host.endswith(".openrouter.ai")


def _listed_names(backend: KeyringBackend) -> set[str] | None:
    """Returns what the Secret Service itself lists for our service; None for other keyrings."""
    collection_of = getattr(backend, "get_preferred_collection", None)
    if collection_of is None:
        return None
    collection: Any = collection_of()
    with contextlib.closing(collection.connection):
        attributes = [each.get_attributes() for each in collection.search_items({"service": SERVICE})]
    return {each["username"] for each in attributes if "username" in each}
