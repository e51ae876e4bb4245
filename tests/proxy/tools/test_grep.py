"""Grep searches what may be read and shows it as its users know it; both engines find the same."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from proxy.tools.base import ToolScope
from proxy.tools.children import Children
from proxy.tools.errors import ToolError
from proxy.tools.file_search import Deadline
from proxy.tools.grep import Grep
from proxy.tools.grep_library import LibrarySearch
from proxy.tools.grep_ripgrep import RipgrepSearch
from proxy.tools.grep_values import FileHits, GrepEngine, Query
from tests.proxy.tools.searching import denying, fill, scope_in, text_of, ticking

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="walks by descriptors")

_RIPGREP = shutil.which("rg")
_ENGINES = ["library", pytest.param("ripgrep", marks=pytest.mark.skipif(not _RIPGREP, reason="no ripgrep"))]

_FILES = {
    "src/app.py": "import os\n\ndef run():\n    return os\n\n\nrun()\n",
    "src/view.ts": "export function run() {\n  return 1;\n}\n",
    "README.md": "# Run it\nrun\n",
    "docs/long.txt": "x" * 600 + " run\n",
    "bin/data": b"run\0run\n",
    "wide.txt": "Grüße, run\n".encode("utf-16"),
    "crlf.txt": "one\r\nrun\r\n",
    "build/out.py": "run\n",
    ".gitignore": "/build/\n*.log\n!kept.log\n# comment\n",
    "a.log": "run\n",
    "kept.log": "run\n",
    ".github/ci.yml": "run: x\n",
    ".git/config": "run\n",
    "secrets/key.py": "run SECRET\n",
    "empty.txt": "",
}


@asynccontextmanager
async def _engine(name: str) -> AsyncGenerator[GrepEngine]:
    if name == "library":
        yield LibrarySearch()
        return
    assert _RIPGREP
    children = Children({"PATH": os.environ.get("PATH", "")})
    try:
        yield RipgrepSearch(children, _RIPGREP)
    finally:
        await children.aclose()


@pytest.fixture(params=_ENGINES)
async def grep(request: pytest.FixtureRequest) -> AsyncIterator[Grep]:
    async with _engine(request.param) as engine:
        yield Grep(engine)


@pytest.fixture
def scope(tmp_path: Path) -> Iterator[ToolScope]:
    fill(tmp_path / "w", _FILES)
    fill(tmp_path / "outside", {"evil.py": "run OUTSIDE\n"})
    (tmp_path / "w/link.py").symlink_to("../outside/evil.py")
    (tmp_path / "w/out").symlink_to("../outside")
    with scope_in(tmp_path / "w", denying("secrets")) as scope:
        yield scope


async def test_files_that_match_are_named_the_newest_first(grep: Grep, scope: ToolScope) -> None:
    text = await text_of(grep, scope, pattern="run")
    assert text.splitlines() == [
        "Found 8 files",
        ".github/ci.yml",
        "kept.log",
        "crlf.txt",
        "wide.txt",
        "docs/long.txt",
        "README.md",
        "src/view.ts",
        "src/app.py",
    ]


async def test_lines_are_shown_with_their_numbers(grep: Grep, scope: ToolScope) -> None:
    text = await text_of(grep, scope, pattern=r"\brun\b", path="src", output_mode="content")
    assert text == "src/app.py:3:def run():\nsrc/app.py:7:run()\nsrc/view.ts:1:export function run() {"
    text = await text_of(grep, scope, pattern="return", output_mode="content", _n=False, glob="*.ts")
    assert text == "src/view.ts:  return 1;"


async def test_the_lines_around_a_match_are_shown_in_groups(grep: Grep, scope: ToolScope) -> None:
    text = await text_of(grep, scope, pattern="run", path="src/app.py", output_mode="content", _C=1)
    assert text == "2-\n3:def run():\n4-    return os\n--\n6-\n7:run()"
    text = await text_of(grep, scope, pattern="return", path="src", output_mode="content", _B=1)
    assert text == (
        "src/app.py-3-def run():\nsrc/app.py:4:    return os\n--\n"
        "src/view.ts-1-export function run() {\nsrc/view.ts:2:  return 1;"
    )
    text = await text_of(grep, scope, pattern="import", path="src", output_mode="content", _A=1)
    assert text == "src/app.py:1:import os\nsrc/app.py-2-"
    text = await text_of(grep, scope, pattern="import", path="src", output_mode="content", context=1)
    assert text == "src/app.py:1:import os\nsrc/app.py-2-"


async def test_lines_are_counted(grep: Grep, scope: ToolScope) -> None:
    text = await text_of(grep, scope, pattern="run", path="src", output_mode="count")
    assert text == "src/app.py:2\nsrc/view.ts:1\n\nFound 3 total occurrences across 2 files."
    text = await text_of(grep, scope, pattern="import", path="src/app.py", output_mode="count")
    assert text == "1\n\nFound 1 total occurrence across 1 file."


async def test_matches_may_span_lines_where_that_is_wanted(grep: Grep, scope: ToolScope) -> None:
    arguments: dict[str, Any] = {"pattern": r"run\(\).*?return", "path": "src", "output_mode": "content"}
    assert await text_of(grep, scope, **arguments) == "No matches found"
    assert await text_of(grep, scope, **arguments, multiline=True) == (
        "src/app.py:3:def run():\nsrc/app.py:4:    return os\n"
        "src/view.ts:1:export function run() {\nsrc/view.ts:2:  return 1;"
    )


async def test_letter_case_may_be_ignored(grep: Grep, scope: ToolScope) -> None:
    text = await text_of(grep, scope, pattern="RUN", path="README.md", output_mode="content", _i=True)
    assert text == "1:# Run it\n2:run"
    assert await text_of(grep, scope, pattern="RUN", path="README.md") == "No files found"


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ({"glob": "*.ts"}, ["src/view.ts"]),
        ({"glob": "*.{ts,md}"}, ["README.md", "src/view.ts"]),
        ({"glob": "*.ts,*.md"}, ["README.md", "src/view.ts"]),
        ({"glob": "*.ts *.md"}, ["README.md", "src/view.ts"]),
        ({"glob": "!*.{txt,log,yml,md}"}, ["src/view.ts", "src/app.py"]),
        ({"glob": "src/**"}, ["src/view.ts", "src/app.py"]),
        ({"type": "py"}, ["src/app.py"]),
        ({"type": "ts"}, ["src/view.ts"]),
        ({"path": "build"}, ["build/out.py"]),
        ({"path": ".git"}, [".git/config"]),
    ],
)
async def test_the_search_is_narrowed(
    grep: Grep, scope: ToolScope, arguments: dict[str, str], files: list[str]
) -> None:
    text = await text_of(grep, scope, pattern="run", **arguments)
    assert text.splitlines()[1:] == files


async def test_results_are_shown_in_parts(grep: Grep, scope: ToolScope) -> None:
    text = await text_of(grep, scope, pattern="run", head_limit=2)
    assert text == "Found 2 files limit: 2\n.github/ci.yml\nkept.log"
    text = await text_of(grep, scope, pattern="run", head_limit=2, offset=7)
    assert text == "Found 1 file offset: 7\nsrc/app.py"
    text = await text_of(grep, scope, pattern="run", head_limit=1, path="src", output_mode="content")
    assert text == "src/app.py:3:def run():\n\n[Showing results with pagination = limit: 1]"
    text = await text_of(grep, scope, pattern="run", head_limit=1, offset=1, path="src", output_mode="count")
    assert text == "src/view.ts:1\n\nFound 3 total occurrences across 2 files. with pagination = offset: 1"
    assert "limit" not in await text_of(grep, scope, pattern="run", head_limit=0)


async def test_long_lines_are_left_out(grep: Grep, scope: ToolScope) -> None:
    text = await text_of(grep, scope, pattern="run", path="docs/long.txt", output_mode="content")
    assert text == "1:[Omitted long matching line]"


async def test_nothing_denied_and_nothing_outside_is_shown(grep: Grep, scope: ToolScope) -> None:
    for mode in ("content", "files_with_matches", "count"):
        text = await text_of(grep, scope, pattern=".", output_mode=mode)
        assert "SECRET" not in text
        assert "OUTSIDE" not in text
        assert "secrets" not in text
    with pytest.raises(ToolError, match="denied"):
        await text_of(grep, scope, pattern=".", path="secrets/key.py")


async def test_files_with_further_names_are_searched_only_by_name(
    grep: Grep, scope: ToolScope, tmp_path: Path
) -> None:
    (tmp_path / "w/second.txt").hardlink_to(tmp_path / "outside/evil.py")
    text = await text_of(grep, scope, pattern="OUTSIDE", output_mode="content")
    assert text.startswith("No matches found\n\n(1 file was not searched because of further names")
    text = await text_of(grep, scope, pattern="OUTSIDE", output_mode="content", path="second.txt")
    assert text == "1:run OUTSIDE"


@pytest.mark.parametrize("pattern", ["(", "[a", "a{2,1}", r"(?=x)", r"(a)\1", r"\p{Nonsense}"])
async def test_what_is_no_pattern_is_an_error(grep: Grep, scope: ToolScope, pattern: str) -> None:
    with pytest.raises(ToolError, match="regex parse error"):
        await text_of(grep, scope, pattern=pattern)


async def test_a_lines_end_within_a_line_is_explained(grep: Grep, scope: ToolScope) -> None:
    with pytest.raises(ToolError, match="multiline"):
        await text_of(grep, scope, pattern=r"a\nb")


async def test_arguments_that_mean_nothing_are_explained(grep: Grep, scope: ToolScope) -> None:
    with pytest.raises(ToolError, match="Did you mean py"):
        await text_of(grep, scope, pattern="x", type="pyy")
    with pytest.raises(ToolError, match="unrecognized file type: @@"):
        await text_of(grep, scope, pattern="x", type="@@")
    with pytest.raises(ToolError, match="too wide"):
        await text_of(grep, scope, pattern="x", glob="{a,b}" * 12)
    with pytest.raises(ToolError, match="does not exist"):
        await text_of(grep, scope, pattern="x", path="missing")
    with pytest.raises(ToolError, match="no workspace"):
        await grep.run({"pattern": "x"}, ToolScope("c", "r", scope.conversation))


@pytest.mark.parametrize("name", _ENGINES)
async def test_more_files_than_an_engine_takes_at_once_are_searched_to_the_last(
    name: str, tmp_path: Path
) -> None:
    async with _engine(name) as engine:
        count = 2 * engine.max_files + 1
        fill(tmp_path, {f"{number}.txt": "run\n" for number in range(count)})
        with scope_in(tmp_path) as scope:
            text = await text_of(Grep(engine), scope, pattern="run", output_mode="count", head_limit=0)
            assert text.endswith(f"Found {count} total occurrences across {count} files.")
            text = await text_of(Grep(engine), scope, pattern="run", head_limit=3)
            assert len(text.splitlines()) == 1 + 3


@pytest.mark.parametrize("name", _ENGINES)
async def test_a_search_that_takes_too_long_says_so(name: str, scope: ToolScope) -> None:
    async with _engine(name) as engine:
        slow = Grep(engine, Deadline(ticking(8)))
        assert "took too long" in await text_of(slow, scope, pattern="run")


async def test_a_program_that_is_gone_is_an_error(scope: ToolScope) -> None:
    children = Children({"PATH": ""})
    with pytest.raises(ToolError, match="was not found"):
        await text_of(Grep(RipgrepSearch(children, "/not/there/rg")), scope, pattern="run")
    await children.aclose()


async def test_a_pattern_that_goes_back_and_forth_is_stopped(tmp_path: Path) -> None:
    fill(tmp_path, {"a.txt": "x" * 5_000 + "\n"})
    impatient = Grep(LibrarySearch(timeout_s=0.1))
    with scope_in(tmp_path) as scope, pytest.raises(ToolError, match="takes too long"):
        await text_of(impatient, scope, pattern="(x+x+)+y")


# Both engines find the same -------------------------------------------------------------------

_ATOMS = [
    "a",
    "b",
    ".",
    "ü",
    r"\w",
    r"\d",
    r"\s",
    r"\b",
    "[ab]",
    "[^a]",
    r"\.",
    r"\pL",
    "[[:alpha:]]",
    r"\x{62}",
]
_PATTERNS = st.lists(
    st.tuples(st.sampled_from(_ATOMS), st.sampled_from(["", "", "*", "+?", "?", "{1,2}"])),
    min_size=1,
    max_size=4,
).map(lambda pairs: "".join(atom + ("" if atom == r"\b" else count) for atom, count in pairs))
_ANCHORED = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "^"]),
    _PATTERNS,
    st.sampled_from(["", "$"]),
)
_CONTENTS = st.lists(st.text("abü .1\r", max_size=8), max_size=6).map("\n".join)


@pytest.mark.skipif(not _RIPGREP, reason="no ripgrep")
@given(
    pattern=st.one_of(_ANCHORED, st.builds("({}|{})".format, _PATTERNS, _PATTERNS)),
    contents=st.lists(_CONTENTS, min_size=1, max_size=3),
    query=st.builds(
        Query,
        st.just(""),
        ignores_case=st.booleans(),
        before=st.integers(0, 2),
        after=st.integers(0, 2),
    ),
    spans_lines=st.booleans(),
)
@settings(max_examples=60, deadline=None)
@pytest.mark.may_block
async def test_both_engines_find_the_same(
    pattern: str, contents: list[str], query: Query, spans_lines: bool
) -> None:
    # Where matches span lines, ripgrep takes the place behind a match for the beginning of the file.
    assume(not (spans_lines and (pattern.startswith("^") or r"\b" in pattern)))
    asked = Query(pattern, query.ignores_case, spans_lines, query.before, query.after)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, {f"{number}.txt": text for number, text in enumerate(contents)})
        assert await _hits("library", folder, asked) == await _hits("ripgrep", folder, asked)


async def _hits(name: str, folder: Path, query: Query) -> Sequence[FileHits]:
    with scope_in(folder) as scope:
        assert scope.guard is not None
        files = [entry for entry in scope.guard.walk() if entry.kind == "file"]
        async with _engine(name) as engine:
            found = await engine.search(files, query, scope.guard, lambda: False)
    return found.hits
