"""What an upstream is: it opens one streamed answer, or says why it could not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from proxy.messages.message import JsonObject


class UpstreamAnswer(Protocol):
    """An answer whose status and headers have arrived; the body follows."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""

    async def read(self) -> bytes:
        """Returns what has arrived of the body since, once it has; empty: it is over.

        Raises:
            UpstreamError: The connection broke or fell silent for too long.
        """
        ...

    async def aclose(self) -> None:
        """Ends the connection, finished or not; the upstream sees that its reader left."""
        ...


class Upstream(Protocol):
    """A service that answers requests in some dialect."""

    async def open(self, path: str, payload: JsonObject, headers: Mapping[str, str]) -> UpstreamAnswer:
        """Sends a request and waits for the status line; any status is an answer.

        Args:
            path: The dialect's path under the base URL.
            payload: The JSON body.
            headers: Further headers for the upstream; never the client's credentials.

        Raises:
            UpstreamError: No answer could be had (key missing, refused, name not found, TLS, time-out).
        """
        ...

    async def aclose(self) -> None:
        """Closes the connections that are kept for later requests."""
        ...
