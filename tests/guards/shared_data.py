"""Finds the recordings, corpora and client checks that live beside the checkout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "SIGNALBOX_TEST_DATA"
MISSING = "no shared test data"
"""How the reason of every test begins that is skipped for want of the data."""

_ROOT = Path(__file__).resolve().parents[2]


def find_shared_data(environ: Mapping[str, str]) -> Path:
    """Returns the folder that `SIGNALBOX_TEST_DATA` names, by default `../shared`; it may not exist."""
    return (_ROOT / environ.get(VARIABLE, "../shared")).resolve()


def missing_reason(folder: Path) -> str:
    """Returns the one line that says what is missing and how to provide it."""
    return f"{MISSING} at {folder}: set {VARIABLE} to the folder that holds recordings/"
