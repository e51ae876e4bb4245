"""The shared checks of the real `anthropic` SDK, run in place against Signalbox over each scripted server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.end_to_end.conftest import BEHIND
from tests.end_to_end.programs import MODEL, ROOT, TOKEN, Server, environment

pytestmark = [
    pytest.mark.timeout(240),  # seventy-five checks, some of which wait for a silent upstream
    pytest.mark.skipif(sys.platform == "win32", reason="the checks use POSIX timers"),
]

Running = Mapping[str, subprocess.Popen[str]]


@pytest.fixture(scope="module")
def running(
    checks: Path, ways: Mapping[str, Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """The checks over every dialect, all started at once: they mostly wait."""
    with ExitStack() as ended:
        started: dict[str, subprocess.Popen[str]] = {}
        for dialect, behind in BEHIND.items():
            home = tmp_path_factory.mktemp("checks")
            process = subprocess.Popen(
                (sys.executable, str(checks / "checks" / "anthropic_py.py")),
                cwd=ROOT,
                env={**environment(home), **_pointed_at(ways[dialect], ways[behind], home)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            ended.enter_context(process)
            ended.callback(process.kill)
            started[dialect] = process
        yield MappingProxyType(started)


@pytest.mark.conformance("clients.sdks")
@pytest.mark.parametrize("dialect", BEHIND)
def test_every_check_of_the_sdk_passes(running: Running, dialect: str) -> None:
    out, _ = running[dialect].communicate(timeout=200)

    lines = out.splitlines()
    unproven = [line for line in lines if not line.startswith("PASS ")]
    assert not unproven, "\n".join(unproven)
    assert len(lines) >= 75, "a check did not run"
    assert running[dialect].returncode == 0


def _pointed_at(server: Server, behind: Server, home: Path) -> dict[str, str]:
    return {
        "BASE_URL": server.url,
        "STUB_URL": behind.url,
        "TOKEN": TOKEN,
        "MODEL": MODEL,
        "WORK": str(home),
        "CLIENT_NAME": "anthropic-py",
        "CHECK_AUTH": "1",
        "CHECK_BATCHES": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }
