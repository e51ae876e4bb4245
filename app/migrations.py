"""Brings the data of an older settings file up to date: one function a version, applied in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.settings import CURRENT_VERSION

Migration = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Takes the data of its version and returns that of the next."""

MIGRATIONS: Mapping[int, Migration] = {}
"""The function that leads away from each version but the current one."""


def migrated(
    data: Mapping[str, Any],
    version: int,
    *,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    current: int = CURRENT_VERSION,
) -> Mapping[str, Any]:
    """Returns the data as the current version has it, its version number included.

    Args:
        data: The plain data of the file.
        version: The version it was written for; at most `current`.
        migrations: The function that leads away from each version.
        current: The version to reach.
    """
    for each in range(version, current):
        data = migrations[each](data)
    return {**data, "version": current} if version < current else data
