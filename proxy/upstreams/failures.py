"""Says honestly why an upstream could not be reached or broke off: whose fault, and what to look at."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterator
from enum import Enum
from urllib.parse import urlsplit

import aiohttp

from proxy.config import ProviderConfig
from proxy.messages.errors import ErrorType, UpstreamError


class Stage(str, Enum):
    """How far a request had come when it failed."""

    OPEN = "before the answer's status"
    UNBEGUN = "between the answer's status and its first byte"
    SILENT = "while the upstream said nothing"
    BODY = "inside the answer"
    TOTAL = "while the answer went on and on"


def failure_of(exc: BaseException, provider: ProviderConfig, stage: Stage) -> UpstreamError:
    """Returns what a failed connection means for the client; the text names the provider and its address."""
    where = f"{provider.name} at {_address(provider.base_url)}"
    if stage is Stage.UNBEGUN:
        return UpstreamError(
            ErrorType.TIMEOUT,
            f"{where} answered with a status, but sent nothing after it for "
            f"{provider.first_byte_timeout_s:g} seconds.",
        )
    if stage is Stage.SILENT:
        return UpstreamError(
            ErrorType.TIMEOUT, f"{where} sent nothing for {provider.idle_timeout_s:g} seconds in mid-answer."
        )
    if stage is Stage.TOTAL:
        return UpstreamError(
            ErrorType.TIMEOUT, f"{where} was still answering after {provider.total_timeout_s:g} seconds."
        )
    chain = tuple(_chain(exc))
    known = (
        _certificate(chain, where)
        or _timeout(chain, where, provider, stage)
        or _name(chain, where)
        or _refused(chain, where)
    )
    if known is not None:
        return known
    if stage is Stage.BODY:
        return UpstreamError(ErrorType.API, f"{where} broke off in mid-answer.", status=502)
    if any(
        isinstance(each, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError | ValueError) for each in chain
    ):
        return UpstreamError(
            ErrorType.API, f"The address of {where} is not a usable http(s) address.", should_retry=False
        )
    return UpstreamError(ErrorType.API, f"{where} closed the connection without an answer.", status=502)


def _certificate(chain: tuple[BaseException, ...], where: str) -> UpstreamError | None:
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError | aiohttp.ClientConnectorCertificateError):
            reason = getattr(each, "verify_message", "") or "it is not trusted"
            return UpstreamError(
                ErrorType.API,
                f"The certificate of {where} could not be verified: {reason}.",
                status=502,
                should_retry=False,
            )
    if any(isinstance(each, ssl.SSLError | aiohttp.ClientConnectorSSLError) for each in chain):
        return UpstreamError(
            ErrorType.API,
            f"{where} does not speak TLS as expected: is it http instead of https?",
            status=502,
            should_retry=False,
        )
    return None


def _timeout(
    chain: tuple[BaseException, ...], where: str, provider: ProviderConfig, stage: Stage
) -> UpstreamError | None:
    if any(isinstance(each, aiohttp.ConnectionTimeoutError) for each in chain):
        return UpstreamError(
            ErrorType.TIMEOUT,
            f"No connection to {where} within {provider.connect_timeout_s:g} seconds.",
        )
    is_timeout = any(isinstance(each, asyncio.TimeoutError | TimeoutError) for each in chain)
    if is_timeout and stage is Stage.OPEN:
        return UpstreamError(
            ErrorType.TIMEOUT,
            f"{where} took the request, but did not begin to answer within "
            f"{provider.first_byte_timeout_s:g} seconds.",
        )
    return None


def _name(chain: tuple[BaseException, ...], where: str) -> UpstreamError | None:
    if any(isinstance(each, socket.gaierror | aiohttp.ClientConnectorDNSError) for each in chain):
        return UpstreamError(
            ErrorType.API, f"The name of {where} could not be resolved: is this machine online?", status=502
        )
    return None


def _refused(chain: tuple[BaseException, ...], where: str) -> UpstreamError | None:
    numbers = {each.errno for each in chain if isinstance(each, OSError)}
    if any(isinstance(each, ConnectionRefusedError) for each in chain) or errno.ECONNREFUSED in numbers:
        return UpstreamError(
            ErrorType.API, f"Nothing listens at {where} (connection refused): is it running?", status=502
        )
    if numbers & {errno.ENETUNREACH, errno.EHOSTUNREACH}:
        return UpstreamError(ErrorType.API, f"{where} cannot be reached from this network.", status=502)
    return None


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """The exception and what it was raised from, and the system's error that aiohttp keeps beside it."""
    seen: set[int] = set()
    following: BaseException | None = exc
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        inner = getattr(following, "os_error", None)
        if isinstance(inner, BaseException):
            yield inner
        following = following.__cause__ or following.__context__


def _address(base_url: str) -> str:
    """Scheme, host and port only: a path or user part may hold what is nobody's business."""
    parts = urlsplit(base_url)
    host = parts.hostname or "?"
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"
