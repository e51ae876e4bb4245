"""What every request must show before its body is read.

The order: framing, Host, Origin, token, route, content type, declared size. Each check is a function of the
request's head; none repeats what it was sent.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from multidict import CIMultiDict, CIMultiDictProxy

from proxy.config import ClientToken, ServerConfig
from proxy.context import LOCAL_TOKEN
from proxy.messages.errors import ClientError, ErrorType
from proxy.server.limits import Limits

JSON = "application/json"
FORM = "multipart/form-data"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")

Headers = CIMultiDict[str] | CIMultiDictProxy[str]


@dataclass(frozen=True, slots=True)
class Head:
    """A request's line and headers, as the HTTP parser gave them."""

    method: str
    target: str
    """The raw request target."""
    headers: Headers


def check_framing(head: Head) -> None:
    """Refuses what two HTTP readers could understand differently.

    Raises:
        ClientError: The target is no plain path, Host comes never or twice, Content-Length is odd.
    """
    if head.method != "OPTIONS" and not head.target.startswith("/"):
        raise ClientError(ErrorType.INVALID_REQUEST, "The request target must be a path.")
    if len(head.headers.getall("Host", ())) != 1:
        raise ClientError(ErrorType.INVALID_REQUEST, "A request must have exactly one Host header.")
    lengths = head.headers.getall("Content-Length", ())
    if len(lengths) > 1 or not all(length.isascii() and length.isdecimal() for length in lengths):
        raise ClientError(ErrorType.INVALID_REQUEST, "Content-Length must be given once, as a plain number.")


def check_host(head: Head, config: ServerConfig, port: int) -> None:
    """Lets only our own names in, so that a page whose name was rebound to this machine stays out.

    Raises:
        ClientError: The Host header names something else (403).
    """
    host = head.headers["Host"].strip().lower()
    name, _, host_port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not name:
        name, host_port = host, "80"
    ours = (*LOOPBACK_HOSTS, config.host.lower())
    if name in ours and host_port == str(port):
        return
    if name in {each.lower() for each in config.allowed_hosts} and (not host_port or host_port.isdecimal()):
        return
    raise ClientError(ErrorType.PERMISSION, "The Host header does not name this server.")


def check_origin(head: Head) -> None:
    """Keeps web pages out: no browser page has business here, so none is answered.

    Raises:
        ClientError: An Origin header, or a Sec-Fetch-Site that is not `none` (403).
    """
    if "Origin" in head.headers:
        raise ClientError(ErrorType.PERMISSION, "Requests from web pages are not accepted (Origin header).")
    for site in head.headers.getall("Sec-Fetch-Site", ()):
        if site.strip().lower() != "none":
            raise ClientError(
                ErrorType.PERMISSION, "Requests from web pages are not accepted (Sec-Fetch-Site header)."
            )


def check_token(head: Head, config: ServerConfig) -> str:
    """Wants a token as `x-api-key` or `Authorization: Bearer`, and returns its name.

    Where both come, one must be right; the first that is counts. Every token is compared with each
    credential, whichever is the right one, so that the time taken tells nothing.

    Raises:
        ClientError: Neither is a token of ours (401).
    """
    expected = config.token.get_secret_value().encode()
    found: str | None = None
    for text in _credentials(head.headers):
        presented = text.encode("utf-8", "surrogateescape")
        is_local = hmac.compare_digest(presented, expected) and bool(expected)
        name = _client_token(presented, config.client_tokens)
        found = found or (LOCAL_TOKEN if is_local else name)
    if found is None:
        raise ClientError(
            ErrorType.AUTHENTICATION,
            "The local token is missing or wrong: send it as x-api-key or as Authorization: Bearer.",
        )
    return found


def _client_token(presented: bytes, tokens: tuple[ClientToken, ...]) -> str | None:
    """Only hashes are kept: 256 random bits need no slow one."""
    if not tokens:
        return None
    digest = hashlib.sha256(presented).hexdigest()
    found = None
    for token in tokens:
        if hmac.compare_digest(digest, token.digest):
            found = token.name
    return found


def _credentials(headers: Headers) -> list[str]:
    found = list(headers.getall("x-api-key", ()))
    for value in headers.getall("Authorization", ()):
        scheme, _, rest = value.partition(" ")
        if scheme.lower() == "bearer":
            found.append(rest.strip())
    return found


def check_body_head(head: Head, max_bytes: int, kind: str = JSON) -> None:
    """Judges a body by what the headers say of it, before a byte of it is read.

    Raises:
        ClientError: It is not of that kind, is compressed (415), or says it is too large (413).
    """
    if head.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise ClientError(
            ErrorType.INVALID_REQUEST,
            "The request body must not be compressed (Content-Encoding).",
            status=415,
        )
    if not _is_kind(head.headers.getall("Content-Type", ()), kind):
        raise ClientError(ErrorType.INVALID_REQUEST, "The content type must be application/json.", status=415)
    length = head.headers.get("Content-Length")
    if length is not None and int(length) > max_bytes:
        raise too_large(max_bytes)


def _is_kind(values: list[str] | tuple[()], wanted: str) -> bool:
    if len(values) != 1:
        return False
    kind, *parameters = (part.strip().lower() for part in values[0].split(";"))
    if wanted != JSON:
        return kind == wanted
    return kind == JSON and all(part in ("", "charset=utf-8", 'charset="utf-8"') for part in parameters)


def too_large(max_bytes: int) -> ClientError:
    """Returns the error for a body beyond the limit."""
    return ClientError(
        ErrorType.REQUEST_TOO_LARGE,
        f"The request body is larger than {max_bytes // 2**20} MiB.",
        should_retry=False,
    )


class FailedTokens:
    """Counts wrong tokens, so that guessing becomes slow; a right token is never delayed."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._times: deque[float] = deque(maxlen=limits.failures_per_minute + 1)

    def delay_s(self) -> float:
        """Notes a failure and returns how long to wait before it is answered."""
        now = self._clock()
        self._times.append(now)
        is_many = len(self._times) > self._limits.failures_per_minute and now - self._times[0] < 60
        return self._limits.failure_delay_s if is_many else 0.0


def client_of(headers: Mapping[str, str]) -> str:
    """Returns the first word of the User-Agent, printable and short."""
    word = headers.get("User-Agent", "").strip().partition(" ")[0]
    if not word.isprintable():
        word = "".join(char for char in word.split()[0] if char.isprintable())
    return word[:80] or "unknown"
