from __future__ import annotations

import pytest

from proxy.tools.edit import Edit
from proxy.tools.errors import ToolError
from proxy.tools.read import Read
from proxy.tools.write import Write
from tests.proxy.tools.tool_room import ToolRoom


async def test_a_new_file_is_made_with_its_folders(room: ToolRoom) -> None:
    path = room.path("deep/er/a.txt")

    assert await room.say(Write(), file_path=path, content="é\n") == f"File created successfully at: {path}"
    assert room.bytes("deep/er/a.txt") == "é\n".encode()


async def test_what_was_written_is_known(room: ToolRoom) -> None:
    path = room.path("a.txt")
    await room.run(Write(), file_path=path, content="one")

    await room.run(Edit(), file_path=path, old_string="one", new_string="two")
    said = await room.say(Write(), file_path=path, content="three")

    assert said == f"The file {path} has been updated successfully."
    assert room.bytes("a.txt") == b"three"


async def test_a_file_that_exists_must_have_been_read(room: ToolRoom) -> None:
    path = room.file("a.txt", "one")

    with pytest.raises(ToolError, match="File has not been read yet"):
        await room.run(Write(), file_path=path, content="two")
    await room.run(Read(), file_path=path)
    await room.run(Write(), file_path=path, content="two")

    assert room.bytes("a.txt") == b"two"


async def test_a_file_that_changed_since_is_not_overwritten(room: ToolRoom) -> None:
    path = room.file("a.txt", "one")
    await room.run(Read(), file_path=path)
    room.file("a.txt", "the user's")

    with pytest.raises(ToolError, match="File has been modified since read"):
        await room.run(Write(), file_path=path, content="two")

    assert room.bytes("a.txt") == b"the user's"


async def test_a_file_that_vanished_is_made_anew(room: ToolRoom) -> None:
    path = room.file("a.txt", "one")
    await room.run(Read(), file_path=path)
    (room.root / "a.txt").unlink()

    assert "created" in await room.say(Write(), file_path=path, content="two")


async def test_encoding_and_windows_ends_of_an_old_file_stay(room: ToolRoom) -> None:
    path = room.file("a.txt", "one\r\n".encode("utf-16"))
    await room.run(Read(), file_path=path)

    await room.run(Write(), file_path=path, content="1\n2\n")

    assert room.bytes("a.txt") == "1\r\n2\r\n".encode("utf-16")


async def test_what_is_the_same_is_not_written_again(room: ToolRoom) -> None:
    path = room.file("a.txt", "one")
    await room.run(Read(), file_path=path)
    before = (room.root / "a.txt").stat().st_ino

    await room.run(Write(), file_path=path, content="one")

    assert (room.root / "a.txt").stat().st_ino == before


async def test_a_binary_file_that_was_read_elsewhere_can_be_replaced_by_text(room: ToolRoom) -> None:
    path = room.file("a.png", b"\x89PNG\r\n\x1a\n\0")
    await room.run(Read(), file_path=path)

    await room.run(Write(), file_path=path, content="text\n")

    assert room.bytes("a.png") == b"text\n"


async def test_a_folder_is_not_overwritten(room: ToolRoom) -> None:
    (room.root / "sub").mkdir()

    with pytest.raises(ToolError, match="is a directory, not a file"):
        await room.run(Write(), file_path=room.path("sub"), content="x")


async def test_half_a_character_is_not_written(room: ToolRoom) -> None:
    with pytest.raises(ToolError, match="half a character"):
        await room.run(Write(), file_path=room.path("a.txt"), content="\ud83d")

    assert list(room.root.iterdir()) == []
