"""Redaction against the corpus of secrets: no leak, no ordinary line changed, twice is as once."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.redaction import REDACTED, Redactor

_PREFIXES = (
    "sk-ant-",
    "sk-or-v1-",
    "sk-or-",
    "sk-proj-",
    "sk-svcacct-",
    "sk-admin-",
    "github_pat_",
    "sbx_",
    "nvapi-",
)


def _corpus(shared_data: Path) -> list[dict[str, object]]:
    lines = (shared_data / "attacks" / "open" / "secrets.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _join(fragments: object) -> str:
    assert isinstance(fragments, list)
    return "".join(str(each) for each in fragments)


def _leaks(secret: str, shown: str) -> bool:
    body = secret[:-4]
    for prefix in _PREFIXES:
        body = body.removeprefix(prefix)
    return any(body[at : at + 8] in shown for at in range(len(body) - 7)) or (
        len(body) < 8 and secret in shown
    )


def test_no_secret_of_the_corpus_is_left_and_no_ordinary_line_is_changed(shared_data: Path) -> None:
    failures: list[str] = []
    for line in _corpus(shared_data):
        text = _join(line["input"])
        secrets = [_join(each) for each in line.get("secrets", [])]  # type: ignore[attr-defined]
        is_known = "known-value match" in str(line["why"])
        redactor = Redactor(secrets if is_known else ())
        shown = redactor.text(text)
        if line["expect"] == "keep":
            if shown != text:
                failures.append(f"{line['id']} changed: {text!r} -> {shown!r}")
            continue
        failures += [f"{line['id']} leaks: {shown!r}" for each in secrets if _leaks(each, shown)]
        failures += [
            f"{line['id']} lost {each!r}: {shown!r}"
            for each in line.get("must_contain", [])
            if each not in shown
        ]  # type: ignore[attr-defined]
        if redactor.text(shown) != shown:
            failures.append(f"{line['id']} not stable: {shown!r} -> {redactor.text(shown)!r}")
        if shown == text:
            failures.append(f"{line['id']} unchanged: {text!r}")
    assert failures == []
