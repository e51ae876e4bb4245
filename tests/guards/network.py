"""Refuses every connection and name look-up that would leave the machine."""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import cast


class OutsideNetworkError(OSError):
    """A test tried to reach something that is not on loopback."""


class NetworkGuard:
    """Watches this process's sockets through an audit hook, which lives as long as the process.

    Names under `.invalid` are answered as a resolver would (unknown), so that tests of an unreachable
    upstream need no network either. Programs that a test starts are not watched.
    """

    def __init__(self) -> None:
        self.attempts: list[str] = []
        """Where code tried to go since the list was last cleared; a refusal may have been swallowed."""

    def install(self) -> None:
        """Starts watching."""
        sys.addaudithook(self._audit)

    def _audit(self, event: str, args: tuple[object, ...]) -> None:
        if not event.startswith("socket."):
            return
        if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
            self.check_address(args[1])
        elif event == "socket.getaddrinfo":
            self.check_name(args[0])

    def check_address(self, address: object) -> None:
        """Raises OutsideNetworkError unless `address` is a Unix socket or on loopback."""
        if isinstance(address, tuple) and address:
            host = cast("tuple[object, ...]", address)[0]
            if isinstance(host, str) and not _is_local(host):
                self._refuse(host)

    def check_name(self, name: object) -> None:
        """Raises OutsideNetworkError unless `name` is an address already or means this machine."""
        host = name.decode() if isinstance(name, bytes) else name
        if not isinstance(host, str) or _is_local(host) or _is_address(host):
            return
        if host.rstrip(".").endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, f"no such name: {host}")
        self._refuse(host)

    def _refuse(self, host: str) -> None:
        self.attempts.append(host)
        msg = f"tests stay on loopback, but something tried to reach {host!r}"
        raise OutsideNetworkError(msg)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_local(host: str) -> bool:
    if host in {"", "localhost"} or host.endswith(".localhost"):
        return True
    return _is_address(host) and ipaddress.ip_address(host.partition("%")[0]).is_loopback
