"""The guard's values: what was read, what it was like, and why something could not be done."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from proxy.permissions.paths import Operation
from proxy.permissions.values import PathFacts
from proxy.tools.errors import ToolError

MAX_READ_BYTES = 10 * 1024 * 1024
"""A larger file is not read."""

Trouble = Literal["refused", "missing", "folder", "not a folder", "too large", "changed", "exists", "system"]

Judge: TypeAlias = Callable[[PathFacts, Operation], "str | None"]
"""Says why a path, as it was found, is not to be touched; None: it may be. Called right before each use."""


class GuardError(ToolError):
    """A file could not be read, written or listed; the text is for the model."""

    def __init__(self, trouble: Trouble, text: str) -> None:
        super().__init__(text)
        self.trouble: Trouble = trouble
        """What kind of thing went wrong, for tools that know better words for it."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file was like when it was last seen; equal stamps mean an unchanged file."""

    size: int
    mtime_ns: int
    digest: str
    """SHA-256 of all its bytes, in hexadecimal."""

    @classmethod
    def of(cls, data: bytes, status: os.stat_result) -> Stamp:
        """Returns the stamp of a file with these bytes."""
        return cls(len(data), status.st_mtime_ns, hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class FileContent:
    """A whole file, read from the very file that was judged."""

    data: bytes
    stamp: Stamp
    facts: PathFacts


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a folder."""

    path: str
    """Absolute, as reached: below the folder as it was named."""
    name: str
    kind: Literal["file", "folder", "other"]
    """What it is, links followed."""
    is_link: bool
    size: int
    mtime_ns: int
    facts: PathFacts
