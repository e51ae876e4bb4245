"""What bash makes of a word, beside what a real bash makes of it."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from proxy.permissions.shell import parse_line
from proxy.permissions.shell_words import ansi_text, read_word

_PIECES = (
    *"abcxyz019./-_=+,:@%^",
    *("'a b'", '"a b"', "''", '""', "\\ ", "\\a", "\\\\", "\\'", '\\"', '"\\$"', '"\\`"', '"\\a"', "'\\'"),
    *(
        "$'\\x41'",
        "$'\\t'",
        "$'\\101'",
        "$'\\u00e9'",
        "$'\\''",
        "$'a\\0b'",
        "$'\\cA'",
        "$'\\q'",
        '$"t"',
        "$'\\x{42}'",
    ),
    *(
        "{a,b}",
        "{a,b,c}",
        "{1..3}",
        "{3..1}",
        "{a..e}",
        "{01..10..3}",
        "{a}",
        "{}",
        "{,}",
        "{a,{b,c}}",
        "{a,b",
        "a,b}",
    ),
    *(
        "{1..a}",
        "{-2..2}",
        "{a,'b,c'}",
        "\\{a,b}",
        "{a\\,b}",
        '"{a,b}"',
        "{1..5..2}",
        "{x..z..2}",
        "{a..c}{1,2}",
        "{{a,b}",
    ),
    *("$", "é", "日", "[x", "x]", "!", "#"),
)


def _ours(text: str) -> list[str] | None:
    line = parse_line(f"printf {text}")
    if line.problems or len(line.commands) != 1:
        return None
    words = [word.text for word in line.commands[0].words[1:]]
    return [word for word in words if word is not None] if None not in words else None


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_words_come_out_as_bash_makes_them() -> None:
    chance = random.Random(7)
    texts = ["".join(chance.choices(_PIECES, k=chance.randint(1, 5))) for _ in range(6_000)]
    known = [(text, words) for text in texts if (words := _ours(f"x{text}")) is not None]
    assert len(known) > 4_000
    script = "set -f\n" + "\n".join(f"printf '%s\\0' x{text}; printf '\\036'" for text, _ in known)
    ran = subprocess.run(
        ["bash", "--noprofile", "--norc", "-s"],
        input=script.encode(),
        capture_output=True,
        check=True,
        env={"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
    )
    theirs = [part.decode().split("\0")[:-1] for part in ran.stdout.split(b"\x1e")[:-1]]
    assert len(theirs) == len(known)
    assert [(text, words) for text, words in known] == [
        (text, words) for (text, _), words in zip(known, theirs, strict=True)
    ]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("rm", "rm"),
        (r"\x72\155\u006d\U0000006d", "rmmm"),
        (r"\a\b\e\E\f\n\r\t\v\\\'\"\?", "\a\b\x1b\x1b\f\n\r\t\v\\'\"?"),
        (r"\cA\c\\z", "\x01\x1cz"),
        (r"rm\0x", "rm"),
        (r"\x{41}\x{}", "A"),
        (r"\xe9", None),
        (r"\xc3\xa9", "é"),
        (r"\U00110000", None),
        (r"\q", r"\q"),
    ],
)
def test_ansi_c_text_is_decoded(body: str, text: str | None) -> None:
    assert ansi_text(body) == text


def test_text_that_is_no_utf8_is_not_known() -> None:
    (word,) = read_word(r"a$'\xff'")
    assert (word.text, word.shown, word.is_encoded) == (None, r"a$'\xff'", True)


def test_globs_and_tildes_are_recognised_where_nothing_quotes_them() -> None:
    def seen(raw: str) -> tuple[str | None, bool, bool]:
        (word,) = read_word(raw)
        return word.pattern, word.has_tilde, word.starts_with_wildcard

    assert seen("a*b?") == ("a*b?", False, False)
    assert seen("*.py") == ("*.py", False, True)
    assert seen("'*'.py") == (None, False, False)
    assert seen("\\**") == ("\\**", False, False)
    assert seen("[ab]c") == ("[ab]c", False, True)
    assert seen("[ab") == (None, False, False)
    assert seen("[]") == (None, False, False)
    assert seen("~/a") == (None, True, False)
    assert seen("~user") == (None, True, False)
    assert seen("'~'/a") == (None, False, False)
    assert seen("~'user'") == (None, False, False)
    assert seen("a~") == (None, False, False)


def test_an_expansion_is_shown_and_not_known() -> None:
    (word,) = read_word('a"$x"*', [(2, 4)])
    assert (word.text, word.shown, word.pattern) == (None, "a$x*", "a**")
    (word,) = read_word("a$xb", [(1, 3)])
    assert (word.text, word.shown, word.is_literal) == (None, "a$xb", False)


def test_a_range_with_quotes_in_it_is_none() -> None:
    assert [word.text for word in read_word("{1..'3'}")] == ["{1..3}"]
