"""Cuts what a reason quotes, so that a reason stays a sentence."""

from __future__ import annotations

MAX_QUOTED = 200


def quoted(text: str) -> str:
    """Returns a text as a reason quotes it."""
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}…"
