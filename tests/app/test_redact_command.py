"""`signalbox redact`: lines in, lines out, and no secret between them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exit_codes import FAILED, OK
from app.redact_command import redact

KEY = "sk-" + "or-v1-" + "0123456789abcdef" * 4
PEM = (
    f"-----BEGIN {'RSA'} PRIVATE KEY-----\n"
    + ("MIIEpAIBAAKCAQEA7bq" * 3 + "\n") * 4
    + (f"-----END {'RSA'} PRIVATE KEY-----")
)


def _redacted(text: bytes, known: Path | None = None) -> bytes:
    target = io.BytesIO()
    assert redact(known, io.BytesIO(text), target) == OK
    return target.getvalue()


def test_a_key_is_taken_out_and_the_rest_of_its_line_stays() -> None:
    assert _redacted(f"key={KEY} end\nnext\n".encode()) == b"key=[redacted] end\nnext\n"


def test_a_pem_block_is_caught_across_lines() -> None:
    found = _redacted(f"before\n{PEM}\nafter\n".encode())

    assert found.startswith(b"before\n")
    assert found.endswith(b"after\n")
    assert b"MIIE" not in found


def test_a_pem_block_that_never_ends_is_caught_too() -> None:
    assert b"MIIE" not in _redacted(PEM.rpartition("\n")[0].encode())


def test_a_line_ends_at_the_line_feed_only() -> None:
    assert _redacted(b"a\rb\x0cc\xe2\x80\xa8d\n") == b"a\rb\x0cc\xe2\x80\xa8d\n"


def test_secrets_of_no_shape_are_known_from_the_file(tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text("correct horse battery\n")

    assert _redacted(b"it is correct horse battery!\n", known) == b"it is [redacted]!\n"


def test_a_file_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert redact(tmp_path / "none", io.BytesIO(b"x"), io.BytesIO()) == FAILED
    assert "No such file" in capsys.readouterr().err


@given(st.binary(max_size=200).filter(lambda data: b"-----" not in data))
def test_what_holds_no_secret_comes_out_byte_for_byte(data: bytes) -> None:
    text = data.replace(b"=", b" ").replace(b":", b" ")
    if not any(each in text for each in (b"key", b"token", b"eyJ", b"AKIA", b"sk-")):
        assert _redacted(text) == text


def test_every_line_of_the_corpus_comes_out_as_it_demands(shared_data: Path) -> None:
    wrong: list[str] = []
    for line in (shared_data / "attacks/open/secrets.jsonl").read_text("utf-8").splitlines():
        case = json.loads(line)
        text = "".join(case["input"])
        if "known-value match" in case["why"] or text.endswith("\n"):
            continue
        found = _redacted(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        if case["expect"] == "keep" and found != text:
            wrong.append(case["id"])
        secrets: list[list[str]] = case.get("secrets", []) if case["expect"] == "redact" else []
        for parts in secrets:
            secret = "".join(parts)
            known_prefix = 12  # at most that much may stay in front, and four at the end
            inner = secret[known_prefix:-4]
            if any(inner[at : at + 8] in found for at in range(len(inner) - 7)):
                wrong.append(case["id"])
    assert wrong == []
