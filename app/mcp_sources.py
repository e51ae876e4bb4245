"""Where other programs keep their MCP servers, and what an `.mcpb` bundle holds; starts nothing."""

from __future__ import annotations

import json
import re
import stat
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, cast

from app.mcp_imports import ImportedServer, NotUnderstood, imported, lawful_name, servers_of

MAX_FILE_BYTES = 8 * 2**20
MAX_BUNDLE_BYTES = 256 * 2**20
MAX_BUNDLE_FILES = 20_000
_USER = re.compile(r"\$\{user_config\.([A-Za-z0-9_.-]+)\}")


def found_servers(
    home: Path, platform: str = sys.platform
) -> Iterator[tuple[str, Path, list[ImportedServer]]]:
    """Yields what other programs have: the program, its file and the servers in it.

    Args:
        home: The user's home folder.
        platform: As `sys.platform`.
    """
    for program, file in _places(home, platform):
        data = _json_file(file)
        servers = [*_usable(data)]
        if program == "Claude Code":
            for project in _mapping(data.get("projects")).values():
                servers += _usable(_mapping(project))
        if servers:
            yield program, file, servers


def _places(home: Path, platform: str) -> Iterator[tuple[str, Path]]:
    if platform == "darwin":
        support = home / "Library" / "Application Support"
    elif platform == "win32":
        support = home / "AppData" / "Roaming"
    else:
        support = home / ".config"
    yield "Claude Code", home / ".claude.json"
    yield "Claude Desktop", support / "Claude" / "claude_desktop_config.json"
    yield "Cursor", home / ".cursor" / "mcp.json"
    yield "VS Code", support / "Code" / "User" / "mcp.json"
    yield "Windsurf", home / ".codeium" / "windsurf" / "mcp_config.json"
    yield "LM Studio", home / ".lmstudio" / "mcp.json"
    yield "Gemini CLI", home / ".gemini" / "settings.json"


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _json_file(file: Path) -> Mapping[str, Any]:
    try:
        with file.open("rb") as opened:
            return _mapping(json.loads(opened.read(MAX_FILE_BYTES).decode("utf-8-sig")))
    except (OSError, ValueError, RecursionError):
        return {}


def _usable(data: Mapping[str, Any]) -> Iterator[ImportedServer]:
    """Yields the servers of a section; one that cannot be used is passed over."""
    for name, entry in _mapping(data.get("mcpServers", data.get("servers"))).items():
        try:
            yield from servers_of({name: entry})
        except NotUnderstood:
            continue


def read_bundle(file: Path, folder: Path) -> ImportedServer:
    """Unpacks a bundle and returns the server it describes.

    Args:
        file: The `.mcpb` (or older `.dxt`) file.
        folder: Where bundles are unpacked, each into a folder of its own.

    Raises:
        NotUnderstood: It is no bundle, or one that cannot be used here.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _manifest(archive)
            name = lawful_name(str(manifest.get("name", file.stem)))
            version = re.sub(r"[^A-Za-z0-9.+-]", "-", str(manifest.get("version", "0")))[:40]
            target = folder / f"{name}-{version}"
            _unpack(archive, target)
    except (OSError, zipfile.BadZipFile, RuntimeError) as exc:
        raise NotUnderstood(f"{file.name} cannot be unpacked: {exc}") from exc
    return _server(name, manifest, target)


def _manifest(archive: zipfile.ZipFile) -> Mapping[str, Any]:
    try:
        with archive.open("manifest.json") as opened:
            found = _mapping(json.loads(opened.read(MAX_FILE_BYTES).decode("utf-8-sig")))
    except (KeyError, ValueError, RecursionError) as exc:
        raise NotUnderstood("this is no bundle: it has no manifest.json that can be read") from exc
    if not _mapping(found.get("server")):
        raise NotUnderstood("the bundle's manifest names no server")
    return found


def _unpack(archive: zipfile.ZipFile, target: Path) -> None:
    """Unpacks plain files below one folder and nothing else.

    Raises:
        NotUnderstood: It holds links, names that lead out, or far too much.
    """
    members = archive.infolist()
    if len(members) > MAX_BUNDLE_FILES or sum(each.file_size for each in members) > MAX_BUNDLE_BYTES:
        raise NotUnderstood("the bundle is larger than a bundle may be (256 MiB, 20,000 files)")
    for each in members:
        path = PurePosixPath(each.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in each.filename or ":" in each.filename:
            raise NotUnderstood("the bundle holds a file name that leads out of its folder")
        if stat.S_ISLNK(each.external_attr >> 16):
            raise NotUnderstood("the bundle holds a link")
    left = MAX_BUNDLE_BYTES
    for each in members:
        place = target.joinpath(*PurePosixPath(each.filename).parts)
        if each.is_dir():
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            continue
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with archive.open(each) as source, place.open("wb") as made:
            while piece := source.read(2**20):
                left -= len(piece)
                if left < 0:
                    raise NotUnderstood("the bundle unpacks to more than 256 MiB")
                made.write(piece)
        if (each.external_attr >> 16) & 0o100:
            place.chmod(0o700)


def _server(name: str, manifest: Mapping[str, Any], folder: Path) -> ImportedServer:
    given = dict(_mapping(_mapping(manifest["server"]).get("mcp_config")))
    if not given:
        raise NotUnderstood("the bundle's manifest does not say how its server starts")
    overrides = _mapping(given.pop("platform_overrides", None))
    given.update(_mapping(overrides.get(sys.platform)))
    fields = _mapping(manifest.get("user_config"))
    notes: list[str] = []

    def filled(text: str) -> str:
        text = text.replace("${__dirname}", str(folder)).replace("${HOME}", str(Path.home()))
        return _USER.sub(lambda match: _answer(name, match[1], _mapping(fields.get(match[1])), notes), text)

    entry = {key: _each(value, filled) for key, value in given.items()}
    made = imported(name, entry)
    return ImportedServer(made.name, made.entry, (*made.notes, *dict.fromkeys(notes)), made.secrets)


def _each(value: Any, filled: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return filled(value)
    if isinstance(value, list):
        return [_each(each, filled) for each in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        return {key: _each(each, filled) for key, each in cast("Mapping[str, Any]", value).items()}
    return value


def _answer(server: str, key: str, field: Mapping[str, Any], notes: list[str]) -> str:
    """A secret comes from the keyring, a value with a default is that, any other must be set by hand."""
    title = str(field.get("title", key))
    if field.get("sensitive") is True:
        notes.append(f"{title} must be stored before it starts: signalbox keys set {server}-{key}")
        return f"${{keyring:{server}-{key}}}"
    if isinstance(field.get("default"), (str, int, float, bool)):
        return str(field["default"])
    variable = re.sub(r"[^A-Z0-9_]", "_", f"{server}_{key}".upper())
    notes.append(f"{title} must be set before it starts: edit the entry, or set the variable {variable}")
    return f"${{{variable}}}"
