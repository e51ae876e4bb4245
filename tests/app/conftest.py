"""What tests of the program share: a controller with everything around it in reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.app.controller_bench import Bench, Make
from tests.app.test_secrets import Entries


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    benches: list[Bench] = []

    def make(
        keyring: Entries | None = None, variables: dict[str, str] | None = None, settings: str | None = None
    ) -> Bench:
        if settings is not None:
            (tmp_path / "settings.yaml").write_text(settings)
        bench = Bench(tmp_path, Entries() if keyring is None else keyring, variables or {})
        benches.append(bench)
        return bench

    yield make
    for bench in benches:
        await bench.controller.shutdown()
