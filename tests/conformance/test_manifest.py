"""The manifest and the tests agree in both directions, and the page for users says what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from build_scripts.compatibility import PAGE, Area, Behaviour, page, read_manifest
from tests.conformance.marks import named_ids

_ENTRY = "behaviours:\n  - id: {id}\n    source: Errors\n    says: It is so.\n    status: {status}\n"


def behaviours() -> dict[str, Behaviour]:
    return {each.id: each for area in read_manifest() for each in area.behaviours}


def test_every_proven_behaviour_is_named_by_a_test() -> None:
    named = named_ids()
    assert [
        each.id for each in behaviours().values() if each.status == "proven" and each.id not in named
    ] == []


def test_every_id_that_a_test_names_is_in_the_manifest() -> None:
    known = behaviours()
    assert {each: tests for each, tests in named_ids().items() if each not in known} == {}


def test_ids_are_words_with_dashes_after_their_area() -> None:
    odd = [
        each
        for each in behaviours()
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*", each)
    ]
    assert odd == []


def test_the_page_for_users_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(read_manifest()), (
        "run: python3 build_scripts/compatibility.py"
    )


def test_the_page_shows_every_gap_with_what_the_client_gets() -> None:
    gap = Behaviour("a.b", "Errors", "It | does.", "gap", "Nobody can.", "An error.")
    text = page((Area("errors", "Errors", "About them.", (gap,)),))
    assert "| It \\| does. | Nobody can. | An error. |" in text
    assert "0 of 1 behaviours are proven; 1 are gaps." in text


@pytest.mark.parametrize(
    "entries",
    [
        _ENTRY.format(id="a.b", status="gap"),
        _ENTRY.format(id="a.b", status="done"),
        _ENTRY.format(id="a.b", status="proven") + "    reason: none\n    instead: none\n",
        _ENTRY.format(id="a.b", status="proven") + _ENTRY.format(id="a.b", status="proven")[12:],
    ],
)
def test_an_incomplete_or_doubled_entry_is_refused(entries: str, tmp_path: Path) -> None:
    (tmp_path / "errors.yaml").write_text(f"title: Errors\nabout: Them.\n{entries}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.b"):
        read_manifest(tmp_path)


def test_only_the_decorators_of_collected_tests_count(tmp_path: Path) -> None:
    marked = "@pytest.mark.conformance('{0}')\n{1}def {2}() -> None: ...\n"
    (tmp_path / "test_a.py").write_text(
        marked.format("a.one", "async ", "test_one") + marked.format("a.two", "", "helper"), encoding="utf-8"
    )
    (tmp_path / "other.py").write_text(marked.format("a.three", "", "test_three"), encoding="utf-8")
    assert named_ids(tmp_path) == {"a.one": ["test_a.py::test_one"]}


def test_an_id_that_is_not_written_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("@pytest.mark.conformance(ID)\ndef test_a() -> None: ...\n")
    with pytest.raises(TypeError, match="test_a"):
        named_ids(tmp_path)
