"""Taking a bash line apart: which commands it holds, where they stand, and what cannot be read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.permissions.shell import Assignment, Command, Redirect, ShellLine, Word, parse_line


def lines_of(text: str) -> list[str]:
    return [command.line for command in parse_line(text).commands]


def kinds_of(text: str) -> list[str]:
    return [problem.kind for problem in parse_line(text).problems]


def word(text: str) -> Word:
    return Word(raw=text, text=text, shown=text)


def context_of(text: str, name: str) -> dict[str, Any]:
    """Returns what is not ordinary about where the command of a name stands."""
    (command,) = (one for one in parse_line(text).commands if one.name == name)
    fields = {key: getattr(command.context, key) for key in command.context.__slots__}
    return {key: value for key, value in fields.items() if value and key not in {"scope", "chain"}}


def test_a_command_has_words_assignments_and_redirections() -> None:
    (command,) = parse_line("LANG=C X+=1 ls -la 'a b' 2>err < in").commands
    assert command == Command(
        words=(word("ls"), word("-la"), Word("'a b'", "a b", "a b", is_quoted=True)),
        assignments=(Assignment("LANG", word("C")), Assignment("X", word("1"), appends=True)),
        redirects=(Redirect(">", "2", word("err")), Redirect("<", None, word("in"))),
        context=command.context,
        raw="LANG=C X+=1 ls -la 'a b' 2>err < in",
    )
    assert (command.name, command.line) == ("ls", "ls -la a b")


def test_an_empty_line_holds_nothing() -> None:
    assert parse_line("") == ShellLine("", ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a; b & c\nd", ["a", "b", "c", "d"]),
        ("a && b || ! c | d |& e", ["a", "b", "c", "d", "e"]),
        ("(a; b) && { c; }", ["a", "b", "c"]),
        ("if a; then b; elif c; then d; else e; fi", ["a", "b", "c", "d", "e"]),
        ("while a; do b; done; until c; do d; done", ["a", "b", "c", "d"]),
        ("for i in x y; do a; done; for i; do b; done; for i\ndo c\ndone", ["a", "b", "c"]),
        ("select i in x; do a; done", ["a"]),
        ("for ((i=0; i<$(a); i++)); do b; done", ["a", "b"]),
        ("case $x in (a|b) c;; d) e;& *) f;;& esac; g", ["c", "e", "f", "g"]),
        ("case x\nin\n# why\na ) b\n;;\nesac", ["b"]),
        ("case x in a | b) c; esac", ["c"]),
        ("f() { a; }; function g { b; }; function h() ( c )", ["a", "b", "c"]),
        ("f ( )\n{ a; }", ["a"]),
        (
            "time a; time -p b; time { c; }; time -- ( d )",
            ["time a", "time -p b", "c", "d"],
        ),
        ("coproc a; coproc N { b; }; coproc ( c )", ["coproc a", "coproc N", "b", "coproc", "c"]),
        ("[[ -f a && ( b < c ) ]] && d", ["[[ -f a b c ]]", "d"]),
        ("(( i++ )) || a", ["((  i++ ", "a"]),
        ("((a); b)", ["a", "b"]),
        ("a $(b; c) `d` <(e) >(f) g", ["b", "c", "d", "e", "f", "a $(b; c) `d` <(e) >(f) g"]),
        ('a "$(b)" "`c \\"x\\"`"', ["b", "c x", 'a $(b) `c \\"x\\"`']),
        ("a ${x:-$(b)} ${x:-\"$(c)\"} ${x/\\}/'}'}", ["b", "c", "a ${x:-$(b)} ${x:-\"$(c)\"} ${x/\\}/'}'}"]),
        (
            'a $((1 + $(b))) $[$(c)] "${x:-<(d)}" ${y:->(e)}',
            ["b", "c", "e", "a $((1 + $(b))) $[$(c)] ${x:-<(d)} ${y:->(e)}"],
        ),
        ("a $((b) | c)", ["b", "c", "a $((b) | c)"]),
        ('x=$(a) y=(1 $(b) "$(c)")', ["a", "b", "c", ""]),
        ("a \\\n b\\\nc \"d\\\ne\" 'f\\\ng'", ["a bc de f\\\ng"]),
        ("a `b \\\n c`", ["b c", "a `b \\\n c`"]),
        ("a # b; c\nd", ["a", "d"]),
        ("# a", []),
        ("a {b,c}{1..2}", ["a b1 b2 c1 c2"]),
        ("a >b c 2>&1 d", ["a c d"]),
        ("a <<E | b\n$(c) `d` \\$(e) ${x:-$(f)}\nE\ng", ["a", "c", "d", "f", "b", "g"]),
        ("a <<-'E'; b\n\t$(c)\n\tE\nd", ["a", "b", "d"]),
        ("if (a) then b; fi", ["a", "b"]),
        ("{ a; } 2>x; ( b ) <y", ["a", "", "b", ""]),
        ("!a; ! b", ["!a", "b"]),
        ("echo a}; }b", ["echo a}", "}b"]),
    ],
)
def test_every_simple_command_is_found(text: str, expected: list[str]) -> None:
    assert sorted(lines_of(text)) == sorted(expected)


def test_what_surrounds_a_command_is_known() -> None:
    assert context_of("a | b", "a") == {"in_pipeline": True}
    assert context_of("a && b", "b") == {"after": "&&"}
    assert context_of("a || b", "b") == {"after": "||"}
    assert context_of("(a)", "a") == {"in_subshell": True}
    assert context_of("{ a; }", "a") == {"in_group": True}
    assert context_of("if a; then b; fi", "b") == {"in_branch": True}
    assert context_of("while a; do b; done", "b") == {"in_loop": True}
    assert context_of("c $(a)", "a") == {"in_substitution": True}
    assert context_of("f() { a; }", "a") == {"in_group": True, "function": "f"}
    assert context_of("(a; b) &", "b") == {"in_subshell": True, "is_background": True}
    assert context_of("a & b", "b") == {}


def test_shells_have_scopes_and_lists_have_chains() -> None:
    first, second, third, fourth = (one.context for one in parse_line("a && b; c | d").commands)
    assert first.chain == second.chain != third.chain == fourth.chain
    assert first.scope == second.scope == third.scope[:-1] == fourth.scope[:-1]
    assert third.scope != fourth.scope


def test_here_documents_keep_their_text() -> None:
    (first, second) = parse_line("a <<'X' <<-\"Y Z\"\n$1\nX\n\tb\n\tY Z\nc").commands
    assert [(one.operator, one.body) for one in first.redirects] == [("<<", "$1\n"), ("<<-", "b\n")]
    assert second.line == "c"


@pytest.mark.parametrize(
    ("redirect", "is_descriptor"),
    [("2>&1", True), (">&-", True), ("<&3-", True), (">&x", False), (">1", False)],
)
def test_a_copied_descriptor_is_no_file(redirect: str, is_descriptor: bool) -> None:
    (command,) = parse_line(f"a {redirect}").commands
    assert command.redirects[0].is_descriptor is is_descriptor


def test_the_name_is_unknown_where_it_is_not_written_out() -> None:
    assert [parse_line(text).commands[0].name for text in ("ls", "$x", "l?", "x=1")] == [
        "ls",
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(
            ("a 'b", "syntax"),
            ('a "b', "syntax"),
            ("a $'b", "syntax"),
            ("a `b", "syntax"),
            ("a $(b", "syntax"),
        ),
        *(("a ${b", "syntax"), ("a $[b", "syntax"), ("a &&", "syntax"), ("a )", "syntax"), ("( a", "syntax")),
        *(("if a; then b", "syntax"), ("fi", "syntax"), ("then a", "syntax"), ("a ;; b", "syntax")),
        *(
            ("a b(c)", "syntax"),
            ("(a) b", "syntax"),
            ("a >", "syntax"),
            ("a <<", "syntax"),
            ("a <<X", "syntax"),
        ),
        *(("a <<'X'\nb", "syntax"), ("a \\", "syntax"), ("[[ a", "syntax"), ("case a b", "syntax")),
        *(("case a in b", "syntax"), ("a $(case x in y", "syntax"), ("for", "syntax"), ("} a", "syntax")),
        ("a <<X\nb\nX", "here-document"),
        ("f() { a; }", "function"),
        ("for ((;;)); do a; done", "unknown"),
        ("a {1..9999}", "too-many"),
        ("a {1..999}{1..2}", "too-many"),
        ("a {{1..999},{1..999}}", "too-many"),
        ("a " + "{b" * 60, "too-many"),
        ("a " + "$(" * 40, "too-deep"),
        ("a " + "${" * 40, "too-deep"),
        ("a " + "(" * 200, "too-deep"),
        ("a\\\n" * 3 + "`" + "b\\\n" * 3 + "`", "padding"),
        ("a" + " \\\n" * 2 + "\x07", "control-character"),
        ("a\u202eb", "invisible-character"),
        ("a\u00a0b", "invisible-character"),
        ("a" + " " * 100 + "b", "padding"),
        ("a" * 10_001, "too-long"),
        ("a" * 20_001, "too-long"),
        ("a (b)", "syntax"),
        ("a $((b ? c : d))", "unknown"),
        ("a $\\\n'\\'' \\\n 'b", "too-deep"),
        ("a {b..C}", "too-many"),
        ("a \\ {}{b,c}", "too-many"),
        ("echo " + "a$b " * 2_400, "too-many"),
    ],
)
def test_what_cannot_be_read_is_a_problem(text: str, kind: str) -> None:
    expected = [] if kind == "padding" and "\\\n" in text else [kind]
    assert kinds_of(text)[: len(expected)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "cat 0<a",
        "ls 2>&-",
        "echo 'ü' \"é\" ö",
        "a {b,c}",
        "a\\\nb",
        "echo a#b c",
        "a 'b'\"c\"d",
        "a <<'X'\nb\nX\nc",
    ],
)
def test_both_readings_agree_about_ordinary_lines(text: str) -> None:
    assert kinds_of(text) == []


def test_a_line_that_both_read_differently_is_a_problem() -> None:
    assert kinds_of("a b={c d}e") in ([], ["two-readings"])
    assert kinds_of('echo "a"$"b"c') == []


def test_words_outside_commands_are_kept() -> None:
    line = parse_line("for i in a $x; do b; done; case c in d|e) f;; esac")
    assert [one.shown for one in line.loose_words] == ["i", "a", "$x", "c", "d", "e"]
    assert parse_line("g $(for i in `a`; do b; done)").has_substitution


_PIECES = st.sampled_from(
    [
        *"'\"\\`$(){}[]<>|&;#!*?~=-\n\t ",
        *(
            "$(",
            "${",
            "$((",
            "$'",
            "<<E",
            "<<'E'\n",
            "\nE\n",
            "if ",
            "then ",
            "fi",
            "for i in ",
            "do ",
            "done",
        ),
        *("case x in ", "a) ", ";;", "esac", "[[ ", "]]", "((", "))", "f() ", "time ", "ls", "é", "coproc "),
        *(
            "function ",
            "select ",
            "\\\n",
            "{a,b}",
            "{1..3}",
            "2>&1",
            "&>x",
            "in ",
            "\x00",
            "\ud800",
            "while ",
        ),
    ]
)


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_parsing_never_raises_and_keeps_the_text(text: str) -> None:
    line = parse_line(text)
    assert line.text == text
    assert parse_line(text) == line


@given(st.lists(_PIECES, max_size=12).map("".join))
def test_a_command_behind_anything_complete_is_found(text: str) -> None:
    before = parse_line(text)
    if not before.problems and before.commands:
        assert lines_of(f"{text}\nrm x")[-1] == "rm x"
