"""The table of error types and statuses, through the real SDK."""

from __future__ import annotations

import anthropic
import httpx2
import pytest
from anthropic import Anthropic

from proxy.messages.errors import STATUS_OF, ApiError, ClientError, ErrorType, forget_frames

CLASSES: dict[ErrorType, type[anthropic.APIStatusError]] = {
    ErrorType.INVALID_REQUEST: anthropic.BadRequestError,
    ErrorType.AUTHENTICATION: anthropic.AuthenticationError,
    ErrorType.BILLING: anthropic.APIStatusError,
    ErrorType.PERMISSION: anthropic.PermissionDeniedError,
    ErrorType.NOT_FOUND: anthropic.NotFoundError,
    ErrorType.CONFLICT: anthropic.ConflictError,
    ErrorType.REQUEST_TOO_LARGE: anthropic.APIStatusError,
    ErrorType.RATE_LIMIT: anthropic.RateLimitError,
    ErrorType.API: anthropic.InternalServerError,
    ErrorType.TIMEOUT: anthropic.InternalServerError,
    ErrorType.OVERLOADED: anthropic.InternalServerError,
}


@pytest.mark.parametrize("kind", list(ErrorType))
def test_each_type_comes_out_of_the_sdk_as_its_exception(kind: ErrorType) -> None:
    error = ClientError(kind, "why")

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(error.status, json=error.body("req_1"), headers={"request-id": "req_1"})

    client = Anthropic(
        api_key="none",
        max_retries=0,
        base_url="http://127.0.0.1:1",
        http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
    )
    with pytest.raises(CLASSES[kind]) as caught:
        client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "a"}])
    assert (caught.value.status_code, caught.value.type, caught.value.request_id) == (
        STATUS_OF[kind],
        kind.value,
        "req_1",
    )


def test_details_stand_in_the_body_only_where_there_are_some() -> None:
    assert ApiError(ErrorType.API, "x").body(None) == {
        "type": "error",
        "error": {"type": "api_error", "message": "x"},
        "request_id": None,
    }
    detailed = ApiError(ErrorType.INVALID_REQUEST, "x", status=422, details={"error_code": "y"})
    assert (detailed.status, detailed.body("r")["error"]["details"]) == (422, {"error_code": "y"})


def test_the_frames_an_error_and_its_causes_came_through_can_be_forgotten() -> None:
    def translated(error: Exception, into: Exception) -> None:
        try:
            raise error
        except type(error) as exc:
            raise into from exc

    first, second, third = OSError("first"), ValueError("second"), ApiError(ErrorType.API, "third")
    with pytest.raises(ValueError, match="second"):
        translated(first, second)
    with pytest.raises(ApiError):
        translated(second, third)
    assert None not in [each.__traceback__ for each in (first, second, third)]

    forget_frames(third)
    assert [each.__traceback__ for each in (first, second, third)] == [None, None, None]
