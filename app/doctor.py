"""`signalbox doctor`: the facts that matter when something does not work, a line each, without secrets.

It changes nothing: it makes no folder, no token and no entry in the keyring.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from app.dearer_notices import dearer_notices
from app.environment import Environment
from app.exit_codes import FAILED, OK
from app.instance import ask
from app.keyring_access import KeyringFailure
from app.local_token import TOKEN_VARIABLE
from app.mcp_file import McpFile
from app.own_files import mcp_path
from app.paths import Folders
from app.port_owner import is_taken, port_owner
from app.privileges import runs_elevated
from app.proxy_config import dangling_names
from app.secrets import LOCAL_TOKEN_ENTRY, SecretStore
from app.settings import is_loopback
from app.settings_in_use import STATUS_FACT
from app.settings_store import LoadedSettings, Overrides, SettingsStore, load_settings
from app.tool_config import may_run_programs
from proxy.mcp.launch import RUNNERS
from proxy.mcp.runtimes import HOW_TO_GET, Runtime, Runtimes
from proxy.tools.children import Children
from proxy.tools.elevated import WAY_OUT
from proxy.upstreams.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact."""

    topic: str
    text: str
    is_broken: bool = False
    """It keeps the program from working, and the user can mend it."""


def doctor(folders: Folders, environment: Environment) -> int:
    """Prints the facts; returns 1 when one of them is broken."""
    findings = list(find_facts(folders, environment, is_elevated=runs_elevated()))
    for each in findings:
        mark = "BROKEN" if each.is_broken else "ok"
        print(f"{mark:<7}{each.topic:<10} {each.text}")
    return FAILED if any(each.is_broken for each in findings) else OK


def find_facts(folders: Folders, environment: Environment, *, is_elevated: bool) -> Iterator[Finding]:
    """Yields what there is to know, in the order in which one thing needs another."""
    secret_store = SecretStore(environment, names_file=folders.key_names_file)
    loaded = load_settings(
        SettingsStore(folders.settings_file),
        environment,
        Overrides(),
        has_openrouter_key=secret_store.has_openrouter_variable,
    )
    yield from _program()
    yield from _folders(folders)
    yield from _settings(loaded, folders)
    if is_elevated:
        yield _rights(loaded)
    yield from _keyring(loaded, secret_store, folders, environment)
    yield from _port(loaded, folders)
    yield from _servers(loaded, folders, environment)
    yield from _display(environment)


def _program() -> Iterator[Finding]:
    yield Finding("program", f"signalbox {_version('signalbox')}")
    yield Finding("python", f"{platform.python_version()} on {platform.platform()}")
    has_qt = find_spec("PySide6") is not None
    qt = f"PySide6 {_version('PySide6-Essentials')}" if has_qt else "PySide6 is not installed: no window"
    yield Finding("window", qt)
    loop = "uvloop" if find_spec("uvloop") is not None else "asyncio"
    yield Finding("loop", f"{loop} (headless)")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def _folders(folders: Folders) -> Iterator[Finding]:
    for topic, folder in (
        ("settings", folders.config),
        ("state", folders.state),
        ("runtime", folders.runtime),
    ):
        if not folder.exists():
            yield Finding("folder", f"{topic}: {folder} (made at the first start)")
            continue
        is_usable = os.access(folder, os.R_OK | os.W_OK | os.X_OK)
        trouble = "" if is_usable else " cannot be written; correct its permissions or set SIGNALBOX_HOME"
        yield Finding("folder", f"{topic}: {folder}{trouble}", is_broken=not is_usable)


def _settings(loaded: LoadedSettings, folders: Folders) -> Iterator[Finding]:
    if loaded.error is not None:
        text = " ".join(loaded.broken_text(folders.settings_file).splitlines())
        yield Finding("settings", text, is_broken=True)
        return
    yield Finding("settings", loaded.source)
    dearer = asyncio.run(dearer_notices(loaded.settings, Catalogue(folders.models)))
    for notice in (*loaded.notices, *dangling_names(loaded.settings), *dearer):
        yield Finding("settings", f"note: {notice}")
    if not loaded.settings.providers:
        yield Finding("provider", "none is configured: the built-in demo answers")


def _rights(loaded: LoadedSettings) -> Finding:
    if may_run_programs(loaded.settings, is_elevated=True):
        return Finding("rights", "root or administrator; commands and MCP servers run so too")
    text = f"root or administrator: commands and MCP servers are off; {WAY_OUT}"
    return Finding("rights", text)


def _keyring(
    loaded: LoadedSettings, secret_store: SecretStore, folders: Folders, environment: Environment
) -> Iterator[Finding]:
    yield Finding("keyring", secret_store.state())
    for name, provider in loaded.settings.providers.items():
        found = secret_store.find_key(provider)
        note = f" ({found.problem})" if found.problem else ""
        is_missing = provider.key is not None and found.key is None
        yield Finding("key", f"{name}: {found.source}{note}", is_broken=is_missing)
    yield Finding("token", _token_source(secret_store, folders, environment))


def _token_source(secret_store: SecretStore, folders: Folders, environment: Environment) -> str:
    if environment.get(TOKEN_VARIABLE):
        return f"environment variable {TOKEN_VARIABLE}"
    try:
        has_token = secret_store.get(LOCAL_TOKEN_ENTRY) is not None
    except KeyringFailure:
        there = folders.token_file.exists()
        return f"file {folders.token_file}" + ("" if there else " (made at the first start)")
    return f"in the keyring ({LOCAL_TOKEN_ENTRY})" + ("" if has_token else ", made at the first start")


def _port(loaded: LoadedSettings, folders: Folders) -> Iterator[Finding]:
    running = asyncio.run(ask(folders.runtime, "status"))
    if running is not None:
        kind, url = running.facts.get("kind", "program"), running.facts.get("url")
        other = running.facts.get(STATUS_FACT, str(folders.settings_file))
        where = "" if other == str(folders.settings_file) else f", with the settings {other}"
        yield Finding("running", f"{kind} at {url}{where}")
    host, port = loaded.settings.server.host, loaded.settings.server.port
    if not is_loopback(host):
        yield Finding("address", f"{host} can be reached by other machines")
    if port == 0:
        yield Finding("port", "a free one is taken at every start")
    elif is_taken(host, port):
        holder = port_owner(port) or "a process that cannot be seen"
        has_another = running is not None and running.facts.get("url") is not None
        yield Finding("port", f"{port} is in use by {holder}", is_broken=not has_another)
    else:
        yield Finding("port", f"{port} on {host} is free")


def _servers(loaded: LoadedSettings, folders: Folders, environment: Environment) -> Iterator[Finding]:
    """Yields what there is of MCP servers, and of the programs that start them."""
    file = McpFile(mcp_path(environment, loaded.settings, folders))
    file.load()
    problem = file.problem()
    if problem is not None:
        yield Finding("mcp", " ".join(problem.splitlines()), is_broken=True)
    elif not file.path.exists():
        yield Finding("mcp", f"no servers (no file {file.path})")
    else:
        yield Finding("mcp", f"{len(file.servers())} servers in {file.path}")
    for notice in file.document.notices:
        yield Finding("mcp", f"note: {notice}")
    kinds = {each.type for each in file.servers() if each.is_enabled}
    needed = {program for kind, program in RUNNERS.items() if kind in kinds}
    for each in asyncio.run(_runtimes(environment)):
        if each.path is None:
            is_needed = each.name in needed
            how = f", but a server needs it. {HOW_TO_GET[each.name]}" if is_needed else ""
            yield Finding("runtime", f"{each.name}: not found{how}", is_broken=is_needed)
        else:
            yield Finding("runtime", f"{each.name}: {each.version or 'tells no version'} at {each.path}")


async def _runtimes(environment: Environment) -> tuple[Runtime, ...]:
    variables = environment.values()
    children = Children(variables)
    try:
        return await Runtimes(variables, sys.platform).all(children)
    finally:
        await children.aclose()


def _display(environment: Environment) -> Iterator[Finding]:
    if sys.platform in {"win32", "darwin"}:
        yield Finding("display", "the system's own")
        yield Finding("tray", "the system's own")
        return
    names = [name for name in ("WAYLAND_DISPLAY", "DISPLAY") if environment.get(name)]
    if not names:
        yield Finding("display", "none: use `signalbox serve`")
        return
    yield Finding(
        "display", f"{' and '.join(names)} set, desktop {environment.get('XDG_CURRENT_DESKTOP') or 'unknown'}"
    )
    yield Finding("tray", _tray(environment))


def _tray(environment: Environment) -> str:
    """Returns whether the session has a tray host for StatusNotifier icons, asked over D-Bus without Qt."""
    if not environment.get("DBUS_SESSION_BUS_ADDRESS") or find_spec("jeepney") is None:
        return "not known (no session bus); without a tray the window opens instead"
    jeepney: Any = import_module("jeepney")  # comes with keyring, on Linux only
    blocking: Any = import_module("jeepney.io.blocking")
    bus = jeepney.DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    question = jeepney.new_method_call(bus, "NameHasOwner", "s", ("org.kde.StatusNotifierWatcher",))
    try:
        with blocking.open_dbus_connection(bus="SESSION") as connection:
            has_host = connection.send_and_get_reply(question, timeout=3.0).body[0]
    except (OSError, TimeoutError, KeyError, ValueError):
        return "not known (the session bus does not answer)"
    if has_host:
        return "there is a tray"
    return "no StatusNotifier tray now; an old-style (XEmbed) one may still be there, else the window opens"
