"""A batch survives the sudden death of the program: nothing lost, nothing doubled, nothing mixed up."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anthropic
import pytest

from tests.proxy.scripted import BODY, TOKEN

ROOT = Path(__file__).resolve().parents[3]
REQUESTS = 1000
KILLS = 3
PLACES = 4
"""Of a provider, by default."""


@contextmanager
def process(folder: Path, asked: Counter[str]) -> Generator[tuple[anthropic.Anthropic, Callable[[], None]]]:
    """Runs a proxy until it is killed with SIGKILL.

    Yields:
        A client, and what waits until the upstream was asked once more. `asked` counts every such request.
    """
    command = [sys.executable, "-m", "tests.proxy.server.batch_process", str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        lines = child.stdout
        assert lines is not None
        url: list[str] = []

        def note(line: str) -> None:
            fact = json.loads(line)
            if "url" in fact:
                url.append(fact["url"])
            else:
                asked[fact["asked"]] += 1

        try:
            while not url:
                note(lines.readline())
            with anthropic.Anthropic(base_url=url[0], api_key=TOKEN, max_retries=0) as client:
                yield client, lambda: note(lines.readline())
        finally:
            child.kill()
            for line in lines:
                note(line)


def request(number: int) -> Any:
    params = {**BODY, "messages": [{"role": "user", "content": f"item {number}"}]}
    return {"custom_id": f"c{number}", "params": params}


@pytest.mark.timeout(300)
def test_a_thousand_requests_survive_three_sudden_deaths(home: Path) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    moments = [chance.randrange(1, REQUESTS // (KILLS + 1)) for _ in range(KILLS)]
    sys.stdout.write(f"seed {seed}: killed after {moments} further requests\n")
    asked: Counter[str] = Counter()
    with process(home / "store", asked) as (client, wait_for_request):
        batch_id = client.messages.batches.create(requests=map(request, range(REQUESTS))).id
        for _ in range(moments[0]):
            wait_for_request()
    for moment in moments[1:]:
        with process(home / "store", asked) as (_, wait_for_request):
            for _ in range(moment):
                wait_for_request()
    assert asked.total() < REQUESTS, "the last death came too late to prove anything"
    with process(home / "store", asked) as (client, _):
        while (batch := client.messages.batches.retrieve(batch_id)).processing_status != "ended":
            pass
        found: list[tuple[str, Any]] = [
            (each.custom_id, each.result.to_dict()) for each in client.messages.batches.results(batch_id)
        ]
    assert batch.request_counts.succeeded == REQUESTS
    assert len(found) == REQUESTS
    texts = {custom_id: result["message"]["content"][0]["text"] for custom_id, result in found}
    assert texts == {f"c{number}": f"echo item {number}" for number in range(REQUESTS)}
    # Asked again was at most what held a place at a death: a place is kept until the result is durable.
    assert asked.total() <= REQUESTS + KILLS * PLACES
