"""Reading a picture's size from its first bytes."""

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.messages.image_size import image_size


def _coded(picture: bytes) -> str:
    return base64.b64encode(picture).decode()


def _png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + struct.pack(">II", width, height) + b"\x08\x02"


def _gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00"


def _webp(kind: bytes, rest: bytes) -> bytes:
    return b"RIFF\x00\x00\x00\x00WEBP" + kind + b"\x00\x00\x00\x00" + rest + bytes(16)


def _jpeg(width: int, height: int, before: bytes = b"\xff\xe0\x00\x04ab") -> bytes:
    return b"\xff\xd8" + before + b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03"


PICTURES = {
    "png": _png(640, 480),
    "gif": _gif(640, 480),
    "jpeg": _jpeg(640, 480),
    "jpeg with fill bytes and a restart mark": _jpeg(640, 480, b"\xff\xd0\xff\xff\xe1\x00\x02"),
    "jpeg with tables first": _jpeg(640, 480, b"\xff\xc4\x00\x03a\xff\xdb\x00\x02"),
    "webp lossy": _webp(b"VP8 ", bytes(6) + struct.pack("<HH", 640 | 1 << 14, 480)),
    "webp lossless": _webp(b"VP8L", b"\x2f" + struct.pack("<I", 639 | 479 << 14)),
    "webp extended": _webp(b"VP8X", bytes(4) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_size_of_a_known_kind_is_read_from_its_head(name: str) -> None:
    assert image_size(_coded(PICTURES[name])) == (640, 480)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "not base64 at all, is it?",
        _coded(b"plain text, no picture"),
        _coded(_png(0, 480)),
        _coded(_webp(b"ALPH", b"")),
        _coded(b"\xff\xd8\xff\xd9" + bytes(20)),
        _coded(b"\xff\xd8\xff\xe1\x40\x00" + bytes(20)),
    ],
)
def test_what_is_no_picture_or_has_no_size_gives_none(data: str) -> None:
    assert image_size(data) is None


@pytest.mark.parametrize("name", PICTURES)
def test_line_breaks_and_missing_padding_in_base64_do_not_hide_the_size(name: str) -> None:
    coded = _coded(PICTURES[name] + b"1")
    assert image_size(f"{coded[:10]}\n{coded[10:].rstrip('=')}") == (640, 480)


@given(
    st.sampled_from([b"\xff\xd8\xff", b"RIFF....WEBPVP8", b"GIF89a", b"\x89PNG\r\n\x1a\n"]),
    st.binary(max_size=80),
)
def test_no_bytes_make_the_reader_fail(start: bytes, rest: bytes) -> None:
    size = image_size(_coded(start + rest))
    assert size is None or min(size) > 0


@given(st.text(max_size=40))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    assert image_size(text) is None or text.isascii()
