"""Errors by whose fault they are, and the one table of error types and HTTP statuses.

Source: the Errors page of the Messages API; the shapes are checked against the real SDK in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any


class ErrorType(str, Enum):
    """`error.type` of the Messages API."""

    INVALID_REQUEST = "invalid_request_error"
    AUTHENTICATION = "authentication_error"
    BILLING = "billing_error"
    PERMISSION = "permission_error"
    NOT_FOUND = "not_found_error"
    CONFLICT = "conflict_error"
    REQUEST_TOO_LARGE = "request_too_large"
    RATE_LIMIT = "rate_limit_error"
    API = "api_error"
    TIMEOUT = "timeout_error"
    OVERLOADED = "overloaded_error"


STATUS_OF: Mapping[ErrorType, int] = {
    ErrorType.INVALID_REQUEST: 400,
    ErrorType.AUTHENTICATION: 401,
    ErrorType.BILLING: 402,
    ErrorType.PERMISSION: 403,
    ErrorType.NOT_FOUND: 404,
    ErrorType.CONFLICT: 409,
    ErrorType.REQUEST_TOO_LARGE: 413,
    ErrorType.RATE_LIMIT: 429,
    ErrorType.API: 500,
    ErrorType.TIMEOUT: 504,
    ErrorType.OVERLOADED: 529,
}


class ApiError(Exception):
    """An error that has a place in the Messages API; `status` defaults to the type's own.

    Attributes:
        type: The error type.
        message: Text for the client; never a secret, a path or a stack.
        status: HTTP status.
        retry_after_s: Seconds to wait, for the `retry-after` header; None: unknown.
        should_retry: Value of the `x-should-retry` header; None: left to the client.
        details: The optional `error.details` object, such as `{"error_code": "…"}`.
    """

    def __init__(
        self,
        type: ErrorType,  # noqa: A002 - the protocol's own name for it
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        should_retry: bool | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.type = type
        self.message = message
        self.status = STATUS_OF[type] if status is None else status
        self.retry_after_s = retry_after_s
        self.should_retry = should_retry
        self.details = details

    def body(self, request_id: str | None) -> dict[str, Any]:
        """Returns the error envelope of the Messages API."""
        error: dict[str, Any] = {"type": self.type.value, "message": self.message}
        if self.details is not None:
            error["details"] = dict(self.details)
        return {"type": "error", "error": error, "request_id": request_id}


def forget_frames(error: BaseException) -> None:
    """Lets go of all that an error's tracebacks hold, which is the whole request; once it has been told."""
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__


class ClientError(ApiError):
    """The request is wrong: answered at once, never retried, never sent upstream."""


def invalid_request(message: str) -> ClientError:
    """Returns the error of a request that breaks the API's rules."""
    return ClientError(ErrorType.INVALID_REQUEST, message)


class UpstreamError(ApiError):
    """The upstream failed: retried or handed to the next candidate, else told to the client."""

    def saying(self, message: str) -> UpstreamError:
        """Returns the same error in other words."""
        return UpstreamError(
            self.type,
            message,
            status=self.status,
            retry_after_s=self.retry_after_s,
            should_retry=self.should_retry,
            details=self.details,
        )
