"""`signalbox serve` with six real MCP servers of the registries, each approved on the command line."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.instance import Reply, ask
from app.mcp_file import McpFile
from app.settings_edit import Edit
from tests.end_to_end.conftest import CHAT, CHAT_MODEL
from tests.end_to_end.programs import ROOT, Server, chat_upstream, environment, signalbox

PYTHON: Mapping[str, str] = {
    "time": "mcp-server-time==2026.10.19",
    "git": "mcp-server-git==2026.10.19",
    "fetch": "mcp-server-fetch==2026.10.24",
}
NODE: Mapping[str, str] = {
    "everything": "@modelcontextprotocol/server-everything@2026.8.31",
    "filesystem": "@modelcontextprotocol/server-filesystem@2026.8.31",
    "memory": "@modelcontextprotocol/server-memory@2026.8.31",
}
NAMES = (*PYTHON, *NODE)
PROVIDER_KEY = "provider-" + "key-" + "of-nobody-0123456789"
_DOWNLOAD_S = 240
_CONNECT_S = 60


def packages(home: Path) -> Mapping[str, str]:
    """Has the packages in the caches of a home of their own; returns its variables, or skips the tests."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    missing = [each for each in ("uvx", "npx", "git") if shutil.which(each, path=path) is None]
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")
    variables = {"HOME": str(home), "PATH": path}
    wanted = json.dumps([PYTHON, NODE])
    note = home / "downloaded"
    if not note.exists() or note.read_text("utf-8") != wanted:
        orders = [("uvx", "--from", each, "python", "-c", "pass") for each in PYTHON.values()]
        orders += [("npx", "-y", "--package", each, "--", "node", "-e", "0") for each in NODE.values()]
        with ThreadPoolExecutor(2) as pool:
            problems = [each for each in pool.map(partial(_problem, variables), orders) if each]
        if problems:
            pytest.skip(f"the registry does not give the packages: {problems[0]}")
        note.write_text(wanted, "utf-8")
    return variables


def _problem(variables: Mapping[str, str], words: Sequence[str]) -> str:
    clean = {**environment(Path(variables["HOME"])), **variables, "UV_SYSTEM_CERTS": "1"}
    try:
        done = subprocess.run(
            words,
            check=False,
            env=clean,
            cwd=variables["HOME"],
            capture_output=True,
            text=True,
            timeout=_DOWNLOAD_S,
        )
    except subprocess.TimeoutExpired:
        return f"{words[0]} did not end"
    return "" if done.returncode == 0 else f"{words[0]}: {' '.join(done.stderr.split())[-200:]}"


@dataclass(frozen=True, slots=True)
class Box:
    """Signalbox with its servers."""

    server: Server
    variables: Mapping[str, str]
    file: Path
    """The servers' file."""
    runtime: Path
    repository: Path
    """A git repository, and the only folder that the file server may touch."""

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs `signalbox mcp …` as a user of this Signalbox."""
        return subprocess.run(
            (sys.executable, "-m", "app", "mcp", *words),
            check=False,
            cwd=ROOT,
            env=dict(self.variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def states(self) -> dict[str, str]:
        """How each server stands."""
        rows = [line.split("\t") for line in self.run("list").stdout.splitlines()]
        return {row[0]: row[-1] for row in rows}

    def write(self, *edits: Edit) -> Reply:
        """Changes the servers' file as the window does, and has it read again."""
        file = McpFile(self.file)
        file.load()
        file.apply(edits)
        reply = asyncio.run(ask(self.runtime, "reload"))
        assert reply is not None
        return reply


@contextmanager
def box(checks: Path, folder: Path, variables: Mapping[str, str]) -> Generator[Box]:
    """Starts it, approves all servers as shown, and waits until they are connected."""
    repository = folder / "repository"
    repository.mkdir()
    (repository / "levers.txt").write_text("They move the points.\n", "utf-8")
    subprocess.run(("git", "init", "--quiet", str(repository)), check=True, env={**os.environ, **variables})
    file = folder / "mcp_servers.yaml"
    file.write_text(yaml.safe_dump({"servers": _servers(folder, repository)}), "utf-8")
    settings: dict[str, Any] = {
        "mcp_config": str(file),
        "tools": {"may_run_as_root": True},
        "permissions": {"allow": [f"mcp__{name}" for name in NAMES]},
    }
    more = "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items())
    of_big = f"    toolsets: {json.dumps([f'mcp:{name}' for name in NAMES])}\n"
    secret = {"OPENROUTER_API_KEY": PROVIDER_KEY, **variables}
    with (
        chat_upstream(checks, folder) as upstream,
        signalbox(
            folder / "box", CHAT, upstream.url + "/api/v1", CHAT_MODEL,
            of_big=of_big, more=more, variables=secret,
        ) as server,
    ):  # fmt: skip
        home = folder / "box" / "home"
        known = {**environment(home), **variables}
        made = Box(server, known, file, home / "signalbox" / "run", repository)
        with ThreadPoolExecutor(2) as pool:
            answers = tuple(pool.map(made.run, ("approve",) * len(NAMES), NAMES, ("--yes",) * len(NAMES)))
        assert [each.returncode for each in answers] == [0] * len(NAMES), answers
        until_connected(made)
        yield made


def until_connected(made: Box, *names: str) -> None:
    """Waits until servers are connected, all without names."""
    end = time.monotonic() + _CONNECT_S
    while True:
        states = made.states()
        if all(states[name] == "connected" for name in names or NAMES):
            return
        assert time.monotonic() < end, states


def _servers(folder: Path, repository: Path) -> dict[str, Any]:
    page = {name: {"type": "python", "command": spec} for name, spec in PYTHON.items()}
    page |= {name: {"type": "node", "command": spec} for name, spec in NODE.items()}
    more: dict[str, Any] = {
        "time": {"args": ["--local-timezone", "UTC"]},
        "git": {"args": ["--repository", str(repository)]},
        "fetch": {"args": ["--ignore-robots-txt", "--allow-private-ips"]},
        "filesystem": {"args": [str(repository)]},
        "memory": {"environment": {"MEMORY_FILE_PATH": str(folder / "memory.jsonl")}},
    }
    return {name: {**entry, **more.get(name, {}), "start_timeout_s": 60} for name, entry in page.items()}
