"""What commands ask the running program; where none answers, the user is told so."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.instance import TIMEOUT_S, Reply, Verb, Words, ask
from app.paths import Folders
from app.terminal import tell


def asked(folders: Folders, verb: Verb, words: Words, timeout_s: float = TIMEOUT_S) -> Reply | None:
    """Returns the running program's answer; where there is none, says so and returns None."""
    reply = asyncio.run(ask(folders.runtime, verb, words, timeout_s=timeout_s))
    if reply is None:
        tell(
            "Signalbox does not run, or did not answer. Start it, or with `signalbox serve` without a window."
        )
    return reply


def take_over(runtime: Path) -> str | None:
    """Has the running program, if there is one, read its settings and keys anew; returns why it did not."""
    reply = asyncio.run(ask(runtime, "reload"))
    if reply is None or reply.is_ok:
        return None
    return f"The running Signalbox did not take the change over: {reply.text}. Restart it."
