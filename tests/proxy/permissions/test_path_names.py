"""Texts of paths: what is refused unseen, and how paths are joined, cleaned and compared."""

from __future__ import annotations

import pytest

from proxy.permissions.path_names import (
    absolute_text,
    clean,
    ends_in_dots_or_blanks,
    has_bidi_controls,
    lexical_refusal,
    parts_of,
    trimmed_names,
    without_ignorables,
)
from proxy.permissions.values import Platform


@pytest.mark.parametrize(
    ("text", "platform", "why"),
    [
        ("", "linux", "blank"),
        (" \u00a0", "linux", "blank"),
        ("a\0b", "linux", "NUL"),
        ("a\nb", "linux", "U+000A"),
        ("a\x9bb", "linux", "U+009B"),
        ("a\u2028b", "linux", "U+2028"),
        ("a\udcffb", "linux", "UTF-8"),
        ("~/x", "linux", "`~`"),
        ("~root/x", "macos", "`~`"),
        ("file:///x", "linux", "address"),
        ("HTTPS://x.test", "linux", "address"),
        ("data:text/plain,x", "linux", "address"),
        ("n" * 256, "linux", "longer than 255"),
        ("ü" * 128, "linux", "longer than 255"),
        ("d/" * 2048, "linux", "longer than 4096"),
        ("\\\\host\\share", "windows", "network"),
        ("//host/share", "windows", "network"),
        ("\\??\\C:\\x", "windows", "network"),
        ("C:x", "windows", "relative to a drive"),
        ("C:\\a:b", "windows", "stream"),
        ("a:b", "windows", "relative to a drive"),
        ("ab:c", "windows", "stream"),
        ("x\\NUL", "windows", "device"),
        ("aux.txt", "windows", "device"),
        ("com1 .log", "windows", "device"),
        ("a?b", "windows", "no name on Windows"),
        ("n" * 256, "windows", "longer than 255"),
        ("a/..namedfork/data", "macos", "fork"),
        ("a/..named\u200cfork/data", "macos", "fork"),
        ("/.vol/1/2", "macos", "by volume"),
    ],
)
def test_a_text_that_is_no_path_is_refused_unseen(text: str, platform: Platform, why: str) -> None:
    refusal = lexical_refusal(text, platform)
    assert refusal is not None
    assert why in refusal


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("a b", "linux"),
        ("a~", "linux"),
        ("C:\\x", "linux"),
        ("aux", "linux"),
        ("a:b", "linux"),
        ("n" * 255, "linux"),
        ("ü" * 200, "windows"),
        ("C:\\", "windows"),
        ("C:\\console.txt", "windows"),
        ("com10", "windows"),
        ("src/a.py", "windows"),
        ("vol/.vol/x", "macos"),
        ("/", "macos"),
    ],
)
def test_an_ordinary_text_is_not_refused(text: str, platform: Platform) -> None:
    assert lexical_refusal(text, platform) is None


@pytest.mark.parametrize(
    ("text", "cwd", "platform", "joined"),
    [
        ("a", "/w", "linux", "/w/a"),
        ("a", "/", "linux", "/a"),
        ("/a", "/w", "linux", "/a"),
        ("../a", "/w/x", "macos", "/w/x/../a"),
        ("a\\b", "/w", "linux", "/w/a\\b"),
        ("a\\b", "C:\\w", "windows", "/c/w/a/b"),
        ("D:\\a", "C:\\w", "windows", "/d/a"),
        ("\\a", "C:\\w", "windows", "/c/a"),
        ("/Windows/x", "/c/w", "windows", "/c/Windows/x"),
        ("/d/x", "/c/w", "windows", "/d/x"),
        ("C:", "D:\\", "windows", "/c"),
        ("x", "C:\\", "windows", "/c/x"),
    ],
)
def test_a_path_is_joined_with_where_it_begins(text: str, cwd: str, platform: Platform, joined: str) -> None:
    assert absolute_text(text, cwd, platform) == joined
    assert absolute_text(joined, "/elsewhere", platform) == joined


def test_dots_are_taken_out_as_text() -> None:
    assert clean("/a/./b//../c/") == "/a/c"
    assert clean("/../..") == "/"


def test_names_are_compared_without_what_does_not_count() -> None:
    assert parts_of("/A/é", folds_case=False, drops_ignorables=False) == ("A", "é")
    assert parts_of("/A/e\u0301", folds_case=False, drops_ignorables=False) == ("A", "é")
    assert parts_of("/A/./b", folds_case=True, drops_ignorables=False) == ("a", "b")
    assert parts_of("/.g\u200cit", folds_case=False, drops_ignorables=True) == (".git",)
    assert parts_of("/.g\u200cit", folds_case=False, drops_ignorables=False) == (".g\u200cit",)


def test_what_windows_cuts_off_is_known() -> None:
    assert ends_in_dots_or_blanks("a\\b. .\\c")
    assert not ends_in_dots_or_blanks("..\\a/./b")
    assert trimmed_names("a.\\b /..\\c. .") == "a\\b/..\\c"


def test_unseen_and_turning_characters_are_known() -> None:
    assert has_bidi_controls("a\u202eb")
    assert not has_bidi_controls("שלום")
    assert without_ignorables("a\u200b\ufeffb\U000e0041") == "ab"
