"""Paths of other platforms are looked up here: names as over there, files as here, the unknown denied."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.permissions.values import Place, Workspace
from proxy.tools.guard import WorkspaceGuard
from proxy.tools.guard_foreign import place_elsewhere

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows needs no stand-in for itself")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    for name in ("Secrets Here/key.txt", "src/App.py", ".git/config"):
        (tmp_path / "w" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "w" / name).write_text("x")
    (tmp_path / "outside").write_text("x")
    (tmp_path / "w/out").symlink_to("../outside")
    workspace = Workspace("w", os.path.realpath(tmp_path / "w"))
    guard = WorkspaceGuard.open(workspace)
    yield Place(workspace, workspace.root, "/home/u", guard.facts)
    guard.close()


@pytest.mark.parametrize(
    ("path", "real", "kind"),
    [
        ("/c/work/project", "/c/work/project", "folder"),
        ("/c/work/project/src/app.py", "/c/work/project/src/App.py", "file"),
        ("/c/WORK/PROJEC~1/src/APP.PY", "/c/work/project/src/App.py", "file"),
        ("/c/work/project/SECRET~1/key.txt", "/c/work/project/Secrets Here/key.txt", "file"),
        ("/c/work/project/GIT~1/config", "/c/work/project/.git/config", "file"),
        ("/c/work/project/src/new.py", "/c/work/project/src/new.py", "missing"),
        ("/c/work/project/.vscode/x", "/c/work/project/.vscode/x", "missing"),
        ("/c/work/project/maybe/x", "/c/work/project/maybe/x", "other"),
        ("/c/work/project/UNKNOW~1", "/c/work/project/UNKNOW~1", "other"),
        ("/c/work/project/src/App.py/x", "/c/work/project/src/App.py/x", "other"),
        ("/c/work/project/../outside", "/c/work/outside", "missing"),
        ("/d/x", "/d/x", "missing"),
    ],
)
def test_a_windows_path_is_looked_up_below_what_stands_for_the_root(
    place: Place, path: str, real: str, kind: str
) -> None:
    facts = place_elsewhere(place, "windows", "C:\\work\\project").look(path)
    assert (facts.real, facts.kind) == (real, kind)


def test_what_leads_out_here_leads_out_there(place: Place) -> None:
    facts = place_elsewhere(place, "windows").look("/c/work/project/out")
    assert facts.real.startswith("/c/outside/")


def test_the_root_is_known_by_the_end_of_its_path_here_too(place: Place, tmp_path: Path) -> None:
    there = place_elsewhere(place, "windows", "C:\\work\\project")
    assert there.look(f"/c/{tmp_path.name}/w/src/app.py").real == "/c/work/project/src/App.py"


def test_other_platforms_keep_the_place(place: Place) -> None:
    macos = place_elsewhere(place, "macos")
    assert (macos.platform, macos.folds_case, macos.cwd) == ("macos", True, place.cwd)
    nowhere = Place(None, "/", "/", place.look)
    assert place_elsewhere(nowhere, "windows", "C:\\x").cwd == "C:\\x"
    assert place_elsewhere(place, "linux", "/else").cwd == "/else"
