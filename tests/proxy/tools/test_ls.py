"""LS shows a folder as a tree, without what is hidden, denied or left out."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from proxy.tools.base import ToolScope
from proxy.tools.errors import ToolError
from proxy.tools.file_search import Deadline
from proxy.tools.ls import LS
from tests.proxy.tools.searching import denying, fill, scope_in, text_of, ticking

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="walks by descriptors")


async def test_a_folder_is_shown_as_a_tree(tmp_path: Path) -> None:
    fill(
        tmp_path,
        {
            "b.txt": "",
            "a/x.py": "",
            "a/c/y.py": "",
            "a/__pycache__/x.pyc": "",
            ".hidden/z": "",
            "secrets/key": "",
        },
    )
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "dangling").symlink_to("nowhere")
    with scope_in(tmp_path, denying("secrets")) as scope:
        text = await text_of(LS(), scope, path=str(tmp_path))
    assert text == "\n".join(
        [
            f"- {tmp_path}/",
            "  - a/",
            "    - c/",
            "      - y.py",
            "    - x.py",
            "  - b.txt",
            "  - link/",
        ]
    )


async def test_patterns_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path, {"a.py": "", "b.txt": "", "node_modules/x/y.js": "", "src/c.txt": ""})
    with scope_in(tmp_path) as scope:
        text = await text_of(LS(), scope, path=str(tmp_path), ignore=["*.txt", "node_modules"])
        assert text.splitlines()[1:] == ["  - a.py", "  - src/"]
        with pytest.raises(ToolError, match="too wide"):
            await text_of(LS(), scope, path=str(tmp_path), ignore=["{a,b}" * 12])


async def test_a_hidden_folder_is_shown_where_the_path_leads_into_it(tmp_path: Path) -> None:
    fill(tmp_path, {".github/ci.yml": ""})
    with scope_in(tmp_path) as scope:
        text = await text_of(LS(), scope, path=f"{tmp_path}/.github/")
    assert text == f"- {tmp_path}/.github/\n  - ci.yml"


async def test_a_large_folder_is_cut_and_says_so(tmp_path: Path) -> None:
    fill(tmp_path, {f"d{number % 3}/f{number}": "" for number in range(1_200)})
    with scope_in(tmp_path) as scope:
        text = await text_of(LS(), scope, path=str(tmp_path))
    assert text.startswith("Not everything is shown: at most 1000 files and folders are.")
    assert sum(line.lstrip().startswith("- ") for line in text.splitlines()) == 1_001
    assert "  - d2/" in text


async def test_long_names_are_cut_at_a_line(tmp_path: Path) -> None:
    fill(tmp_path, {f"{number:03}{'n' * 200}": "" for number in range(300)})
    with scope_in(tmp_path) as scope:
        text = await text_of(LS(), scope, path=str(tmp_path))
    assert text.startswith("Not everything is shown")
    assert len(text) < 40_300
    assert text.endswith("n" * 200)


async def test_a_deep_tree_ends(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 80)
    deep.mkdir(parents=True)
    with scope_in(tmp_path) as scope:
        text = await text_of(LS(), scope, path=str(tmp_path))
    assert 50 < len(text.splitlines()) < 60


async def test_a_listing_that_takes_too_long_shows_what_it_has(tmp_path: Path) -> None:
    fill(tmp_path, {f"d{number}/f": "" for number in range(20)})
    with scope_in(tmp_path) as scope:
        text = await text_of(LS(Deadline(ticking(5))), scope, path=str(tmp_path))
    assert text.startswith("Not everything is shown")
    assert "  - d19/" in text


async def test_what_is_no_folder_is_an_error(tmp_path: Path) -> None:
    fill(tmp_path, {"a": "", "secrets/x": ""})
    with scope_in(tmp_path, denying("secrets")) as scope:
        for path, why in (("a", "not a folder"), ("b", "does not exist"), ("secrets", "denied")):
            with pytest.raises(ToolError, match=why):
                await text_of(LS(), scope, path=f"{tmp_path}/{path}")
        with pytest.raises(ToolError, match="no workspace"):
            await LS().run({"path": "/"}, ToolScope("c", "r", scope.conversation))
