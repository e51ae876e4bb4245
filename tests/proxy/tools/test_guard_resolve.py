"""The guard's walk leads where the system's own resolver says a path leads."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.tools.guard import WorkspaceGuard
from tests.proxy.tools.path_tree import Tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the tree has links, pipes and sockets")

_PIECES = st.sampled_from(
    [
        "..",
        ".",
        "src",
        "docs",
        "app.py",
        "README.md",
        "missing",
        "link_inside",
        "dir_link_inside",
        "link_out_file",
        "dir_link_out",
        "chain1",
        "secrets_link",
        "root_link",
        "etc",
        "link_to_shared",
        "parent_link",
        "file.txt",
        "dir",
        "link_dangling_out",
        ".env",
        "hardlink_out",
        "tmp",
        "area",
        "project",
        "outside",
    ]
)
_STARTS = st.sampled_from(["", "{ROOT}/", "{ROOT_LINK}/", "{SHARED}/", "{BASE}/area/", "/", "./", "../"])


@pytest.fixture(scope="module")
def big_guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tree, WorkspaceGuard]]:
    tree = Tree.build(tmp_path_factory.mktemp("tree"))
    guard = WorkspaceGuard.open(tree.workspace())
    yield tree, guard
    guard.close()


@given(start=_STARTS, pieces=st.lists(_PIECES, min_size=1, max_size=7))
def test_paths_lead_where_the_system_says_they_lead(
    big_guard: tuple[Tree, WorkspaceGuard], start: str, pieces: list[str]
) -> None:
    tree, guard = big_guard
    path = tree.written(start) + "/".join(pieces)
    facts = guard.facts(path)
    assert facts.real == os.path.realpath(path if path.startswith("/") else f"{tree.root}/{path}")
    real = Path(facts.real)
    expected = "folder" if real.is_dir() else "file" if real.is_file() else "missing"
    assert facts.kind == expected
