"""The system's keyring: which back ends are trusted, and how a call to one cannot hang the program.

keyring's own choice of a back end is not used: it obeys `PYTHON_KEYRING_BACKEND` and `keyringrc.cfg`, which
load foreign code, and falls back to a file with base64 where such a package is installed. Only the four
classes below are ever made.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

T = TypeVar("T")

SERVICE = "signalbox"
ANSWER_TIMEOUT_S = 5.0

_LINUX_BACKENDS = (("keyring.backends.SecretService", "Keyring"), ("keyring.backends.kwallet", "DBusKeyring"))
_BACKENDS_OF = {
    "darwin": (("keyring.backends.macOS", "Keyring"),),
    "win32": (("keyring.backends.Windows", "WinVaultKeyring"),),
}
_NAMES = {
    "keyring.backends.SecretService": "Secret Service",
    "keyring.backends.kwallet": "KWallet",
    "keyring.backends.macOS": "macOS Keychain",
    "keyring.backends.Windows": "Windows Credential Manager",
}


class KeyringBackend(Protocol):
    """What we use of a keyring back end."""

    def get_password(self, service: str, username: str, /) -> str | None:
        """Returns the secret, or None where there is no such entry."""
        ...

    def set_password(self, service: str, username: str, password: str, /) -> None:
        """Stores the secret."""
        ...

    def delete_password(self, service: str, username: str, /) -> None:
        """Deletes the entry."""
        ...


class KeyringFailure(Exception):
    """The keyring could not do what was asked; the text says why and what to do."""


class KeyringUnavailable(KeyringFailure):
    """No keyring is there, or it does not answer: a key may be found elsewhere."""


def accepted_backend() -> KeyringBackend | None:
    """Returns the first trusted back end that works here, or None.

    Talks to the session's D-Bus on Linux, so it may hang: call it through `AnsweringThread`.
    """
    for module_name, class_name in _BACKENDS_OF.get(sys.platform, _LINUX_BACKENDS):
        with contextlib.suppress(ImportError, AttributeError, RuntimeError, OSError):
            backend: Any = getattr(importlib.import_module(module_name), class_name)
            if backend.priority > 0:  # asking for it raises RuntimeError where the service is not there
                return cast("KeyringBackend", backend())
    return None


def backend_name(backend: object) -> str:
    """Returns what people call the back end."""
    module = type(backend).__module__
    return _NAMES.get(module, f"{module}.{type(backend).__qualname__}")


@dataclass(slots=True)
class _Answer(Generic[T]):
    value: T | None = None
    failure: BaseException | None = None


class AnsweringThread:
    """Calls what may hang in threads of its own; while one call hangs, further ones fail at once.

    A thread that hangs cannot be ended. It is a daemon, so it does not keep the program alive either.
    """

    def __init__(
        self, timeout_s: float = ANSWER_TIMEOUT_S, on_late_answer: Callable[[], None] | None = None
    ) -> None:
        """Waits `timeout_s` for an answer; `on_late_answer` is called, in that thread, for a later one."""
        self._timeout_s = timeout_s
        self.on_late_answer = on_late_answer
        self._hanging: threading.Event | None = None
        self._guard = threading.Lock()

    def call(self, ask: Callable[[], T]) -> T:
        """Returns what `ask` returns, or raises what it raises.

        Raises:
            KeyringUnavailable: No answer came in time, or an earlier call still hangs.
        """
        with self._guard:
            if self._hanging is not None and not self._hanging.is_set():
                raise KeyringUnavailable(self._no_answer())
            self._hanging = None
        answer: _Answer[T] = _Answer()
        answered, given_up = threading.Event(), threading.Event()

        def work() -> None:
            try:
                answer.value = ask()
            except BaseException as exc:  # noqa: BLE001 - carried to the caller, whatever it is
                answer.failure = exc
            answered.set()
            if given_up.is_set() and self.on_late_answer is not None:
                self.on_late_answer()

        threading.Thread(target=work, name="keyring", daemon=True).start()
        if not answered.wait(self._timeout_s):
            given_up.set()
            with self._guard:
                self._hanging = answered
            raise KeyringUnavailable(self._no_answer())
        if answer.failure is not None:
            raise answer.failure
        return cast("T", answer.value)

    def _no_answer(self) -> str:
        return (
            f"the keyring did not answer within {self._timeout_s:g} s; it may be waiting for you to unlock "
            "it or to allow the access"
        )


def translated(exc: BaseException, doing: str) -> KeyringFailure:
    """Returns a back end's exception as ours, with what to do, without its text: that may quote."""
    kinds: tuple[tuple[Iterable[str], type[KeyringFailure], str], ...] = (
        (
            ("KeyringLocked", "LockedException"),
            KeyringUnavailable,
            "the keyring is locked; unlock it and try again",
        ),
        (
            ("PromptDismissedException", "KeychainDenied"),
            KeyringUnavailable,
            "access to the keyring was denied; allow it when the system asks (after an update it asks again)",
        ),
        (
            ("NoKeyringError", "SecretServiceNotAvailableException", "DBusAddressWrapperError"),
            KeyringUnavailable,
            "no keyring is available here",
        ),
        (("InitError",), KeyringUnavailable, "the keyring could not be opened; it may be locked"),
        (
            ("DBusErrorResponse", "DBusException", "ConnectionError", "OSError", "SecretStorageException"),
            KeyringUnavailable,
            "the connection to the keyring broke; is the session's D-Bus still there?",
        ),
        (
            ("PasswordDeleteError", "ItemNotFoundException"),
            KeyringFailure,
            "there is no such entry in the keyring",
        ),
        (
            ("PasswordSetError", "error"),  # win32's own exception is called `error`
            KeyringFailure,
            "the keyring refused to store it; a Windows entry holds about 1,280 characters",
        ),
    )
    names = {each.__name__ for each in type(exc).__mro__}
    for wanted, kind, text in kinds:
        if names.intersection(wanted):
            return kind(f"{doing}: {text}")
    return KeyringFailure(f"{doing}: the keyring failed ({type(exc).__name__})")
