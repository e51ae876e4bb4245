"""Reads the text of a settings file into checked settings; every error has line, column and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

from app.migrations import migrated
from app.settings import CURRENT_VERSION, Settings, unknown_keys
from app.settings_references import reference_problem
from app.yaml_document import SettingsError, first_problem, place_of, read_yaml


@dataclass(frozen=True, slots=True)
class SettingsDocument:
    """A settings file that was read."""

    settings: Settings
    raw: Mapping[str, Any]
    """The plain data, as the file has it."""
    content: bytes = b""
    """The file itself."""
    notices: tuple[str, ...] = ()
    """What is odd and harmless, with line and column, such as an unknown key."""


def read_settings(content: bytes) -> SettingsDocument:
    """Reads a settings file.

    Raises:
        SettingsError: It is no usable settings file.
    """
    document = read_yaml(content)
    root, raw = document.root, document.raw
    data = _up_to_date(raw, root)
    try:
        settings = Settings.model_validate(data)
    except ValidationError as exc:
        raise first_problem(exc, root) from exc
    problem = reference_problem(settings)
    if problem is not None:
        path, text = problem
        raise SettingsError(f"{'.'.join(map(str, path))}: {text}", place_of(root, path))
    return SettingsDocument(settings, raw, content, tuple(_notices(settings, root)))


def _up_to_date(raw: Mapping[str, Any], root: yaml.Node | None) -> Mapping[str, Any]:
    version = raw.get("version", CURRENT_VERSION)
    if not isinstance(version, int) or isinstance(version, bool):
        return raw  # the model says what a version must be
    if version > CURRENT_VERSION:
        raise SettingsError(
            f"a newer Signalbox wrote this file (version {version}; this one knows {CURRENT_VERSION}). "
            "Use the newer program, or another settings file",
            place_of(root, ("version",)),
            is_newer=True,
        )
    return migrated(raw, version)


def _notices(settings: Settings, root: yaml.Node | None) -> Iterator[str]:
    for path, near in unknown_keys(settings):
        hint = f"; did you mean '{near}'?" if near else "; it is kept and has no effect"
        yield f"{place_of(root, path)}: unknown key '{'.'.join(path)}'{hint}"
