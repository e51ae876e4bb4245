"""Servers of other programs on this machine, and bundles, as the desk shows them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.app.controller_bench import Make
from tests.app.mcp_bench import McpDesk, mcp_desk


@pytest.fixture
async def desk(make: Make, tmp_path: Path) -> McpDesk:
    return await mcp_desk(make, tmp_path)


async def test_servers_of_other_programs_are_found(desk: McpDesk, home: Path) -> None:
    claude = {
        "mcpServers": {"a": {"command": "x"}},
        "projects": {"/p": {"mcpServers": {"b": {"command": "y"}}}},
    }
    _write(home / ".claude.json", json.dumps(claude))
    _write(
        home / ".cursor" / "mcp.json",
        '{"mcpServers": {"c": {"url": "https://c.example"}, "bad": {"url": 1}}}',
    )
    _write(home / ".config" / "Code" / "User" / "mcp.json", "not json")

    rows = desk.controls.find_mcp_imports()

    assert [(each.source, each.name) for each in rows] == [
        ("Claude Code", "a"),
        ("Claude Code", "b"),
        ("Cursor", "c"),
    ]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


async def test_a_bundle_is_unpacked_into_its_own_folder_and_asks_for_what_it_needs(
    desk: McpDesk, tmp_path: Path
) -> None:
    manifest = {
        "name": "box",
        "version": "1.0",
        "server": {
            "mcp_config": {
                "command": "node",
                "args": ["${__dirname}/server.js", "${user_config.folder}"],
                "env": {"KEY": "${user_config.key}", "LIMIT": "${user_config.limit}"},
            }
        },
        "user_config": {
            "folder": {"title": "Folder", "type": "directory"},
            "key": {"title": "Key", "type": "string", "sensitive": True},
            "limit": {"type": "number", "default": 5},
        },
    }
    bundle = _bundle(tmp_path, {"manifest.json": json.dumps(manifest), "server.js": "//"})
    rows = desk.controls.read_mcp_bundle(str(bundle))

    assert not isinstance(rows, str)
    entry = yaml.safe_load(rows[0].yaml)["box"]
    folder = tmp_path / "bundles" / "box-1.0"
    assert entry["args"] == [f"{folder}/server.js", "${BOX_FOLDER}"]
    assert entry["environment"] == {"KEY": "${keyring:box-key}", "LIMIT": "5"}
    assert any("keys set box-key" in note for note in rows[0].notes)
    assert (folder / "server.js").read_text() == "//"


@pytest.mark.parametrize("name", ["../out", "/abs", "a/../../b", "C:x", "a\\b"])
async def test_a_bundle_that_reaches_out_of_its_folder_is_refused(
    desk: McpDesk, tmp_path: Path, name: str
) -> None:
    manifest = json.dumps({"name": "box", "server": {"mcp_config": {"command": "x"}}})
    bundle = _bundle(tmp_path, {"manifest.json": manifest, name: "x"})
    assert "leads out" in str(desk.controls.read_mcp_bundle(str(bundle)))
    assert not (tmp_path / "bundles").exists()


async def test_what_is_no_bundle_says_so(desk: McpDesk, tmp_path: Path) -> None:
    assert "cannot be unpacked" in str(desk.controls.read_mcp_bundle(str(tmp_path / "none.mcpb")))
    assert "no manifest" in str(desk.controls.read_mcp_bundle(str(_bundle(tmp_path, {"x": ""}))))


def _bundle(folder: Path, files: Mapping[str, str]) -> Path:
    path = folder / "box.mcpb"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path
