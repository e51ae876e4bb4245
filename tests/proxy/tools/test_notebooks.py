from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.tools.errors import ToolError
from proxy.tools.notebook import Notebook
from proxy.tools.notebook_edit import NotebookEdit
from proxy.tools.notebook_read import NotebookRead
from tests.proxy.tools.tool_room import ToolRoom, text_of

_PIXELS = "iVBORw0KGgo="


def _code(cell_id: str, source: str | list[str], *outputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": cell_id,
        "metadata": {"tags": ["kept"]},
        "execution_count": 1,
        "source": source,
        "outputs": list(outputs),
    }


def _markdown(cell_id: str, source: str | list[str]) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": cell_id, "metadata": {}, "source": source}


def _notebook(*cells: dict[str, Any], minor: int = 5, **metadata: Any) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": minor, "metadata": metadata, "cells": list(cells)}


_STREAM = {"output_type": "stream", "name": "stdout", "text": ["1\n", "2\n"]}
_RESULT = {
    "output_type": "execute_result",
    "execution_count": 1,
    "metadata": {},
    "data": {"text/plain": ["'x'"], "image/png": f"{_PIXELS}\n"},
}
_ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "x", "traceback": ["Trace", "back"]}


async def _open(room: ToolRoom, content: dict[str, Any], indent: int | None = 1) -> str:
    path = room.file("n.ipynb", json.dumps(content, indent=indent, ensure_ascii=False) + "\n")
    await room.run(NotebookRead(), notebook_path=path)
    return path


def _cells(room: ToolRoom) -> list[dict[str, Any]]:
    return json.loads(room.bytes("n.ipynb"))["cells"]


async def test_cells_are_shown_with_their_ids_outputs_and_images(room: ToolRoom) -> None:
    content = _notebook(
        _code("c1", ["print(1)\n", "2"], _STREAM, _RESULT), _markdown("m1", "# Hi"), _code("c2", "no", _ERROR)
    )
    path = await _open(room, content)

    output = await room.run(NotebookRead(), notebook_path=path)

    first, image, last = output.content
    assert first["text"] == '<cell id="c1">print(1)\n2</cell id="c1">\n\n1\n2\n\n\n\'x\''
    assert image["source"] == {"type": "base64", "media_type": "image/png", "data": _PIXELS}
    assert last["text"] == (
        '<cell id="m1"><cell_type>markdown</cell_type># Hi</cell id="m1">\n'
        '<cell id="c2">no</cell id="c2">\n\nValueError: x\nTrace\nback'
    )


async def test_one_cell_can_be_shown_by_id_or_number(room: ToolRoom) -> None:
    path = await _open(room, _notebook(_markdown("m1", "one"), _markdown("m2", "two")))

    by_id = await room.say(NotebookRead(), notebook_path=path, cell_id="m2")

    assert "two" in by_id
    assert "one" not in by_id
    assert await room.say(NotebookRead(), notebook_path=path, cell_id="cell-1") == by_id
    with pytest.raises(ToolError, match='Cell with ID "m9" not found in notebook'):
        await room.run(NotebookRead(), notebook_path=path, cell_id="m9")


async def test_another_language_is_named_and_a_long_output_cut(room: ToolRoom) -> None:
    long = {"output_type": "stream", "name": "stdout", "text": "x" * 10_100}
    path = await _open(room, _notebook(_code("c", "1", long), language_info={"name": "r"}))

    said = await room.say(NotebookRead(), notebook_path=path)

    assert said.startswith('<cell id="c"><language>r</language>1</cell id="c">')
    assert said.endswith("[100 characters of output left out]")


async def test_replacing_code_clears_its_outputs_and_touches_nothing_else(room: ToolRoom) -> None:
    content = _notebook(_code("c1", ["1"], _STREAM), _code("c2", ["2"], _STREAM), vendor={"z": 1, "a": 2})
    path = await _open(room, content)

    said = await room.say(NotebookEdit(), notebook_path=path, cell_id="c1", new_source="a\nb")

    assert said == "Updated cell c1 with a\nb"
    content["cells"][0] |= {"source": ["a\n", "b"], "outputs": [], "execution_count": None}
    assert room.bytes("n.ipynb").decode() == json.dumps(content, indent=1) + "\n"


async def test_a_cells_type_can_change(room: ToolRoom) -> None:
    path = await _open(room, _notebook(_code("c", "1", _STREAM), _markdown("m", "t")))

    await room.run(NotebookEdit(), notebook_path=path, cell_id="c", new_source="t", cell_type="markdown")
    await room.run(NotebookEdit(), notebook_path=path, cell_id="m", new_source="1", cell_type="code")

    first, second = _cells(room)
    assert first == {"cell_type": "markdown", "id": "c", "metadata": {"tags": ["kept"]}, "source": "t"}
    assert second == _code("m", "1") | {"metadata": {}, "execution_count": None}


async def test_a_new_cell_goes_after_another_or_first(room: ToolRoom) -> None:
    path = await _open(room, _notebook(_markdown("m1", ["one"]), _markdown("m2", ["two"])))
    insert: dict[str, Any] = {"notebook_path": path, "edit_mode": "insert"}

    said = await room.say(NotebookEdit(), cell_id="m1", new_source="mid", cell_type="code", **insert)
    await room.run(NotebookEdit(), new_source="top", cell_type="markdown", **insert)

    cells = _cells(room)
    assert [each["source"] for each in cells] == [["top"], ["one"], ["mid"], ["two"]]
    assert said == f"Inserted cell {cells[2]['id']} with mid"
    assert len({each["id"] for each in cells}) == 4
    nbformat.validate(json.loads(room.bytes("n.ipynb")))


async def test_a_notebook_without_ids_gets_none_and_its_cells_are_numbered(room: ToolRoom) -> None:
    old: dict[str, Any] = {"cell_type": "markdown", "metadata": {}, "source": "one"}
    path = await _open(room, _notebook(old, minor=2))
    arguments: dict[str, Any] = {"notebook_path": path, "new_source": "two"}

    await room.run(NotebookEdit(), edit_mode="insert", cell_id="0", cell_type="markdown", **arguments)
    await room.run(NotebookEdit(), cell_number=0, **arguments)

    assert _cells(room) == [old | {"source": "two"}, old | {"source": "two"}]


async def test_a_cell_can_be_deleted(room: ToolRoom) -> None:
    path = await _open(room, _notebook(_markdown("m1", "one"), _markdown("m2", "two")))

    said = await room.say(NotebookEdit(), notebook_path=path, cell_id="m1", new_source="", edit_mode="delete")

    assert said == "Deleted cell m1"
    assert [each["id"] for each in _cells(room)] == ["m2"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"edit_mode": "insert"}, "Cell type is required when using edit_mode=insert"),
        ({}, "Cell ID must be specified when not inserting"),
        ({"cell_id": "zz"}, 'Cell with ID "zz" not found'),
        ({"cell_id": "cell-7"}, 'Cell with ID "cell-7" not found'),
        ({"cell_id": "m1", "new_source": "\ud800"}, "half a character"),
    ],
)
async def test_what_cannot_be_edited_says_why(room: ToolRoom, arguments: dict[str, Any], said: str) -> None:
    path = await _open(room, _notebook(_markdown("m1", "one")))
    before = room.bytes("n.ipynb")

    with pytest.raises(ToolError, match=said):
        await room.run(NotebookEdit(), **{"notebook_path": path, "new_source": "q"} | arguments)

    assert room.bytes("n.ipynb") == before


async def test_a_notebook_must_have_been_read_and_not_changed_since(room: ToolRoom) -> None:
    path = room.file("n.ipynb", json.dumps(_notebook(_markdown("m1", "one"))))
    edit: dict[str, Any] = {"notebook_path": path, "cell_id": "m1", "new_source": "two"}

    with pytest.raises(ToolError, match="has not been read yet"):
        await room.run(NotebookEdit(), **edit)
    await room.run(NotebookRead(), notebook_path=path)
    room.file("n.ipynb", json.dumps(_notebook(_markdown("m1", "the user's"))))
    with pytest.raises(ToolError, match="has been modified since read"):
        await room.run(NotebookEdit(), **edit)


@pytest.mark.parametrize(
    "content", ["nothing", "[]", '{"worksheets": []}', '{"cells": [1]}', "[" * 100_000, b"\xff\xfe\0"]
)
async def test_what_is_no_notebook_is_refused(room: ToolRoom, content: str | bytes) -> None:
    path = room.file("n.ipynb", content)

    with pytest.raises(ToolError, match=r"(?i)notebook"):
        await room.run(NotebookRead(), notebook_path=path)


async def test_other_files_are_for_other_tools(room: ToolRoom) -> None:
    with pytest.raises(ToolError, match="Use Read for other files"):
        await room.run(NotebookRead(), notebook_path=room.path("a.txt"))
    with pytest.raises(ToolError, match="For editing other file types, use Edit"):
        await room.run(NotebookEdit(), notebook_path=room.path("a.txt"), cell_id="1", new_source="")


@pytest.mark.parametrize("indent", [None, 1, 2, 4])
def test_a_notebook_is_written_in_the_style_it_had(indent: int | None) -> None:
    content = _notebook(_markdown("m", "é 😀"), other=[1, {"b": None, "a": True}])
    for text in (
        json.dumps(content, indent=indent, ensure_ascii=False),
        json.dumps(content, indent=indent) + "\n",
    ):
        assert Notebook(text).to_text() == text


_CELLS = st.lists(st.builds(_markdown, st.uuids().map(str), st.text(max_size=5)), min_size=1, max_size=5)


@given(_CELLS, st.data(), st.text(max_size=8))
def test_one_cell_changes_and_all_others_and_all_ids_stay(
    cells: list[dict[str, Any]], data: st.DataObject, source: str
) -> None:
    index = data.draw(st.integers(0, len(cells) - 1))
    notebook = Notebook(json.dumps(_notebook(*cells)))

    notebook.replace(cells[index]["id"], source, None)

    expected = [*cells[:index], cells[index] | {"source": source}, *cells[index + 1 :]]
    assert json.loads(notebook.to_text())["cells"] == expected


def test_a_notebook_that_would_break_is_known() -> None:
    notebook = Notebook(json.dumps(_notebook(_markdown("m", "one"))))
    assert notebook.problem() is None

    notebook.cells[0]["source"] = 3

    assert notebook.problem() is not None


async def test_half_characters_in_a_notebook_are_shown_as_such(room: ToolRoom) -> None:
    path = room.file("n.ipynb", json.dumps(_notebook(_markdown("m", "a\ud800b"))))

    assert "a?b" in text_of(await room.run(NotebookRead(), notebook_path=path))


async def test_an_empty_notebook_says_so(room: ToolRoom) -> None:
    path = await _open(room, _notebook())

    assert await room.say(NotebookRead(), notebook_path=path) == "The notebook has no cells."
