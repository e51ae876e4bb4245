"""Which path goes where."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.messages.errors import ClientError
from proxy.server.routes import Match, match


def status(method: str, target: str) -> int:
    with pytest.raises(ClientError) as caught:
        match(method, target)
    return caught.value.status


def test_the_query_is_no_part_of_the_path() -> None:
    assert match("POST", "/v1/messages?beta=true") == Match("/v1/messages")


@pytest.mark.parametrize(
    "target",
    [
        "/v1//messages", "//v1/messages", "/v1/messages/", "/v1/%6dessages", "/v1/messages%00", "/V1/x",
        "/v1/messages;x=1", "/v1/%2e%2e/admin", "/v1/../v1/messages", "/admin", "/favicon.ico", "/nothing",
        "/static/..%2f..%2fetc/passwd", "/v1/models/", "/v1/models/..", "/v1/models/a%2f..%2fb",
        "/v1/models/%ff", "/v1/models/%00",
    ],
)  # fmt: skip
def test_a_path_that_is_not_exactly_known_is_404(target: str) -> None:
    assert status("GET" if "models" in target else "POST", target) == 404


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/v1/messages"), ("PUT", "/v1/messages"), ("post", "/v1/messages"), ("POST", "/v1/models"),
     ("POST", "/v1/models/x"), ("POST", "/health"), ("GET", "/"), ("OPTIONS", "/v1/messages")],
)  # fmt: skip
def test_a_wrong_method_is_405(method: str, target: str) -> None:
    assert status(method, target) == 405


def test_a_model_id_may_hold_slashes_escaped_or_not() -> None:
    for target in ("/v1/models/anthropic/claude-sonnet-4", "/v1/models/anthropic%2Fclaude-sonnet-4?x=1"):
        assert match("GET", target) == Match("/v1/models/{id}", "anthropic/claude-sonnet-4")


@pytest.mark.parametrize(
    "path",
    ["/v1/skills", "/v1/skills/x/versions", "/v1/complete"],
)
def test_parts_of_the_api_that_are_not_served_say_so(path: str) -> None:
    with pytest.raises(ClientError, match=r"Anthropic's containers|retired API") as caught:
        match("GET", path)
    assert caught.value.status == 404


@given(st.sampled_from(["GET", "POST", "HEAD", "DELETE"]), st.text())
def test_any_target_is_matched_or_refused(method: str, target: str) -> None:
    with suppress(ClientError):
        match(method, "/" + target)
