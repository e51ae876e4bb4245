"""Starts the programs under measurement, each in a process of its own, and reads what they use."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import psutil

TOKEN = "a-token-for-measuring-only"  # noqa: S105 - opens nothing
START_S = 60.0
STRAIGHT, FORWARDER, RELAY, SDK = "straight", "aiohttp forwarder", "orjson relay", "openai SDK hop"
HEADLESS, DESKTOP = "headless", "desktop"
"""The servers by the names that tables show."""


@dataclass
class Program:
    """A running program."""

    process: subprocess.Popen[str] | None
    started_at: float
    url: str = ""
    path: str = "/v1/chat/completions"
    shape: str = "openai"
    """Which kind of requests it takes: `openai` or `messages`."""
    home: Path | None = None
    """Of the desktop program: where its settings and its control channel are."""

    def says(self) -> dict[str, Any]:
        """Returns the next JSON line it prints."""
        process = self._running()
        line = cast("IO[str]", process.stdout).readline()
        if not line:
            raise SystemExit(f"{process.args} ended early ({process.wait()})")
        return json.loads(line)

    def order(self, word: str) -> None:
        """Sends it a line."""
        stream = cast("IO[str]", self._running().stdin)
        stream.write(word + "\n")
        stream.flush()

    def signal(self, number: int) -> None:
        """Sends it a signal."""
        self._running().send_signal(number)

    def cpu_s(self) -> float:
        """CPU seconds used so far by all threads: to the nanosecond on Linux, else to the clock tick."""
        pid = self._running().pid
        tasks = Path(f"/proc/{pid}/task")
        if tasks.is_dir():
            return sum(int((each / "schedstat").read_text().split()[0]) for each in tasks.iterdir()) / 1e9
        times = psutil.Process(pid).cpu_times()
        return times.user + times.system

    def memory_mb(self) -> float:
        """Resident memory in MB (10^6 bytes)."""
        return psutil.Process(self._running().pid).memory_info().rss / 1e6

    def _running(self) -> subprocess.Popen[str]:
        if self.process is None:
            raise ValueError(f"{self.url} was not started here")
        return self.process


@contextmanager
def started(*command: str, environment: Mapping[str, str] | None = None) -> Generator[Program]:
    """Runs a Python program until the block ends."""
    started_at = time.monotonic()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={"QT_QPA_PLATFORM": "offscreen", **_inherited(), **(environment or {})},
        )
        try:
            yield Program(process, started_at)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _inherited() -> dict[str, str]:
    """Our environment without what would have every start compile every module anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def scripted_upstream() -> Generator[str]:
    """Runs the scripted upstream; gives its URL."""
    with started("-m", "benchmarks.rig.upstream") as program:
        yield program.says()["url"]


def straight(upstream: str) -> Program:
    """Returns the upstream as if it were a server under measurement."""
    return Program(None, 0.0, upstream)


@contextmanager
def baseline(kind: str, upstream: str = "") -> Generator[Program]:
    """Runs one of `benchmarks.rig.baselines`."""
    with started("-m", "benchmarks.rig.baselines", kind, upstream) as program:
        program.url = program.says()["url"]
        yield program


@contextmanager
def headless(upstream: str, profile: str = "") -> Generator[Program]:
    """Runs `signalbox serve`; its profile from SIGUSR1 on goes to the file `profile`, if that is named."""
    with _home(upstream, 0) as (home, variables):
        settings = str(home / "settings.yaml")
        module = ("benchmarks.rig.profiled", profile, "app") if profile else ("app",)
        with started("-m", *module, "serve", "--settings", settings, environment=variables) as program:
            program.url = program.says()["url"]
            program.path, program.shape = "/v1/messages", "messages"
            yield program


@contextmanager
def desktop(upstream: str, environment: Mapping[str, str] | None = None) -> Generator[Program]:
    """Runs the desktop program with its window open; `RIG_PAGE` in the environment names the page."""
    port = free_port()
    with (
        _home(upstream, port) as (home, variables),
        started("-m", "benchmarks.rig.desktop", environment={**variables, **(environment or {})}) as program,
    ):
        program.home = home
        program.url = f"http://127.0.0.1:{port}"
        program.path, program.shape = "/v1/messages", "messages"
        wait_for_port(port, program.process)
        yield program


def painted_at(program: Program) -> float:
    """Waits until the desktop program has painted its window; returns when that was."""
    while "painted" not in (said := program.says()):
        pass
    return said["painted"]


def late_ms(program: Program) -> list[float]:
    """Returns how late the program's window timer fired since the last `reset`."""
    program.order("report")
    while "late_ms" not in (said := program.says()):
        pass
    return said["late_ms"]


@contextmanager
def all_servers(upstream: str) -> Generator[dict[str, Program]]:
    """Runs the forwarder, the SDK hop, and ours in both forms."""
    with ExitStack() as stack:
        yield {
            FORWARDER: stack.enter_context(baseline("forwarder", upstream)),
            SDK: stack.enter_context(baseline("sdk", upstream)),
            HEADLESS: stack.enter_context(headless(upstream)),
            DESKTOP: stack.enter_context(desktop(upstream)),
        }


@contextmanager
def _home(upstream: str, port: int) -> Generator[tuple[Path, dict[str, str]]]:
    with tempfile.TemporaryDirectory(prefix="signalbox-bench-") as folder:
        home = Path(folder)
        settings = home / "settings.yaml"
        settings.write_text(
            f"version: 1\nserver: {{port: {port}}}\n"
            f'providers: {{bench: {{dialect: openai-chat, base_url: "{upstream}/v1", '
            "max_concurrent: 256}}\n"
            "unknown_models: {provider: bench}\n"
            "tools: {may_run_as_root: true}\n"
            "loop_guard: {repeats: 1000, per_s: 0.001}\n"  # it does its work and never asks
        )
        settings.chmod(0o600)
        yield home, {"SIGNALBOX_HOME": folder, "SIGNALBOX_TOKEN": TOKEN}


def free_port() -> int:
    """Returns a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port: int, process: subprocess.Popen[str] | None = None) -> float:
    """Waits until somebody listens while the process runs; returns when that was, in monotonic seconds."""
    give_up_at = time.monotonic() + START_S
    while time.monotonic() < give_up_at:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return time.monotonic()
        if process is not None and process.poll() is not None:
            raise SystemExit(f"{process.args} ended early ({process.returncode})")
        time.sleep(0.002)
    raise SystemExit(f"nothing listens at port {port}")
