"""A real folder for what looks into folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proxy.permissions.places import fill


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "root"
    root.mkdir()
    fill(root, ["a.py", "b.py", "c.txt", ".hidden", "d/e.py", "d/f/g.py", "-x", "[y]", "d/.env", "*", "q?"])
    (root / "link").symlink_to("d")
    return root
