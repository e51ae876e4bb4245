"""Reads a file that holds a `permissions` object, YAML or JSON, into rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from app.yaml_document import MAX_BYTES, SettingsError, read_yaml
from proxy.permissions.rules import Origin, RuleSet, read_permissions


class RulesFileError(Exception):
    """A file of rules that cannot be used; the text says why."""


def read_rules_file(path: Path, workspace: str, home: str) -> RuleSet:
    """Reads a file of rules.

    Args:
        path: The file; it holds `permissions`, or is that object itself.
        workspace: The folder its relative additional directories are in.
        home: The user's home folder.

    Raises:
        RulesFileError: It cannot be read, or is neither YAML nor JSON.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as exc:
        raise RulesFileError(f"{path}: {exc.strerror}") from exc
    try:
        data = (
            _json(content)
            if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
            else read_yaml(content).raw
        )
    except SettingsError as exc:
        raise RulesFileError(f"{path}, {exc}") from exc
    return read_permissions(data.get("permissions", data), Origin(str(path), "", workspace, home))


def _json(content: bytes) -> Mapping[str, Any]:
    """Reads JSON, which YAML's own reader refuses where it is indented with tabs."""
    try:
        found = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        return read_yaml(content).raw  # YAML in braces, or an error that names its place
    return cast("Mapping[str, Any]", found)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found
