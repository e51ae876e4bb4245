"""MCP servers as other programs write them down, turned into entries of our file. Pure: text in, entries out.

Understood are a bare entry, `{name: entry}`, a list, the sections `mcpServers`, `servers` and `mcp_servers`,
a `claude mcp add …` command line, and VS Code's and Cursor's install links. Nothing here starts anything.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal, cast
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from app.mcp_settings import McpServerSettings, server_name_problem
from app.settings_edit import Edit, Put, Remove

MAX_TEXT_CHARS = 1_000_000
_SECTIONS = ("mcpServers", "servers", "mcp_servers", "context_servers", "mcp")
_SECRET_NAME = re.compile(r"(?i)key|token|secret|passw|credential|authorization|cookie")
_INPUT = re.compile(r"\$\{input:([^}]+)\}")
_ENV = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_PYTHON = re.compile(r"3\.\d+(\.\d+)?")
_REMOTE = frozenset({"http", "sse", "streamable-http", "streamableHttp", "streamable_http", "remote"})


class NotUnderstood(ValueError):
    """The text holds no servers in any shape that is known; the text says what to do."""


@dataclass(frozen=True, slots=True)
class ImportedServer:
    """One server, as it would stand in our file."""

    name: str
    entry: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    """What a person should know or do."""
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Values that stood there in plain text, by the keyring entry they belong into."""

    @property
    def summary(self) -> str:
        """What it runs or where it is, for people, without values."""
        if "url" in self.entry:
            address = urlsplit(str(self.entry["url"]))
            return f"{address.scheme}://{address.hostname}{address.path}"
        runner = {"python": "uvx", "node": "npx"}.get(str(self.entry.get("type")), "")
        words = [runner, str(self.entry.get("command", "")), *map(str, self.entry.get("args", ()))]
        return shlex.join(word for word in words if word)

    def yaml(self) -> str:
        """Returns the entry as it would stand in the file."""
        return yaml.safe_dump({self.name: dict(self.entry)}, sort_keys=False, allow_unicode=True)


def read_draft(text: str) -> Mapping[str, Any]:
    """Returns the entries of a text that is written as our file is, with or without `servers:` above them.

    Raises:
        NotUnderstood: It holds no entry.
    """
    try:
        given: Any = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        raise NotUnderstood(f"this is no YAML: {exc}") from exc
    if isinstance(given, Mapping):
        given = cast("Mapping[str, Any]", given).get("servers", given)
    if not isinstance(given, Mapping) or not given:
        raise NotUnderstood("write the server as `name: {type: …, command: …}`")
    return cast("Mapping[str, Any]", given)


def read_pasted(text: str) -> list[ImportedServer]:
    """Returns the servers that pasted text holds.

    Raises:
        NotUnderstood: It holds none, or one that cannot be used.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise NotUnderstood("this is far longer than a list of servers")
    stripped = text.strip()
    if re.match(r"claude\s+mcp\s+add", stripped):
        return [_from_command_line(stripped)]
    if re.match(r"(vscode|vscode-insiders|cursor)[\w-]*:", stripped):
        return [_from_link(stripped)]
    try:
        found: Any = yaml.safe_load(stripped)  # JSON is YAML
    except (yaml.YAMLError, RecursionError) as exc:
        raise NotUnderstood(f"this is neither JSON nor YAML: {_first_line(exc)}") from exc
    return list(servers_of(found))


def servers_of(data: object) -> Iterator[ImportedServer]:
    """Yields the servers of data in any of the known shapes.

    Raises:
        NotUnderstood: It holds none, or one that cannot be used.
    """
    entries = _entries(data)
    if not entries:
        raise NotUnderstood(
            "this holds no MCP server. Paste an entry with `command` or `url`, a section such as mcpServers, "
            "or a `claude mcp add` command"
        )
    for name, entry in entries:
        yield imported(name, entry)


def _entries(data: object) -> list[tuple[str, Mapping[str, Any]]]:
    if isinstance(data, list):
        return [pair for each in cast("list[object]", data) for pair in _entries(each)]
    found = _mapping(data)
    for section in _SECTIONS:
        if isinstance(found.get(section), (Mapping, list)):
            return _entries(found[section])
    if _is_entry(found):
        return [(str(found.get("name") or _name_of(found)), found)]
    return [(str(name), _mapping(each)) for name, each in found.items() if _is_entry(_mapping(each))]


def _mapping(data: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", data) if isinstance(data, Mapping) else {}


def _is_entry(data: Mapping[str, Any]) -> bool:
    address = data.get("url") or data.get("serverUrl") or data.get("httpUrl")
    return isinstance(data.get("command"), (str, list)) or isinstance(address, str)


def _name_of(entry: Mapping[str, Any]) -> str:
    """A bare entry has no name: its package or host gives one."""
    if "command" not in entry:
        return urlsplit(str(entry.get("url", ""))).hostname or "server"
    plain = [word for word in _words(entry) if not word.startswith("-") and word not in {"npx", "uvx"}]
    return plain[0] if plain else "server"


def _words(entry: Mapping[str, Any]) -> list[str]:
    command, args = entry["command"], entry.get("args")
    words = [*map(str, cast("list[Any]", command))] if isinstance(command, list) else [str(command)]
    return words + ([str(each) for each in cast("list[Any]", args)] if isinstance(args, list) else [])


def imported(name: str, entry: Mapping[str, Any]) -> ImportedServer:
    """Returns one entry as ours.

    Raises:
        NotUnderstood: It could not be used here either.
    """
    lawful = lawful_name(name)
    notes = [] if lawful == name else [f"called {lawful} here, because names of tools are made of it"]
    secrets: dict[str, str] = {}
    ours = _remote(entry, notes) if not entry.get("command") else _local(entry)
    for kind, source in (("environment", entry.get("env") or entry.get("environment")), ("headers", None)):
        given = source if kind == "environment" else (entry.get("headers") if "url" in ours else None)
        values = _values(lawful, given, notes, secrets)
        if values:
            ours[kind] = values
    if isinstance(entry.get("cwd"), str):
        ours["cwd"] = entry["cwd"]
    if entry.get("disabled") is True or entry.get("enabled") is False:
        ours["enabled"] = False
    timeout = entry.get("timeout")
    if isinstance(timeout, (int, float)) and timeout > 0:
        ours["timeout_s"] = timeout / 1000 if timeout >= 1000 else timeout
    try:
        McpServerSettings.model_validate(ours)
    except ValueError as exc:
        raise NotUnderstood(f"the server {name} cannot be used: {_first_line(exc)}") from exc
    return ImportedServer(lawful, ours, tuple(notes), secrets)


def lawful_name(name: str) -> str:
    """Returns a name that a server may have, as near as possible."""
    made = re.sub(r"[^A-Za-z0-9_-]+", "-", name.rpartition("/")[2].partition("@")[0] or name)
    made = re.sub(r"_{2,}", "_", made).strip("-_")[:40] or "server"
    return made if server_name_problem(made) is None else f"{made}-server"[:40]


def _remote(entry: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    kind = str(entry.get("type") or entry.get("transport") or "http")
    if kind not in _REMOTE:
        notes.append(f"its type {kind} is taken for http")
    address = entry.get("url") or entry.get("serverUrl") or entry.get("httpUrl")
    if "headersHelper" in entry:
        notes.append("its headersHelper is a program that makes headers; that is not supported")
    return {"type": "sse" if kind == "sse" else "http", "url": _filled(str(address))}


def _local(entry: Mapping[str, Any]) -> dict[str, Any]:
    words = [_filled(each) for each in _words(entry)]
    return _package(words) or {"type": "stdio", "command": words[0], "args": words[1:]}


def _package(words: Sequence[str]) -> dict[str, Any] | None:
    """`npx -y PACKAGE …` and `uvx PACKAGE …` name packages, which have a type of their own here."""
    program = words[0].rpartition("/")[2].removesuffix(".cmd").removesuffix(".exe")
    kind = {"npx": "node", "uvx": "python"}.get(program)
    rest = list(words[1:])
    made: dict[str, Any] = {}
    while kind is not None and rest and rest[0].startswith("-"):
        flag = rest.pop(0)
        if flag in {"-y", "--yes", "-q", "--quiet"}:
            continue
        if kind != "python" or flag not in {"--python", "-p"} or not rest or not _PYTHON.fullmatch(rest[0]):
            return None
        made["python_version"] = rest.pop(0)
    if kind is None or not rest:
        return None
    return {"type": kind, "command": rest[0], "args": rest[1:], **made}


def _values(server: str, given: object, notes: list[str], secrets: dict[str, str]) -> dict[str, str]:
    if not isinstance(given, Mapping):
        return {}
    found: dict[str, str] = {}
    for name, value in cast("Mapping[str, Any]", given).items():
        text = _filled(str(value))
        asked = _INPUT.search(text)
        if asked is not None:
            entry = f"{server}-{asked[1]}"
            notes.append(f"{name} must be stored before it starts: signalbox keys set {entry}")
            text = _INPUT.sub(lambda match: f"${{keyring:{server}-{match[1]}}}", text)
        elif _SECRET_NAME.search(name) and text and "$" not in text:
            scheme, blank, rest = text.partition(" ")
            is_bearer = bool(blank) and scheme.lower() in {"bearer", "token", "basic"}
            entry = f"{server}-{name}"
            secrets[entry] = rest if is_bearer else text
            text = f"{scheme} ${{keyring:{entry}}}" if is_bearer else f"${{keyring:{entry}}}"
            notes.append(f"{name} goes into the keyring, as {entry}")
        found[name] = text
    return found


def _filled(text: str) -> str:
    """`${env:NAME}` is `${NAME}` here."""
    return _ENV.sub(lambda match: f"${{{match[1]}}}", text)


def import_edits(
    chosen: Sequence[ImportedServer],
    conflicts: Literal["skip", "rename", "replace"],
    section: str,
    there: Iterable[str],
) -> tuple[list[Edit], list[ImportedServer]]:
    """Returns the edits that take servers over, and which of them.

    Args:
        chosen: The servers.
        conflicts: What becomes of one whose name is taken.
        section: The section of our file they go into.
        there: The names that are taken.
    """
    taken = set(there)
    edits: list[Edit] = []
    kept: list[ImportedServer] = []
    for each in chosen:
        name = each.name
        if name in taken and conflicts == "skip":
            continue
        if name in taken and conflicts == "rename":
            name = next(new for number in count(2) if (new := f"{each.name}-{number}") not in taken)
        elif name in taken:
            edits.append(Remove((section, name)))
        taken.add(name)
        edits.append(Put((section, name), dict(each.entry)))
        kept.append(each)
    return edits, kept


def _from_command_line(text: str) -> ImportedServer:
    try:
        words = shlex.split(text.replace("\\\n", " "))[3:]
    except ValueError as exc:
        raise NotUnderstood(f"this command line cannot be read: {exc}") from exc
    if words[:1] and words[0] == "add-json":
        words = words[1:]
    entry: dict[str, Any] = {"env": {}, "headers": {}}
    plain: list[str] = []
    while words:
        word = words.pop(0)
        if word == "--":
            plain += words
            break
        if not word.startswith("-") or len(plain) > 1:
            plain.append(word)
            continue
        name, has_value, value = word.partition("=")
        if not has_value and words:
            value = words.pop(0)
        _take_option(entry, name, value, words)
    if len(plain) < 2:
        raise NotUnderstood("a `claude mcp add` command names the server and then its command or address")
    if entry.get("type") in {"http", "sse"} or re.match(r"https?://", plain[1]):
        return imported(plain[0], {**entry, "url": plain[1]})
    return imported(plain[0], {**entry, "command": plain[1], "args": plain[2:]})


def _take_option(entry: dict[str, Any], name: str, value: str, words: list[str]) -> None:
    if name in {"-e", "--env"}:
        pairs = [value]
        while words and re.match(r"[A-Za-z_]\w*=", words[0]):
            pairs.append(words.pop(0))
        entry["env"].update(pair.split("=", 1) for pair in pairs if "=" in pair)
    elif name in {"-H", "--header"}:
        header, _, content = value.partition(":")
        entry["headers"][header.strip()] = content.strip()
    elif name in {"-t", "--transport"}:
        entry["type"] = value


def _from_link(text: str) -> ImportedServer:
    """Cursor's `…/mcp/install?name=&config=BASE64`, VS Code's `vscode:mcp/install?JSON`."""
    url = urlsplit(text)
    query = parse_qs(url.query)
    try:
        if "config" in query:
            packed = query["config"][0].replace(" ", "+")
            data: Any = json.loads(base64.b64decode(packed + "=" * (-len(packed) % 4)))
            return imported(query.get("name", ["server"])[0], data)
        data = json.loads(unquote(url.query))
        return imported(str(data.get("name", "server")), data)
    except (ValueError, binascii.Error, AttributeError) as exc:
        if isinstance(exc, NotUnderstood):
            raise
        raise NotUnderstood("this link holds no server that can be read") from exc


def _first_line(exc: Exception) -> str:
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    found = next((line for line in lines if "Value error" in line), lines[0] if lines else "")
    return re.sub(r"^Value error, |\s*\[type=.*$", "", found)
