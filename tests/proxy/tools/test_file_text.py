from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.tools.errors import ToolError
from proxy.tools.file_text import Edit, FileText, NotText

_LINES = st.lists(st.tuples(st.text("ab é😀", max_size=4), st.sampled_from(["\n", "\r\n", ""])), max_size=8)
_RAW = _LINES.map(lambda lines: "".join(f"{text}{end}" for text, end in lines))


@given(st.binary())
def test_any_bytes_that_are_text_come_back_as_they_were(data: bytes) -> None:
    try:
        text = FileText.from_bytes(data)
    except NotText:
        return
    assert text.to_bytes() == data


@given(_RAW, st.sampled_from(["utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le"]))
def test_a_mark_says_the_encoding_and_stays(raw: str, encoding: str) -> None:
    marks = {
        "utf-16-le": codecs.BOM_UTF16_LE,
        "utf-16-be": codecs.BOM_UTF16_BE,
        "utf-32-le": codecs.BOM_UTF32_LE,
    }
    data = marks.get(encoding, b"") + raw.encode(encoding)

    text = FileText.from_bytes(data)

    assert text.raw == raw
    assert text.to_bytes() == data
    assert text.with_text("new").to_bytes() == text.mark + "new".encode(text.encoding)


@pytest.mark.parametrize("data", [b"a\0b", codecs.BOM_UTF16_LE + b"a", codecs.BOM_UTF32_LE + b"abc"])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(NotText):
        FileText.from_bytes(data)


def test_bytes_that_are_no_utf_8_are_kept_and_shown_as_such() -> None:
    text = FileText.from_bytes(b"caf\xe9 one\n")

    assert text.shown == "caf� one\n"
    assert text.edited(Edit("one", "två")).to_bytes() == "caf\udce9 två\n".encode("utf-8", "surrogateescape")


@given(_RAW, st.text("ab \n", min_size=1, max_size=3), st.text("xy\n", max_size=3))
def test_an_edit_is_the_plain_replacement_in_the_text_as_it_is_shown(raw: str, old: str, new: str) -> None:
    text = FileText(raw)
    count = text.text.count(old)
    if count == 0:
        with pytest.raises(ToolError, match="String to replace not found"):
            text.edited(Edit(old, new))
        return
    if count > 1:
        with pytest.raises(ToolError, match=f"Found {count} matches"):
            text.edited(Edit(old, new))
    edited = text.edited(Edit(old, new, replace_all=True))
    assert edited.text == text.text.replace(old, new)


@given(_RAW, _RAW, st.text("xy", min_size=1, max_size=3), st.text("pq\n", max_size=4))
def test_outside_the_replaced_text_every_byte_stays(before: str, after: str, old: str, new: str) -> None:
    edited = FileText(before + old + after).edited(Edit(old, new)).raw

    assert edited.startswith(before)
    assert edited.endswith(after)
    middle = edited[len(before) : len(edited) - len(after)]
    assert middle.replace("\r\n", "\n") == new


def test_new_lines_end_as_most_lines_do() -> None:
    assert FileText("a\r\nb\r\nc\n").edited(Edit("b", "1\n2")).raw == "a\r\n1\r\n2\r\nc\n"
    assert FileText("a\nb\nc\r\n").edited(Edit("b", "1\n2")).raw == "a\n1\n2\nc\r\n"


def test_lines_that_are_replaced_keep_their_own_ends() -> None:
    assert FileText("a\nb\nc\nd\r\ne\r\n").edited(Edit("d\ne", "1\n2")).raw == "a\nb\nc\n1\r\n2\r\n"


@given(_RAW)
def test_windows_text_in_an_edit_means_the_same_as_plain(raw: str) -> None:
    text = FileText(f"x\r\ny\n{raw}")

    assert text.edited(Edit("x\r\ny", "p\r\nq")) == text.edited(Edit("x\ny", "p\nq"))


def test_a_whole_new_text_takes_over_ends_only_where_they_are_all_windows() -> None:
    assert FileText("a\r\nb\r\n").with_text("1\n2\n").raw == "1\r\n2\r\n"
    assert FileText("a\r\nb\n").with_text("1\n2\n").raw == "1\n2\n"
    assert FileText("a\r\nb\r\n").with_text("1\r\n2\n").raw == "1\r\n2\r\n"
    assert FileText("").with_text("1\r\n2\n").raw == "1\r\n2\n"


def test_half_a_character_is_not_written() -> None:
    with pytest.raises(ToolError, match="half a character"):
        FileText("a").with_text("\ud800")
    with pytest.raises(ToolError, match="half a character"):
        FileText("a").edited(Edit("a", "\udc80"))


def test_what_a_utf_16_file_cannot_hold_is_not_written() -> None:
    with pytest.raises(ToolError, match="half a character"):
        FileText("\ud800", "utf-16-le", codecs.BOM_UTF16_LE).to_bytes()
