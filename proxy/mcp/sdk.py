"""Brings in what connects, and with it the official SDK, when the first server starts and not before."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.mcp.connection import Connection

_CONNECTION = "proxy.mcp.connection"


async def connection_class() -> type[Connection]:
    """Returns what connects; the import takes a second, so a thread does it."""
    module = await asyncio.to_thread(_imported)
    return module.Connection


def _imported() -> ModuleType:
    if _CONNECTION in sys.modules:
        return importlib.import_module(_CONNECTION)
    limits = gc.get_threshold()
    # Else it runs several times over all that the import makes, and stops all threads each time. It is not
    # disabled: a program that asks for collections itself goes by the thresholds.
    gc.set_threshold(0)
    try:
        module = importlib.import_module(_CONNECTION)
        gc.freeze()  # modules live for ever: the collector need not look at them while servers run
    finally:
        gc.set_threshold(*limits)
    return module
