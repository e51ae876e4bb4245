"""Says which process holds a port, as far as the system tells, and which port is free."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

_NEAR = 100
"""How many ports after a taken one are tried: one like it is easier to remember than any."""


def port_owner(port: int) -> str | None:
    """Returns `NAME (process 1234)` for who listens on a port; None where that cannot be seen."""
    import psutil  # noqa: PLC0415 - of use only where the port is taken

    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return None
    holders = [
        each.pid
        for each in connections
        if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr[1] == port and each.pid
    ]
    if not holders:
        return None
    try:
        name = psutil.Process(holders[0]).name()
    except psutil.Error:
        name = "a process"
    return f"{name} (process {holders[0]})"


def port_in_use_text(host: str, port: int, *, holder: str | None) -> str:
    """Returns who has a port that is taken, where that is known."""
    who = holder or "another program (the system does not say which; it may belong to another user)"
    return f"Port {port} on {host} is in use by {who}. Stop that program, or use another port."


def other_port_advice(port: int, settings: Path) -> str:
    """Returns how to use another port without the window, which has a button for it."""
    return (
        f"`signalbox serve --port {port + 1 if port < 65535 else port - 1}` does (0 takes a free one), "
        f"or set `server: {{port: …}}` in {settings} and start again."
    )


def is_taken(host: str, port: int) -> bool:
    """Says whether nobody could listen on a port now. Blocks."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":  # there it would let two programs share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def free_port(host: str, taken: int) -> int:
    """Returns a free port, soon after the one that is taken if there is one. Blocks.

    Raises:
        OSError: There is none at that address.
    """
    for port in range(taken + 1, min(taken + _NEAR, 65535) + 1):
        if not is_taken(host, port):
            return port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
