"""Jupyter notebooks: how their cells look to a model, and how one is changed without touching the others."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, cast

from proxy.tools.errors import ToolError

CellType = Literal["code", "markdown"]
EditMode = Literal["replace", "insert", "delete"]
Block = Mapping[str, Any]

_MAX_OUTPUT_CHARS = 10_000
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_IDS_SINCE = (4, 5)
_ESCAPED = re.compile(r"\\u(?!00[01])[0-9a-fA-F]{4}")
"""A character that could have been written as it is: whoever wrote the file escapes them all."""
_BY_NUMBER = re.compile(r"(?:cell-)?(\d{1,6})")


class Notebook:
    """One notebook, read from a file's text and written as it was but for what was changed."""

    def __init__(self, text: str) -> None:
        """Reads a notebook.

        Raises:
            ToolError: It is none, or of a format before 4.
        """
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise ToolError("Notebook is not valid JSON.") from exc
        if not isinstance(content, dict) or not isinstance(cast("Any", content).get("cells"), list):
            raise ToolError("This is no Jupyter notebook of format 4: it has no list of cells.")
        self._content = cast("dict[str, Any]", content)
        self._indent = _indent_of(text)
        self._is_escaped = text.isascii() and _ESCAPED.search(text) is not None
        self._end = "\n" if text.endswith("\n") else ""
        self.cells = cast("list[dict[str, Any]]", self._content["cells"])
        if not all(isinstance(cast("Any", each), dict) for each in self.cells):
            raise ToolError("This is no Jupyter notebook of format 4: a cell is no object.")

    # Reading ------------------------------------------------------------------------------

    @property
    def language(self) -> str:
        """The language of code cells."""
        language = _object(_object(self._content.get("metadata")).get("language_info"))
        name = language.get("name")
        return name if isinstance(name, str) else "python"

    def id_of(self, index: int) -> str:
        """Returns a cell's id; `cell-N` where the notebook has none."""
        found = self.cells[index].get("id")
        return found if isinstance(found, str) and found else f"cell-{index}"

    def find(self, cell_id: str) -> int:
        """Returns the number, from 0, of the cell with an id or a number (`cell-2`, `2`).

        Raises:
            ToolError: There is none.
        """
        for index in range(len(self.cells)):
            if self.id_of(index) == cell_id:
                return index
        number = _BY_NUMBER.fullmatch(cell_id)
        if number is not None and int(number[1]) < len(self.cells):
            return int(number[1])
        raise ToolError(f'Cell with ID "{cell_id}" not found in notebook.')

    def blocks(self, only: str | None = None) -> tuple[Block, ...]:
        """Returns the cells with their outputs as content blocks; texts next to each other are one block.

        Raises:
            ToolError: There is no cell `only`.
        """
        indexes = range(len(self.cells)) if only is None else [self.find(only)]
        merged: list[Block] = []
        for block in (each for index in indexes for each in self._cell_blocks(index)):
            if block["type"] == "text" and merged and merged[-1]["type"] == "text":
                merged[-1] = {"type": "text", "text": f"{merged[-1]['text']}\n{block['text']}"}
            else:
                merged.append(block)
        return tuple(merged)

    def _cell_blocks(self, index: int) -> Iterator[Block]:
        cell = self.cells[index]
        kind, cell_id = cell.get("cell_type"), self.id_of(index)
        head = "" if kind == "code" else f"<cell_type>{kind}</cell_type>"
        if kind == "code" and self.language != "python":
            head = f"<language>{self.language}</language>"
        yield _text(f'<cell id="{cell_id}">{head}{_joined(cell.get("source"))}</cell id="{cell_id}">')
        for output in cell.get("outputs") or ():
            if isinstance(output, dict):
                yield from _output_blocks(cast("dict[str, Any]", output))

    # Changing -----------------------------------------------------------------------------

    def replace(self, cell_id: str, source: str, cell_type: CellType | None) -> str:
        """Gives a cell another source, and code no outputs any more; returns its id."""
        index = self.find(cell_id)
        cell = self.cells[index]
        if cell_type is not None and cell.get("cell_type") != cell_type:
            cell["cell_type"] = cell_type
            for name in ("execution_count", "outputs", "attachments"):
                cell.pop(name, None)
        if cell.get("cell_type") == "code":
            cell["execution_count"] = None
            cell["outputs"] = []
        cell["source"] = self._source_like(cell.get("source"), source)
        return self.id_of(index)

    def insert(self, after: str | None, source: str, cell_type: CellType) -> str:
        """Puts a new cell after another, or first; returns its id."""
        index = 0 if after is None else self.find(after) + 1
        sources = [each.get("source") for each in self.cells]
        cell: dict[str, Any] = {"cell_type": cell_type}
        if self._has_ids():
            cell["id"] = self._new_id()
        cell["metadata"] = {}
        if cell_type == "code":
            cell |= {"execution_count": None, "outputs": []}
        cell["source"] = self._source_like(sources[0] if sources else [], source)
        self.cells.insert(index, cell)
        return self.id_of(index)

    def delete(self, cell_id: str) -> str:
        """Takes a cell out; returns the id it had."""
        index = self.find(cell_id)
        known = self.id_of(index)
        del self.cells[index]
        return known

    def to_text(self) -> str:
        """Returns the file's text."""
        return json.dumps(self._content, indent=self._indent, ensure_ascii=self._is_escaped) + self._end

    def problem(self) -> str | None:
        """Says what the notebook format has against it; None: nothing."""
        from nbformat.validator import (  # noqa: PLC0415 - a fifth of a second, which only who edits pays
            iter_validate,  # pyright: ignore[reportUnknownVariableType] - it has no types
        )

        problems = cast("Iterator[object]", iter_validate(self._content))
        found = next(problems, None)
        return None if found is None else str(found).splitlines()[0]

    def _has_ids(self) -> bool:
        major, minor = self._content.get("nbformat"), self._content.get("nbformat_minor")
        return isinstance(major, int) and isinstance(minor, int) and (major, minor) >= _IDS_SINCE

    def _new_id(self, make: Callable[[], str] = lambda: secrets.token_hex(4)) -> str:
        taken = {each.get("id") for each in self.cells}
        while (made := make()) in taken:
            pass
        return made

    @staticmethod
    def _source_like(old: object, source: str) -> str | list[str]:
        """Returns a source in the form the notebook keeps its sources in: one text, or one a line."""
        if isinstance(old, str):
            return source
        return re.findall(r"[^\n]*\n|[^\n]+", source)


def _object(value: object) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _indent_of(text: str) -> int | str | None:
    found = re.match(r"\s*\{\r?\n([ \t]+)", text)
    if found is None:
        return None
    return found[1] if "\t" in found[1] else len(found[1])


def _text(text: str) -> Block:
    whole = text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
    return {"type": "text", "text": whole}


def _joined(value: object) -> str:
    if isinstance(value, list):
        return "".join(each for each in cast("list[object]", value) if isinstance(each, str))
    return value if isinstance(value, str) else ""


def _output_blocks(output: Mapping[str, Any]) -> Iterator[Block]:
    kind = output.get("output_type")
    if kind == "stream":
        yield from _cut(_joined(output.get("text")))
    elif kind == "error":
        lines = output.get("traceback")
        traceback = "\n".join(map(str, cast("list[object]", lines))) if isinstance(lines, list) else ""
        yield from _cut(f"{output.get('ename')}: {output.get('evalue')}\n{traceback}")
    else:
        data = _object(output.get("data"))
        yield from _cut(_joined(data.get("text/plain")))
        for media_type in _IMAGES:
            encoded = "".join(_joined(data.get(media_type)).split())
            if encoded:
                source = {"type": "base64", "media_type": media_type, "data": encoded}
                yield {"type": "image", "source": source}


def _cut(text: str) -> Iterator[Block]:
    if len(text) > _MAX_OUTPUT_CHARS:
        text = (
            f"{text[:_MAX_OUTPUT_CHARS]}\n... [{len(text) - _MAX_OUTPUT_CHARS} characters of output left out]"
        )
    if text.strip():
        yield _text(f"\n{text}")
