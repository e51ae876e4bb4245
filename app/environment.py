"""The environment variables of the process and of an `--env-file`, read in one place.

A secret is taken out when it is read: child processes, crash reports and `/proc/PID/environ` readers
that come later do not find it (what the process was started with stays visible to its own user).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from pydantic import SecretStr

_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_MAX_ENV_FILE_BYTES = 2**20


class EnvFileError(Exception):
    """An `--env-file` that cannot be read; the text names the line and what to do."""


class Environment:
    """The variables of the process over those of the env file: what the process sets wins."""

    def __init__(
        self, process: MutableMapping[str, str] | None = None, file: Mapping[str, str] | None = None
    ) -> None:
        """Reads from `process` (the real environment by default) and from `file` where that has nothing."""
        self._process = os.environ if process is None else process
        self._file = dict(file or {})
        self._taken: dict[str, SecretStr] = {}

    def get(self, name: str) -> str | None:
        """Returns the value of an ordinary variable; None where it is unset or empty."""
        return self._process.get(name) or self._file.get(name) or None

    def values(self) -> Mapping[str, str]:
        """Returns every variable as it is now, the process's over the file's."""
        return {**self._file, **self._process}

    def take_secret(self, name: str) -> SecretStr | None:
        """Returns the value of a secret variable and removes it from the process's environment.

        A second call returns the same value; a value that was set again since wins.
        """
        value = self._process.pop(name, "") or self._file.pop(name, "")
        if value.strip():
            self._taken[name] = SecretStr(value.strip())
        return self._taken.get(name)


def read_env_file(path: Path) -> dict[str, str]:
    """Reads `NAME=value` lines; blank lines and `#` comments are skipped, quotes around a value removed.

    Raises:
        EnvFileError: The file cannot be read, is too long, or a line is no assignment.
    """
    try:
        if path.stat().st_size > _MAX_ENV_FILE_BYTES:
            raise EnvFileError(f"{path} is larger than 1 MiB; an env file holds NAME=value lines only")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise EnvFileError(f"cannot read {path}: {exc.strerror}. Give --env-file an existing file") from exc
    except UnicodeDecodeError as exc:
        raise EnvFileError(f"{path} is not UTF-8 text (byte {exc.start}). Save it as UTF-8") from exc
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _ASSIGNMENT.fullmatch(stripped)
        if match is None:
            raise EnvFileError(f"{path}, line {number}: expected NAME=value. Correct or delete the line")
        found[match[1]] = _unquoted(match[2])
    return found


def _unquoted(value: str) -> str:
    if value[:1] in {"'", '"'}:
        end = value.find(value[0], 1)
        return value[1:end] if end > 0 else value[1:]
    return re.split(r"\s+#", value, maxsplit=1)[0].strip()
