"""A server goes from the form to YAML and back, and nothing the form does not show is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.models.mcp_entry import (
    Entry,
    EntryProblem,
    command_parts,
    entry_text,
    read_entry,
    read_variables,
    split_arguments,
)

_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)


@given(
    st.sampled_from(["python", "node", "stdio"]),
    _WORDS,
    st.lists(_WORDS, max_size=4),
    st.dictionaries(st.from_regex(r"[A-Z_]+", fullmatch=True), _WORDS, max_size=3),
    _WORDS,
)
def test_a_local_server_survives_the_way_to_text_and_back(
    kind: str, command: str, args: list[str], variables: dict[str, str], cwd: str
):
    entry = Entry("box", kind, command, tuple(args), "", variables, cwd, {"restart": False})
    assert read_entry(entry_text(entry)) == entry


def test_a_remote_server_keeps_its_headers():
    entry = Entry("box", "http", url="https://box.example/mcp", variables={"X-Key": "${keyring:box}"})
    text = entry_text(entry)
    assert text == (
        "box:\n  type: http\n  url: https://box.example/mcp\n  headers:\n    X-Key: ${keyring:box}\n"
    )
    assert read_entry(text) == entry


def test_an_entry_without_its_name_takes_the_one_it_has():
    assert read_entry("command: npx\nargs: [1, -y]", "files") == Entry("files", "stdio", "npx", ("1", "-y"))


def test_an_entry_without_a_name_gets_one_to_change():
    assert entry_text(Entry()).startswith("my-server:\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "This is no YAML"),
        ("just words", "This is not one server"),
        ("", "This is not one server"),
        ("a: {command: x}\nb: {command: y}", "several servers"),
        ("a: {command: [x]}", "cannot show command"),
        ("a: {command: x, args: y}", "cannot show args"),
        ("a: {command: x, environment: [y]}", "cannot show the variables"),
    ],
)
def test_what_the_form_cannot_show_is_said(text: str, said: str):
    with pytest.raises(EntryProblem, match=said):
        read_entry(text)


def test_arguments_and_variables_stand_one_a_line():
    assert split_arguments("--a b\n\n c\n") == ("--a b", " c")
    assert read_variables("A=1\n\nB = x=y") == {"A": "1", "B": " x=y"}
    with pytest.raises(EntryProblem, match="Line 2"):
        read_variables("A=1\nB")


def test_a_command_line_is_taken_apart():
    assert command_parts('run "two words" -x') == ("run", ("two words", "-x"))
    assert command_parts('run "open') == ('run "open', ())
    assert command_parts("") == ("", ())
