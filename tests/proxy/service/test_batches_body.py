"""The body of a new batch, read where it lies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.messages.errors import ClientError
from proxy.service import batch_body
from proxy.service.batch_body import find_requests, read_request

values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(
    st.lists(st.dictionaries(st.text(), values), min_size=1, max_size=5),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
)
def test_every_request_is_found_where_it_lies(
    bodies: list[dict[str, Any]], indent: Any, ascii_only: bool
) -> None:
    requests = [{"custom_id": f"c{n}", "params": params} for n, params in enumerate(bodies)]
    text = json.dumps({"requests": requests}, indent=indent, ensure_ascii=ascii_only)
    body = text.encode("utf-8", "surrogatepass")
    if not ascii_only and any("\ud800" <= char <= "\udfff" for char in text):
        return
    found = find_requests(body)
    assert [each.custom_id for each in found] == [each["custom_id"] for each in requests]
    for position, each in enumerate(found):
        assert read_request(body[each.offset : each.offset + each.length], position) == requests[position]


@given(st.binary(max_size=60).map(lambda noise: b'{"requests":[{"custom_id":"a","params":{}}' + noise))
def test_noise_behind_a_request_is_refused_or_lawful_json(body: bytes) -> None:
    try:
        found = find_requests(body)
    except ClientError:
        return
    assert [each["custom_id"] for each in json.loads(body)["requests"]] == [each.custom_id for each in found]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"requests"}',
        b'{"requests":[{"custom_id":"a","params":{}}]',
        b'{"requests":[{"custom_id":"a","params":{}},]}',
        b'{"requests":[{"custom_id":"a","params":{}}]} x',
        b'{"requests":[{"custom_id":"a","params":{}}],"requests":[]}',
        b'{"requests":[{"custom_id":"a","params":[}}]}',
        b'{"requests":[{"custom_id":"a","custom_id":"b","params":{}}]}',
        b'{"requests":[{"custom_id":"a","params":{"x":NaN}}]}',
        b'{"requests":[{"custom_id":"a","params":{}} {"custom_id":"b","params":{}}]}',
        b'{"requests":[{"custom_id":"a","params":{"x":"\xff"}}]}',
        b'{"other":1,"requests":[{"custom_id":"a","params":{}}]}',
        b'{"requests":[{"custom_id":"a","params":{}}],"other":1}',
        b'{"requests":["' + b'\\"' * 500_000,
    ],
)
def test_what_is_no_lawful_list_is_refused(body: bytes) -> None:
    with pytest.raises(ClientError):
        find_requests(body)


def test_more_than_100_000_requests_are_refused() -> None:
    one = b'{"custom_id":"c%d","params":{}}'
    many = b",".join(one % number for number in range(batch_body.MAX_REQUESTS + 1))
    with pytest.raises(ClientError, match="at most 100000"):
        find_requests(b'{"requests":[' + many + b"]}")
