"""`signalbox breakers`: list the models that are left alone, and have them tried again at once."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any, cast

from app.exit_codes import FAILED, OK
from app.paths import Folders
from app.running_program import asked
from app.terminal import tell


def list_breakers(folders: Folders) -> int:
    """Prints the models that are left alone, one a line, and why; returns the exit status."""
    reply = asked(folders, "breakers.list", {})
    if reply is None:
        return FAILED
    resting = cast("list[Mapping[str, Any]]", reply.facts.get("breakers", []))
    for each in resting:
        sys.stdout.write(f"{each['provider']}  {each['model']}  {_state(each)}  ({each['reason']})\n")
    if not resting:
        tell("No model is left alone.")
    return OK


def reset_breakers(folders: Folders, provider: str, model: str | None) -> int:
    """Has a provider's models tried again at once, or one of them; returns the exit status."""
    words = {"provider": provider} if model is None else {"provider": provider, "model": model}
    reply = asked(folders, "breakers.reset", words)
    if reply is None:
        return FAILED
    tell(reply.text)
    return OK if reply.is_ok else FAILED


def _state(breaker: Mapping[str, Any]) -> str:
    if breaker["state"] == "half_open":
        return "is being tried"
    seconds = math.ceil(breaker["rest_s"])
    return f"rests for {seconds} s" if seconds > 0 else "is tried with the next request"
