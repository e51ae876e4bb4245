from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.tools.edit import Edit, edit_file, replacement_of
from proxy.tools.errors import ToolError
from proxy.tools.file_text import Edit as Replacement
from proxy.tools.file_text import FileText
from proxy.tools.multi_edit import MultiEdit
from proxy.tools.read import Read
from tests.proxy.tools.tool_room import ToolRoom


async def _known(room: ToolRoom, name: str, content: str | bytes) -> str:
    path = room.file(name, content)
    await room.run(Read(), file_path=path)
    return path


async def test_one_string_is_replaced(room: ToolRoom) -> None:
    path = await _known(room, "a.txt", "one two\n")

    said = await room.say(Edit(), file_path=path, old_string="two", new_string="2\n3")

    assert said == f"The file {path} has been updated successfully."
    assert room.bytes("a.txt") == b"one 2\n3\n"


async def test_all_occurrences_are_replaced_when_asked(room: ToolRoom) -> None:
    path = await _known(room, "a.txt", "o o o")

    said = await room.say(Edit(), file_path=path, old_string="o", new_string="", replace_all=True)

    assert said == f"The file {path} has been updated. All occurrences were successfully replaced."
    assert room.bytes("a.txt") == b"  "


async def test_edits_follow_each_other_without_reading_again(room: ToolRoom) -> None:
    path = await _known(room, "a.txt", "1")

    await room.run(Edit(), file_path=path, old_string="1", new_string="2")
    await room.run(Edit(), file_path=path, old_string="2", new_string="3")

    assert room.bytes("a.txt") == b"3"


async def test_mark_line_ends_encoding_and_mode_stay(room: ToolRoom) -> None:
    path = await _known(room, "a.sh", "one\r\ntwo é\r\n".encode("utf-16"))
    (room.root / "a.sh").chmod(0o751)

    await room.run(Edit(), file_path=path, old_string="one\ntwo", new_string="1\n2\n3")

    assert room.bytes("a.sh") == "1\r\n2\r\n3 é\r\n".encode("utf-16")
    assert (room.root / "a.sh").stat().st_mode & 0o777 == 0o751


_TWICE = (
    "Found 2 matches of the string to replace, but replace_all is false. To replace all occurrences, set "
    "replace_all to true. To replace only one occurrence, please provide more context to uniquely identify "
    "the instance.\nString: o"
)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("zzz", "q", "String to replace not found in file.\nString: zzz"),
        ("o", "0", _TWICE),
        ("one", "one", "No changes to make: old_string and new_string are exactly the same."),
        ("", "x", "Cannot create new file - file already exists."),
    ],
)
async def test_what_cannot_be_replaced_is_said_in_known_words(
    room: ToolRoom, old: str, new: str, said: str
) -> None:
    path = await _known(room, "a.txt", "one two")

    with pytest.raises(ToolError) as error:
        await room.run(Edit(), file_path=path, old_string=old, new_string=new)

    assert str(error.value) == said
    assert room.bytes("a.txt") == b"one two"


async def test_a_file_must_have_been_read(room: ToolRoom) -> None:
    path = room.file("a.txt", "one")

    with pytest.raises(ToolError, match="File has not been read yet"):
        await room.run(Edit(), file_path=path, old_string="one", new_string="1")


@pytest.mark.parametrize("content", ["new", "one"])
async def test_a_file_that_changed_since_must_be_read_again(room: ToolRoom, content: str) -> None:
    path = await _known(room, "a.txt", "one")
    room.file("a.txt", content)

    with pytest.raises(ToolError, match="File has been modified since read"):
        await room.run(Edit(), file_path=path, old_string="one", new_string="1")


async def test_a_missing_file_and_a_notebook_and_a_binary_one_are_not_edited(room: ToolRoom) -> None:
    with pytest.raises(ToolError, match="File does not exist"):
        await room.run(Edit(), file_path=room.path("no.txt"), old_string="a", new_string="b")
    with pytest.raises(ToolError, match="Use NotebookEdit"):
        await room.run(Edit(), file_path=room.path("no.ipynb"), old_string="a", new_string="b")
    path = room.file("a.bin", b"a\0")
    with contextlib.suppress(ToolError):
        await room.run(Read(), file_path=path)
    with pytest.raises(ToolError):
        await room.run(Edit(), file_path=path, old_string="a", new_string="b")


async def test_an_empty_old_string_makes_a_file_with_its_folders(room: ToolRoom) -> None:
    path = room.path("new/folder/a.txt")

    await room.run(Edit(), file_path=path, old_string="", new_string="made\n")
    await room.run(Edit(), file_path=path, old_string="made", new_string="changed")

    assert room.bytes("new/folder/a.txt") == b"changed\n"


async def test_an_empty_file_can_be_filled(room: ToolRoom) -> None:
    path = room.file("a.txt", "")

    await room.run(Edit(), file_path=path, old_string="", new_string="x")

    assert room.bytes("a.txt") == b"x"


async def test_several_edits_build_on_each_other(room: ToolRoom) -> None:
    path = await _known(room, "a.txt", "a\r\n")
    edits = [{"old_string": "a", "new_string": "b\nc"}, {"old_string": "c\n", "new_string": "d\n"}]

    said = await room.say(MultiEdit(), file_path=path, edits=edits)

    assert said == f'Applied 2 edits to {path}:\n1. Replaced "a" with "b\nc"\n2. Replaced "c\n" with "d\n"'
    assert room.bytes("a.txt") == b"b\r\nd\r\n"


async def test_several_edits_can_make_a_file(room: ToolRoom) -> None:
    edits = [{"old_string": "", "new_string": "a b"}, {"old_string": "b", "new_string": "c" * 99}]

    said = await room.say(MultiEdit(), file_path=room.path("a.txt"), edits=edits)

    assert room.bytes("a.txt") == b"a " + b"c" * 99
    assert said.endswith(f'2. Replaced "b" with "{"c" * 50}…"')


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ([("a", "b"), ("zzz", "q")], "Edit 2 of 2: String to replace not found in file.\nString: zzz"),
        ([("a", "b"), ("", "q")], "Edit 2 of 2: Cannot create new file"),
        ([("a", "b"), ("b", "\ud800")], "Edit 2 of 2: The text holds half a character"),
        ([("a", "b"), ("c", "c")], "No changes to make"),
        ([], "No edits were given"),
    ],
)
async def test_one_edit_that_fails_undoes_all(
    room: ToolRoom, edits: list[tuple[str, str]], said: str
) -> None:
    path = await _known(room, "a.txt", "a")

    with pytest.raises(ToolError, match=said):
        await room.run(
            MultiEdit(), file_path=path, edits=[{"old_string": old, "new_string": new} for old, new in edits]
        )

    assert room.bytes("a.txt") == b"a"


_RAW = st.lists(st.sampled_from(["a", "b", "ab", "é", "\n", "\r\n", " "]), max_size=12).map("".join)
_EDITS = st.lists(
    st.builds(
        Replacement,
        st.text("ab\n", min_size=1, max_size=2),
        st.text("abc\n", max_size=3),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


@given(_RAW, _EDITS)
def test_several_edits_are_the_single_ones_in_turn_or_nothing(raw: str, edits: list[Replacement]) -> None:
    expected: bytes | None
    text = FileText.from_bytes(raw.encode())
    try:
        for edit in edits:
            text = text.edited(edit)
        expected = text.to_bytes()
    except ToolError:
        expected = None
    with tempfile.TemporaryDirectory() as folder:
        room = ToolRoom(Path(folder))
        path = room.file("a.txt", raw.encode())
        content = room.guard.read(path)
        stamps = {content.facts.real: content.stamp}
        try:
            edit_file(room.guard, path, edits, stamps)
            assert room.bytes("a.txt") == expected
        except ToolError:
            assert expected is None
            assert room.bytes("a.txt") == raw.encode()
        finally:
            room.guard.close()


def test_a_replacement_is_read_from_arguments() -> None:
    assert replacement_of({"old_string": "a", "new_string": "b", "replace_all": True}) == ("a", "b", True)
