from __future__ import annotations

import base64
import io
from dataclasses import replace

import pypdf
import pytest

from proxy.tools.errors import ToolError
from proxy.tools.read import MAX_LINE_CHARS, MAX_LINES, Read
from tests.proxy.tools.tool_room import ToolRoom, text_of

_PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"


async def _read(room: ToolRoom, name: str, **more: object) -> str:
    return await room.say(Read(), file_path=room.path(name), **more)


async def test_lines_come_with_their_numbers(room: ToolRoom) -> None:
    room.file("a.txt", "one\ntwo\n\nfour")

    assert await _read(room, "a.txt") == "1\tone\n2\ttwo\n3\t\n4\tfour"


async def test_offset_and_limit_choose_lines(room: ToolRoom) -> None:
    room.file("a.txt", "1\n2\n3\n4\n5\n")

    assert await _read(room, "a.txt", offset=2, limit=2) == "2\t2\n3\t3"
    assert await _read(room, "a.txt", offset=0, limit=1) == "1\t1"
    assert await _read(room, "a.txt", offset=5) == "5\t5"


async def test_windows_ends_marks_and_other_encodings_are_not_to_be_seen(room: ToolRoom) -> None:
    room.file("crlf.txt", "a\r\nb\r\n")
    room.file("mark.txt", b"\xef\xbb\xbfa\n")
    room.file("wide.txt", "a\né\n".encode("utf-16"))

    assert await _read(room, "crlf.txt") == "1\ta\n2\tb"
    assert await _read(room, "mark.txt") == "1\ta"
    assert await _read(room, "wide.txt") == "1\ta\n2\té"


async def test_an_empty_file_and_an_offset_behind_the_end_are_said_in_words(room: ToolRoom) -> None:
    room.file("empty.txt", "")
    room.file("a.txt", "1\n2\n")

    assert "the file exists but the contents are empty" in await _read(room, "empty.txt")
    assert "shorter than the provided offset (3). The file has 2 lines." in await _read(
        room, "a.txt", offset=3
    )


async def test_a_long_file_is_cut_and_says_where_to_read_on(room: ToolRoom) -> None:
    room.file("long.txt", "".join(f"{number}\n" for number in range(1, 2501)))

    said = await _read(room, "long.txt")

    assert said.count("\t") == MAX_LINES
    assert said.endswith("2000\t2000\n\n[Lines 1 to 2000 of 2500 are shown. Read on with offset 2001.]")
    assert (await _read(room, "long.txt", limit=9999)).endswith("Read on with offset 2001.]")
    assert (await _read(room, "long.txt", offset=2001)).endswith("2500\t2500")


async def test_long_lines_and_very_much_text_are_cut(room: ToolRoom) -> None:
    room.file("wide.txt", "x" * (MAX_LINE_CHARS + 1) + "\n" + "y" * MAX_LINE_CHARS)
    room.file("huge.txt", ("z" * 1999 + "\n") * 500)

    first, second = (await _read(room, "wide.txt")).split("\n")
    assert first == "1\t" + "x" * MAX_LINE_CHARS + "... [line truncated]"
    assert second == "2\t" + "y" * MAX_LINE_CHARS
    said = await _read(room, "huge.txt")
    assert len(said) < 270_000
    assert "of 500 are shown. Read on with offset" in said


async def test_what_was_read_is_remembered_by_its_real_path(room: ToolRoom) -> None:
    room.file("a.txt", "x")
    (room.root / "link.txt").symlink_to("a.txt")

    await _read(room, "link.txt", offset=1, limit=1)

    assert list(room.conversation.stamps) == [room.path("a.txt")]


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (_PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
    ],
)
async def test_an_image_is_an_image_whatever_its_name(room: ToolRoom, data: bytes, media_type: str) -> None:
    room.file("picture.txt", data)

    output = await room.run(Read(), file_path=room.path("picture.txt"))

    encoded = base64.b64encode(data).decode()
    source = {"type": "base64", "media_type": media_type, "data": encoded}
    assert output.content == ({"type": "image", "source": source},)


async def test_an_image_that_is_too_large_is_refused_with_its_size(room: ToolRoom) -> None:
    room.file("big.png", _PNG + b"x" * 4_000_000)

    with pytest.raises(ToolError, match="The image has 4,000,014 bytes"):
        await _read(room, "big.png")


def _pdf(pages: int, password: str | None = None) -> bytes:
    writer = pypdf.PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def _pdf_with_text(text: str) -> bytes:
    content = f"BT /F1 12 Tf 10 50 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    data, places = b"%PDF-1.4\n", list[int]()
    for number, each in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj%s endobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(data),
    )
    return data + end


async def test_a_short_pdf_is_a_document(room: ToolRoom) -> None:
    data = _pdf(2)
    path = room.file("a.pdf", data)

    output = await room.run(Read(), file_path=path)

    assert output.content[0]["text"] == f"PDF file read: {path} (2 pages)"
    assert output.content[1]["type"] == "document"
    assert base64.b64decode(output.content[1]["source"]["data"]) == data


async def test_pages_of_a_pdf_are_text(room: ToolRoom) -> None:
    path = room.file("a.pdf", _pdf_with_text("Hello page"))

    assert await _read(room, "a.pdf", pages="1") == f"{path}: 1 page\n\n[page 1]\nHello page"


async def test_a_page_without_text_says_so(room: ToolRoom) -> None:
    room.file("a.pdf", _pdf(3))

    said = await _read(room, "a.pdf", pages="2-")

    assert said.count("(no text on this page; it may be an image)") == 2


async def test_a_long_pdf_wants_pages(room: ToolRoom) -> None:
    room.file("a.pdf", _pdf(25))

    with pytest.raises(ToolError, match="This PDF has 25 pages, which is too many to read at once"):
        await _read(room, "a.pdf")
    assert (await _read(room, "a.pdf", pages="6-25")).count("[page ") == 20


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ("1-21", "too many pages"),
        ("0", "There are no pages"),
        ("26", "There are no pages"),
        ("5-4", "There are no pages"),
        ("one", "Invalid pages parameter"),
        ("1,2", "Invalid pages parameter"),
    ],
)
async def test_pages_that_cannot_be_read_say_why(room: ToolRoom, pages: str, said: str) -> None:
    room.file("a.pdf", _pdf(25))

    with pytest.raises(ToolError, match=said):
        await _read(room, "a.pdf", pages=pages)


@pytest.mark.expects_log("pypdf._reader")
async def test_a_broken_or_locked_pdf_says_why(room: ToolRoom) -> None:
    room.file("broken.pdf", b"%PDF-1.7\nnothing")
    room.file("locked.pdf", _pdf(1, "secret"))

    with pytest.raises(ToolError, match="The PDF cannot be read"):
        await _read(room, "broken.pdf")
    with pytest.raises(ToolError, match="protected by a password"):
        await _read(room, "locked.pdf")


async def test_a_binary_file_is_named_as_such(room: ToolRoom) -> None:
    room.file("a.dat", b"x\0y")
    room.file("program", b"\x7fELF\0")

    with pytest.raises(ToolError, match=r"appears to be a binary \.dat file\."):
        await _read(room, "a.dat")
    with pytest.raises(ToolError, match=r"appears to be a binary file\."):
        await _read(room, "program")


async def test_a_missing_file_is_said_with_the_folder_and_the_near_miss(room: ToolRoom) -> None:
    room.file("sub/notes.txt", "x")

    with pytest.raises(ToolError) as missing:
        await _read(room, "sub/notes.md")
    assert str(missing.value) == (
        f"File does not exist. Note: your current working directory is {room.root}. Did you mean notes.txt?"
    )
    with pytest.raises(ToolError, match=r"working directory is [^ ]+\.$"):
        await _read(room, "nowhere/at/all")


async def test_a_folder_is_for_another_tool(room: ToolRoom) -> None:
    (room.root / "sub").mkdir()

    with pytest.raises(ToolError, match="is a directory, not a file"):
        await _read(room, "sub")


async def test_what_the_judge_refuses_is_refused(room: ToolRoom) -> None:
    room.file("a.txt", "x")
    guard = room.guard.judged_by(lambda _facts, _operation: "a rule denies it")
    room.scope = replace(room.scope, guard=guard)

    with pytest.raises(ToolError, match="a rule denies it"):
        await _read(room, "a.txt")
    assert room.conversation.stamps == {}


async def test_without_a_workspace_no_file_is_read(room: ToolRoom) -> None:
    room.scope = replace(room.scope, guard=None)

    with pytest.raises(ToolError, match="There is no workspace here"):
        await _read(room, "a.txt")


async def test_a_notebook_is_shown_cell_by_cell_and_an_empty_one_as_empty(room: ToolRoom) -> None:
    room.file("a.ipynb", '{"cells": [{"cell_type": "markdown", "source": ["# Hi"]}], "nbformat": 4}')
    room.file("empty.ipynb", "")

    output = await room.run(Read(), file_path=room.path("a.ipynb"))
    assert text_of(output) == '<cell id="cell-0"><cell_type>markdown</cell_type># Hi</cell id="cell-0">'
    assert "contents are empty" in await _read(room, "empty.ipynb")
