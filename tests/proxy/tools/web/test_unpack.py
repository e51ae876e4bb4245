from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.tools.web.unpack import Broken, TooLong, Unpacker


def _bare(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


_PACKERS = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "deflate": zlib.compress,
    "deflate ": _bare,
}


@given(st.sampled_from(sorted(_PACKERS)), st.binary(max_size=2000), st.integers(min_value=1, max_value=64))
def test_what_was_packed_comes_out_however_it_is_cut(packing: str, body: bytes, size: int) -> None:
    packed = _PACKERS[packing](body)
    unpacker = Unpacker(packing, 4000)
    for start in range(0, len(packed), size):
        unpacker.feed(packed[start : start + size])

    assert unpacker.finish() == body


def test_gzip_in_several_members_is_one_body() -> None:
    unpacker = Unpacker("gzip", 100)
    unpacker.feed(gzip.compress(b"one ") + gzip.compress(b"two"))

    assert unpacker.finish() == b"one two"


@pytest.mark.parametrize("packing", ["", "gzip", "deflate"])
def test_not_a_byte_more_than_allowed_comes_out(packing: str) -> None:
    packed = _PACKERS[packing](b"x" * 1000)
    Unpacker(packing, 1000).feed(packed)

    with pytest.raises(TooLong):
        Unpacker(packing, 999).feed(packed)


def test_packed_bytes_that_unpack_to_nothing_are_counted_too() -> None:
    with pytest.raises(TooLong):
        Unpacker("gzip", 1000).feed(gzip.compress(b"") * 100)


def _unpacked(body: bytes) -> bytes:
    unpacker = Unpacker("gzip", 1000)
    unpacker.feed(body)
    return unpacker.finish()


@pytest.mark.parametrize(
    "body", [b"plain text", gzip.compress(b"x" * 100, mtime=0)[:-4], b"\x1f\x8b\x08\x00garbage!!"]
)
def test_what_is_not_packed_properly_is_broken(body: bytes) -> None:
    with pytest.raises(Broken):
        _unpacked(body)


def test_an_empty_packed_body_is_empty() -> None:
    assert Unpacker("gzip", 10).finish() == b""
