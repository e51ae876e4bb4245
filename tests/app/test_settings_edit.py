"""Edits of a settings text: what was asked changes, every other byte stays."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings_document import read_settings
from app.settings_edit import Edit, Put, Remove, Rename, edited
from app.yaml_document import SettingsError
from resources import read_bytes

PROVIDER = {
    "dialect": "openai-chat",
    "base_url": "https://openrouter.ai/api/v1",
    "key": {"keyring": "openrouter"},
}

_words = st.text(string.ascii_lowercase, min_size=1, max_size=8)
_texts = st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp"]), min_size=1, max_size=12
)


def _edit(text: str, *edits: Edit) -> str:
    return edited(text.encode(), edits, read_settings)[0].decode()


def test_the_first_provider_opens_the_empty_section_and_touches_nothing_else() -> None:
    shipped = read_bytes("default_settings.yaml").decode()

    text = _edit(shipped, Put(("providers", "openrouter"), PROVIDER))

    values = 'dialect: openai-chat, base_url: "https://openrouter.ai/api/v1", key: {keyring: openrouter}'
    line = f"  openrouter: {{{values}}}\n"
    assert text == shipped.replace("providers: {}\n", "providers:\n" + line)


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        (
            "a: 1 # x\nwindow:\n  theme: light  # mine\n",
            Put(("window", "theme"), "dark"),
            "a: 1 # x\nwindow:\n  theme: dark  # mine\n",
        ),
        ("version: 1", Put(("window", "theme"), "dark"), "version: 1\nwindow: {theme: dark}"),
        ("# nothing yet", Put(("window", "theme"), "dark"), "# nothing yet\nwindow: {theme: dark}\n"),
        ("", Put(("window", "theme"), "dark"), "window: {theme: dark}\n"),
        ("window:\n# end\n", Put(("window", "theme"), "dark"), "window:\n  theme: dark\n# end\n"),
        ("window: {}\n", Put(("window", "theme"), "dark"), "window:\n  theme: dark\n"),
        (
            "{version: 1, window: {}}\n",
            Put(("window", "theme"), "dark"),
            "{version: 1, window: {theme: dark}}\n",
        ),
        ("window: {x: 1}\n", Put(("window", "theme"), "dark"), "window: {x: 1, theme: dark}\n"),
        ("window: {theme: dark, x: 1}\n", Remove(("window", "theme")), "window: {x: 1}\n"),
        ("window: {x: 1, theme: dark}\n", Remove(("window", "theme")), "window: {x: 1}\n"),
        ("window:\n  theme: dark\n# end\n", Remove(("window", "theme")), "window: {}\n# end\n"),
        (
            "window:\n  theme: dark\n  # note\n  x: 1\n",
            Remove(("window", "theme")),
            "window:\n  # note\n  x: 1\n",
        ),
        ("window: {x: 1}\n", Remove(("window", "theme")), "window: {x: 1}\n"),
        (
            "x: 1\r\nwindow:\r\n  theme: dark\r\n",
            Put(("window", "y"), 2),
            "x: 1\r\nwindow:\r\n  theme: dark\r\n  y: 2\r\n",
        ),
        (
            "window:\n    theme: dark\n",
            Put(("window", "y"), [1, "a b"]),
            'window:\n    theme: dark\n    y: [1, "a b"]\n',
        ),
        (
            "x:\n  - {use: a}  # first\n  - when: {y: true}\n    use: b  # second\n",
            Put(("x", 1, "use"), "c d"),
            'x:\n  - {use: a}  # first\n  - when: {y: true}\n    use: "c d"  # second\n',
        ),
        ("x: |\n  text\n\n# c\nwindow: {}\n", Put(("x",), "short"), "x: short\n\n# c\nwindow: {}\n"),
        ("x:\n  - a  # first\n  - b\n# end\n", Put(("x",), ["a", "c"]), "x:\n  - a\n  - c\n# end\n"),
    ],
)
def test_an_edit_changes_its_own_place_only(before: str, edit: Edit, after: str) -> None:
    assert _edit(before, edit) == after


@pytest.mark.parametrize(
    "text",
    [
        """\
permissions:
  allow:
    # mine
    - 'Bash(git log *)'   # harmless
    # theirs
    - Edit(src/**) # too
+    - "Bash(npm test)"
  # more
  deny: []
""",
        """\
permissions:
  allow:
  - 'Bash(git log *)'
  - Edit(src/**)
+  - "Bash(npm test)"
""",
        """\
permissions: {allow: ['Bash(git log *)', # one
  Edit(src/**)
+, "Bash(npm test)"
-, # two
  ]}
""",
    ],
)
def test_a_further_item_leaves_the_others_their_comments_and_quotes(text: str) -> None:
    before, after = ["version: 1"], ["version: 1"]
    for line in text.splitlines():
        if line.startswith(("+,", "-,")):  # on the line that is there
            after[-1] += line[1:]
            before[-1] += line[1:] if line[0] == "-" else ""
            continue
        after.append(line.removeprefix("+"))
        before += [line] if line[0] != "+" else []

    rules = ["Bash(git log *)", "Edit(src/**)", "Bash(npm test)"]
    text = _edit("\n".join(before), Put(("permissions", "allow"), rules))

    assert text == "\n".join(after)


def test_a_renamed_alias_keeps_its_place_and_its_comments() -> None:
    before = (
        "aliases:\n  # the good one\n  big:  # mine\n    match: [a]\n"
        "    candidates: [{provider: p, model: m}]\n  small: {candidates: [{provider: p, model: n}]}\n"
    )

    text = _edit(before, Rename(("aliases", "big"), "large"))

    assert text == before.replace("big:", "large:")
    assert list(read_settings(text.encode()).settings.aliases) == ["large", "small"]


def test_renaming_onto_another_name_is_refused() -> None:
    with pytest.raises(SettingsError, match="'b' is there already"):
        _edit("window: {a: 1, b: 2}\n", Rename(("window", "a"), "b"))


def test_a_layout_that_would_change_two_things_at_once_is_refused() -> None:
    shared = "base: &shared {theme: light}\nwindow: *shared\n"

    with pytest.raises(SettingsError, match="edit the file by hand"):
        _edit(shared, Put(("window", "theme"), "dark"))


def test_a_place_in_a_list_that_is_not_there_is_refused() -> None:
    for text in ("x: [a]\n", "x: [a, b]\n", "x: {}\n"):
        with pytest.raises(SettingsError, match="try again"):
            _edit(text, Put(("x", 1, "y"), "z"))


def test_an_edit_that_makes_the_settings_unusable_is_refused() -> None:
    with pytest.raises(SettingsError, match="theme"):
        _edit("window: {theme: dark}\n", Put(("window", "theme"), "pink"))


@given(
    comments=st.lists(_texts, min_size=4, max_size=4),
    extra=st.dictionaries(
        _words.map("x_".__add__),
        st.one_of(_texts, st.integers(), st.lists(_texts), st.booleans()),
        max_size=4,
    ),
    name=_texts.filter(lambda each: each == each.strip() and each.isprintable()),
    model=_texts,
)
def test_whatever_else_the_file_holds_stays_as_it_is(
    comments: list[str], extra: dict[str, object], name: str, model: str
) -> None:
    lines = [f"{key}:   {json.dumps(value)}" for key, value in extra.items()]
    before = "\n".join(
        [
            f"# {comments[0]}",
            *lines,
            "aliases:",
            f"  # {comments[1]}",
            "  zzz:   {candidates: [{provider: p, model: m}]}",
            f"  # {comments[2]}",
            "window:   {theme:   dark}",
            f"# {comments[3]}",
            "",
        ]
    )
    alias = {"match": [model], "candidates": [{"provider": "p", "model": model}]}

    added = _edit(before, Put(("aliases", name), alias))

    kept = [line for line in added.splitlines() if line in before.splitlines()]
    assert kept == before.splitlines()
    assert read_settings(added.encode()).raw["aliases"][name] == alias
    assert _edit(added, Remove(("aliases", name))) == (before if name != "zzz" else added) or name == "zzz"
