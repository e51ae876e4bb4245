"""The token that every client must carry: from a file, the environment, the keyring, or a file of ours."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from app.environment import Environment
from app.files import UntrustedFile, read_secret_line
from app.keyring_access import KeyringFailure
from app.paths import make_private
from app.secrets import LOCAL_TOKEN_ENTRY, SecretStore
from app.settings import is_loopback

TOKEN_VARIABLE = "SIGNALBOX_TOKEN"  # noqa: S105 - the variable's name
MIN_CHARACTERS = 20
MIN_EXPOSED_CHARACTERS = 32


class TokenProblem(Exception):
    """The token cannot be used or kept; the text says what to do and never quotes it."""


@dataclass(frozen=True, slots=True)
class LocalToken:
    """The token and where it is."""

    value: SecretStr
    source: str
    """In words, without the token."""
    file: Path | None = None
    """The file of ours it is kept in because no keyring answers."""
    warning: str | None = None


def new_token() -> str:
    """Returns a fresh token with 256 random bits."""
    return secrets.token_urlsafe(32)


def find_token(
    environment: Environment,
    secret_store: SecretStore,
    fallback: Path,
    *,
    given: Path | None = None,
    make: Callable[[], str] = new_token,
) -> LocalToken:
    """Returns the token: of `--token-file`, else SIGNALBOX_TOKEN, else the keyring's, made at first start.

    Args:
        environment: Where SIGNALBOX_TOKEN is read and removed.
        secret_store: The keyring.
        fallback: The file that keeps the token where no keyring answers.
        given: The file of `--token-file`.
        make: Makes a token.

    Raises:
        TokenProblem: The file given cannot be used, or none can be kept.
    """
    if given is not None:
        return _from_given(given)
    variable = environment.take_secret(TOKEN_VARIABLE)
    if variable is not None:
        if not variable.get_secret_value().isascii() or not variable.get_secret_value().isprintable():
            raise TokenProblem(f"{TOKEN_VARIABLE} must be plain ASCII text, as it travels in a header")
        is_short = len(variable.get_secret_value()) < MIN_CHARACTERS
        short = f"{TOKEN_VARIABLE} has fewer than {MIN_CHARACTERS} characters and may be guessed"
        return LocalToken(
            variable, f"environment variable {TOKEN_VARIABLE}", warning=short if is_short else None
        )
    try:
        return _from_keyring(secret_store, make)
    except KeyringFailure as exc:
        return _from_fallback(fallback, make, str(exc))


def require_strong(token: LocalToken, host: str) -> None:
    """Refuses a short token where others than this machine can reach the port.

    Raises:
        TokenProblem: It is too short for that.
    """
    if not is_loopback(host) and len(token.value.get_secret_value()) < MIN_EXPOSED_CHARACTERS:
        raise TokenProblem(
            f"the address {host} can be reached by other machines, and the token ({token.source}) has fewer "
            f"than {MIN_EXPOSED_CHARACTERS} characters; use a longer one or listen on 127.0.0.1"
        )


def _from_given(path: Path) -> LocalToken:
    try:
        line = read_secret_line(path, what="the token file")
    except UntrustedFile as exc:
        raise TokenProblem(str(exc)) from exc
    if len(line) < MIN_CHARACTERS:
        raise TokenProblem(
            f"the token in {path} has fewer than {MIN_CHARACTERS} characters; use a longer one"
        )
    if not line.isascii() or not line.isprintable():
        raise TokenProblem(f"the token in {path} must be plain ASCII text, as it travels in a header")
    return LocalToken(SecretStr(line), f"file {path}")


def _from_keyring(store: SecretStore, make: Callable[[], str]) -> LocalToken:
    source = f"in the keyring ({LOCAL_TOKEN_ENTRY})"
    found = store.get(LOCAL_TOKEN_ENTRY)
    if found is None or len(found.get_secret_value()) < MIN_CHARACTERS:
        found = SecretStr(make())
        store.put(LOCAL_TOKEN_ENTRY, found)
    return LocalToken(found, source)


def _from_fallback(path: Path, make: Callable[[], str], why: str) -> LocalToken:
    try:
        make_private(path.parent)
        with contextlib.suppress(FileExistsError):
            _create(path, make())
        token = _from_given(path)
    except (OSError, TokenProblem) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise TokenProblem(
            f"no token can be kept: {why}; and {path}: {reason}. "
            f"Give one with --token-file or {TOKEN_VARIABLE}"
        ) from exc
    return LocalToken(token.value, token.source, file=path, warning=f"the token is kept in a file: {why}")


def _create(path: Path, token: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(token + "\n")
        stream.flush()
        os.fsync(stream.fileno())
