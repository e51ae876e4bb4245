"""Glob finds files by name, the newest first, and never what is denied or outside."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.tools.base import ToolScope
from proxy.tools.errors import ToolError
from proxy.tools.file_search import Deadline
from proxy.tools.glob import Glob
from tests.proxy.tools.searching import denying, fill, scope_in, text_of, ticking

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="walks by descriptors")

_FILES = {
    "old.py": "",
    "src/app.py": "",
    "src/deep/er/view.ts": "",
    "src/[id]/page.tsx": "",
    ".github/ci.yml": "",
    ".git/config": "",
    "secrets/key.py": "",
    "docs/new.md": "",
}


@pytest.fixture
def scope(tmp_path: Path) -> Iterator[ToolScope]:
    fill(tmp_path / "w", _FILES)
    fill(tmp_path / "outside", {"evil.py": ""})
    (tmp_path / "w/link.py").symlink_to("old.py")
    (tmp_path / "w/out").symlink_to("../outside")
    with scope_in(tmp_path / "w", denying("secrets")) as scope:
        yield scope


async def _found(scope: ToolScope, pattern: str, path: str | None = None) -> list[str]:
    arguments = {"pattern": pattern} if path is None else {"pattern": pattern, "path": path}
    text = await text_of(Glob(), scope, **arguments)
    assert scope.workspace is not None
    return [line.removeprefix(f"{scope.workspace.root}/") for line in text.splitlines()]


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("*.py", ["src/app.py", "old.py"]),
        ("./*.py", ["old.py"]),
        ("src/**/*.{py,ts,tsx}", ["src/[id]/page.tsx", "src/deep/er/view.ts", "src/app.py"]),
        ("**/*.md", ["docs/new.md"]),
        ("src/*", ["src/app.py"]),
        ("./src/*", ["src/app.py"]),
        ("src/\\[id\\]/*", ["src/[id]/page.tsx"]),
        ("old.py", ["old.py"]),
        (".github/**", [".github/ci.yml"]),
        ("**/.git/**", ["No files found"]),
        ("secrets/*", ["No files found"]),
        ("**/key.py", ["No files found"]),
        ("link.py", ["No files found"]),
        ("**/evil.py", ["No files found"]),
        ("!*.py", ["No files found"]),
        ("missing/*.py", ["No files found"]),
    ],
)
async def test_files_are_found_by_name_the_newest_first(
    scope: ToolScope, pattern: str, files: list[str]
) -> None:
    assert await _found(scope, pattern) == files


async def test_a_path_is_where_the_search_begins(scope: ToolScope) -> None:
    assert await _found(scope, "*.py", "src") == ["src/app.py"]
    assert await _found(scope, "../docs/*.md", "src") == ["docs/new.md"]
    assert await _found(scope, "../docs/new.md", "src") == ["docs/new.md"]


async def test_absolute_patterns_begin_at_their_folder(scope: ToolScope) -> None:
    assert scope.workspace is not None
    root = scope.workspace.root
    assert await _found(scope, f"{root}/src/**/*.ts") == ["src/deep/er/view.ts"]
    assert await _found(scope, f"{root}/docs/new.md") == ["docs/new.md"]
    assert await _found(scope, f"{root}/missing/*") == ["No files found"]


async def test_a_missing_folder_is_an_error(scope: ToolScope) -> None:
    with pytest.raises(ToolError, match="does not exist"):
        await _found(scope, "*", "nowhere")


async def test_a_denied_folder_is_an_error(scope: ToolScope) -> None:
    with pytest.raises(ToolError, match="denied"):
        await _found(scope, "*", "secrets")


@pytest.mark.parametrize("pattern", ["{a,b}" * 12, "src/*/../../../x"])
async def test_patterns_that_reach_too_far_are_refused(scope: ToolScope, pattern: str) -> None:
    with pytest.raises(ToolError):
        await _found(scope, pattern)


async def test_only_the_newest_hundred_are_shown(tmp_path: Path) -> None:
    fill(tmp_path, {f"f{number:03}.txt": "" for number in range(150)})
    with scope_in(tmp_path) as scope:
        lines = (await text_of(Glob(), scope, pattern="*.txt")).splitlines()
    assert len(lines) == 101
    assert lines[0].endswith("f149.txt")
    assert lines[-1].startswith("(Results are truncated.")


async def test_a_search_ends_after_so_many_files(tmp_path: Path) -> None:
    fill(tmp_path, {f"f{number:02}.txt": "" for number in range(30)})
    with scope_in(tmp_path) as scope:
        lines = (await text_of(Glob(max_results=10), scope, pattern="*.txt")).splitlines()
    assert len(lines) == 11
    assert lines[-1].startswith("(Results are truncated.")


async def test_a_search_that_takes_too_long_shows_what_it_has(tmp_path: Path) -> None:
    fill(tmp_path, {f"f{number}.txt": "" for number in range(20)})
    with scope_in(tmp_path) as scope:
        text = await text_of(Glob(Deadline(ticking(5))), scope, pattern="*.txt")
    lines = text.splitlines()
    assert 1 < len(lines) < 20
    assert "took too long" in lines[-1]


async def test_without_a_workspace_nothing_is_searched(scope: ToolScope) -> None:
    with pytest.raises(ToolError, match="no workspace"):
        await Glob().run({"pattern": "*"}, ToolScope("c", "r", scope.conversation))
