#!/usr/bin/env python3
"""Writes docs/compatibility.md from the manifest of the Messages API in tests/conformance/manifest/.

Usage: python3 build_scripts/compatibility.py [--check]

The manifest has a file an area; each behaviour has an id, where the public API documentation asks for it, one
sentence, and a status: `proven` (a test names the id) or `gap` (with the reason, and what a client gets
instead: a clear error or a named loss, never silence).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import yaml

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "tests" / "conformance" / "manifest"
PAGE = ROOT / "docs" / "compatibility.md"

Status = Literal["proven", "gap"]

_HEAD = """\
# Compatibility with the Messages API

<!-- Written by build_scripts/compatibility.py from tests/conformance/manifest/; do not edit. -->

What the real Messages API does and a client can see, and whether Signalbox does the same. Each line that
says *proven* is held by tests that run with every change, most of them end to end: the official SDK or
plain HTTP in front, a running Signalbox, a scripted provider behind it. Each *gap* says why, and what you
get instead.

Two kinds of providers stand behind Signalbox. One that speaks Anthropic Messages itself
(`anthropic-messages`) gets your request as it is, and the area *Passthrough* says what that means. For
every other provider (`openai-chat`) Signalbox translates, and all other areas speak of that. What a
provider's protocol cannot carry is a *loss*: it is named in the log, in the details of the request in the
window, and in the response header `signalbox-losses`. With `strict: true` at an alias such a request is
answered with an error instead.
"""


@dataclass(frozen=True)
class Behaviour:
    """One thing that a client can see."""

    id: str
    source: str
    """Where the public API documentation asks for it."""
    says: str
    """One sentence."""
    status: Status
    reason: str = ""
    """Of a gap: why."""
    instead: str = ""
    """Of a gap: what the client gets."""


@dataclass(frozen=True)
class Area:
    """One file of the manifest."""

    name: str
    title: str
    about: str
    behaviours: tuple[Behaviour, ...]

    @property
    def gaps(self) -> tuple[Behaviour, ...]:
        """The behaviours that are not as the real API's."""
        return tuple(each for each in self.behaviours if each.status == "gap")


def read_manifest(folder: Path = MANIFEST) -> tuple[Area, ...]:
    """Returns the areas in the order of their files' names.

    Raises:
        ValueError: An entry is incomplete, or an id stands twice.
    """
    areas = tuple(_area(path) for path in sorted(folder.glob("*.yaml")))
    seen: set[str] = set()
    for each in (each for area in areas for each in area.behaviours):
        if each.id in seen:
            raise ValueError(f"{each.id} stands twice in the manifest")
        seen.add(each.id)
    return areas


def _area(path: Path) -> Area:
    table = cast("dict[str, Any]", yaml.safe_load(path.read_text(encoding="utf-8")))
    rows = cast("list[dict[str, str]]", table["behaviours"])
    behaviours = tuple(_behaviour(row) for row in rows)
    return Area(path.stem, table["title"], table["about"].strip(), behaviours)


def _behaviour(row: dict[str, str]) -> Behaviour:
    made = Behaviour(**cast("Any", {key: str(value).strip() for key, value in row.items()}))
    has_reason = bool(made.reason and made.instead)
    if made.status not in ("proven", "gap") or has_reason != (made.status == "gap"):
        raise ValueError(f"{made.id}: status is proven, or gap with `reason` and `instead`")
    if not made.source or not made.says.endswith("."):
        raise ValueError(f"{made.id}: needs a source and a sentence that ends with a full stop")
    return made


def page(areas: Sequence[Area]) -> str:
    """Returns the text of the compatibility page."""
    total = sum(len(area.behaviours) for area in areas)
    gaps = sum(len(area.gaps) for area in areas)
    lines = [_HEAD, f"**{total - gaps} of {total} behaviours are proven; {gaps} are gaps.**", ""]
    lines += ["| Area | proven | gaps |", "|---|---:|---:|"]
    for area in areas:
        proven = len(area.behaviours) - len(area.gaps)
        lines.append(f"| [{area.title}](#{_anchor(area.title)}) | {proven} | {len(area.gaps) or ''} |")
    lines += ["", "## All gaps", "", *_gap_table(areas)]
    for area in areas:
        lines += ["", f"## {area.title}", "", area.about, "", *_area_table(area)]
    return "\n".join(lines) + "\n"


def _gap_table(areas: Sequence[Area]) -> list[str]:
    rows = [
        f"| {_cell(each.says)} | {_cell(each.reason)} | {_cell(each.instead)} |"
        for area in areas
        for each in area.gaps
    ]
    return ["| The real API | Why not here | What you get instead |", "|---|---|---|", *rows]


def _area_table(area: Area) -> list[str]:
    rows = ["| Behaviour | Source | Status |", "|---|---|---|"]
    for each in area.behaviours:
        said = "proven" if each.status == "proven" else f"**gap**: {each.instead}"
        rows.append(f"| {_cell(each.says)} <sub>`{each.id}`</sub> | {_cell(each.source)} | {_cell(said)} |")
    return rows


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _anchor(title: str) -> str:
    kept = "".join(char for char in title.lower() if char.isalnum() or char in " -_")
    return kept.replace(" ", "-")


def main(arguments: Sequence[str]) -> int:
    """Writes the page; with `--check` says only whether it is up to date."""
    text = page(read_manifest())
    if "--check" in arguments:
        is_current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        sys.stdout.write("up to date\n" if is_current else f"{PAGE} is not up to date: run {__file__}\n")
        return 0 if is_current else 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
