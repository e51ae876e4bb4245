"""Searches files with ripgrep, which is handed descriptors of files that were judged, never names."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from proxy.tasks import spawn
from proxy.tools.children import CannotStart, Children, Launch
from proxy.tools.errors import ToolError
from proxy.tools.grep_values import MAX_FILE_BYTES, FileHits, Found, Line, Query
from proxy.tools.guard import Entry, GuardError, WorkspaceGuard

_MAX_OUTPUT = 32 * 1024 * 1024
_POLL_S = 0.05
_DESCRIPTORS = "/dev/fd/"
_NO_MATCH = 1


@dataclass(slots=True)
class _Output:
    """What a run wrote; beyond the limit it is dropped."""

    data: bytearray = field(default_factory=bytearray)
    is_cut: bool = False

    def take(self, data: bytes) -> None:
        if len(self.data) + len(data) > _MAX_OUTPUT:
            self.is_cut = True
        else:
            self.data += data


class RipgrepSearch:
    """Runs ripgrep."""

    max_files = 200
    """Each needs a descriptor."""

    def __init__(self, children: Children, program: str) -> None:
        """Runs nothing yet.

        Args:
            children: Who starts it.
            program: Its absolute path.
        """
        self._children = children
        self._program = program

    async def search(
        self, files: Sequence[Entry], query: Query, guard: WorkspaceGuard, is_over: Callable[[], bool]
    ) -> Found:
        """Searches files; see `GrepEngine`."""
        opened = await asyncio.to_thread(_open_all, files, guard)
        try:
            return await self._run(opened, query, is_over)
        finally:
            _close_all(opened)

    async def _run(self, opened: dict[int, str], query: Query, is_over: Callable[[], bool]) -> Found:
        output, errors = _Output(), _Output()
        argv = (self._program, *_options(query), "--", *(f"{_DESCRIPTORS}{each}" for each in opened))
        launch = Launch(argv, "/", pass_fds=tuple(opened))
        try:
            child = await self._children.start(launch, on_stdout=output.take, on_stderr=errors.take)
        except CannotStart as error:
            raise ToolError(str(error)) from error
        ending = spawn(child.wait(), name="wait for ripgrep")
        while not ending.done() and not is_over() and not output.is_cut:
            await asyncio.wait({ending}, timeout=_POLL_S)
        is_cut = not ending.done()
        if is_cut:
            await child.stop(0.0)
        code = await ending
        if not is_cut and code > _NO_MATCH and not output.data:
            raise ToolError(_said(bytes(errors.data)))
        found = await asyncio.to_thread(_read, bytes(output.data), opened)
        return Found(tuple(found), is_cut or output.is_cut)


def _options(query: Query) -> list[str]:
    """Returns ripgrep's options; files are told what is binary in them, lines end as in the file."""
    options = ["--no-config", "--json", "--no-mmap", "--no-messages", f"--max-filesize={MAX_FILE_BYTES}"]
    if query.ignores_case:
        options.append("--ignore-case")
    if query.spans_lines:
        options += ["--multiline", "--multiline-dotall"]
    if query.only_whether:
        options.append("--max-count=1")
    else:
        options += [f"--before-context={query.before}", f"--after-context={query.after}"]
    return [*options, f"--regexp={query.pattern}"]


def _open_all(files: Sequence[Entry], guard: WorkspaceGuard) -> dict[int, str]:
    """Opens files through the guard; those that vanished or are too large are left out."""
    opened: dict[int, str] = {}
    for file in files:
        if file.size <= MAX_FILE_BYTES:
            with contextlib.suppress(GuardError):
                opened[guard.open_to_read(file.path)] = file.path
    return opened


def _close_all(opened: dict[int, str]) -> None:
    for descriptor in opened:
        os.close(descriptor)


def _read(output: bytes, opened: dict[int, str]) -> list[FileHits]:
    """Reads what ripgrep wrote, a JSON object a line, into the order in which files were given."""
    lines: dict[int, list[Line]] = {}
    binary: set[int] = set()
    for raw in output.split(b"\n"):
        if not raw.endswith(b"}"):
            continue
        try:
            event = orjson.loads(raw)
        except orjson.JSONDecodeError:  # the last line of a run that was cut short
            continue
        kind, told = event["type"], event["data"]
        if kind in {"match", "context"}:
            lines.setdefault(_descriptor(told), []).extend(_lines_of(told, is_match=kind == "match"))
        elif kind == "end" and told["binary_offset"] is not None:
            binary.add(_descriptor(told))
    return [
        FileHits(path, tuple(lines[descriptor]))
        for descriptor, path in opened.items()
        if descriptor in lines and descriptor not in binary
    ]


def _descriptor(told: dict[str, Any]) -> int:
    return int(_text(told["path"]).removeprefix(_DESCRIPTORS))


def _lines_of(told: dict[str, Any], *, is_match: bool) -> list[Line]:
    text = _text(told["lines"]).removesuffix("\n")
    first = told["line_number"]
    return [Line(first + index, line, is_match) for index, line in enumerate(text.split("\n"))]


def _text(told: dict[str, str]) -> str:
    if "text" in told:
        return told["text"]
    return base64.b64decode(told["bytes"]).decode("utf-8", "replace")


def _said(errors: bytes) -> str:
    """Returns ripgrep's own words on a pattern it cannot read, descriptors left out."""
    text = errors.decode("utf-8", "replace").strip()
    return re.sub(r"/dev/fd/[0-9]+: ", "", text)[:2_000] or "ripgrep could not search the files."
