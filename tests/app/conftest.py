"""What tests of the program share: a controller with everything around it, a shell, the desktop's loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.logs import LogPipeline
from app.qt_loop import new_qt_loop
from tests.app.controller_bench import Bench, Make
from tests.app.shell import TOKEN, Shell
from tests.app.test_secrets import Entries


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    benches: list[Bench] = []

    def make(
        keyring: Entries | None = None,
        variables: dict[str, str] | None = None,
        settings: str | None = None,
        logs: LogPipeline | None = None,
    ) -> Bench:
        if settings is not None:
            (tmp_path / "settings.yaml").write_text(settings)
        bench = Bench(tmp_path, Entries() if keyring is None else keyring, variables or {}, logs)
        benches.append(bench)
        return bench

    yield make
    for bench in benches:
        await bench.controller.shutdown()


@pytest.fixture
async def shell() -> AsyncIterator[Shell]:
    shell = Shell()
    yield shell
    for each in shell.started:
        if each.returncode is None:
            each.kill()
            await each.wait()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "given-token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def loop(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that does not run: ours, or plain qasync where the test asks for it."""
    qapp.setQuitOnLastWindowClosed(False)
    loop = new_qt_loop(qapp, plain=getattr(request, "param", False))
    yield loop
    loop.close()
