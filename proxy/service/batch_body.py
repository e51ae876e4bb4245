"""The body of a new batch, read without holding it: where each request lies, and what is wrong with the list.

A body may have 256 MiB, so it is looked at where it lies on the disk, one request at a time. Only what stands
around the requests and their `custom_id` is judged here; `params` are judged when a request is run (Message
Batches API: "the `params` of each request are validated asynchronously").
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from proxy.messages.errors import invalid_request
from proxy.messages.message import JsonObject
from proxy.messages.wire import InvalidJson, read_json
from proxy.store.values import NewRequest

MAX_REQUESTS = 100_000
"""Message Batches API, Create: at most 100,000 requests or 256 MB."""
MAX_BATCH_BYTES = 256 * 2**20

_Body = bytes | mmap.mmap

_SPACE = re.compile(rb"[ \t\n\r]*")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
# A lone quote is a step too, so that an unended string stops the search instead of making it quadratic.
_STEP = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["{}\[\]]', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\]}{\[\"]+")
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_UNREADABLE = "The request body is not valid JSON."


def read_batch(path: Path) -> list[NewRequest]:
    """Returns where each request of a batch's body lies. Blocks.

    Raises:
        ClientError: The body is not a list of requests with a lawful and unique `custom_id` each.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise invalid_request(_UNREADABLE)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
            return find_requests(body)


def find_requests(body: _Body) -> list[NewRequest]:
    """Returns where each request lies in `body`.

    Raises:
        ClientError: See `read_batch`.
    """
    found: list[NewRequest] = []
    places: dict[str, int] = {}
    for start, end in _elements(body):
        position = len(found)
        if position == MAX_REQUESTS:
            raise invalid_request(f"requests: List should have at most {MAX_REQUESTS} items after validation")
        custom_id = _custom_id(read_request(body[start:end], position), f"requests.{position}")
        first = places.setdefault(custom_id, position)
        if first != position:
            raise invalid_request(
                f"requests.{position}.custom_id: must be unique within the batch; requests.{first} has it too"
            )
        found.append(NewRequest(custom_id, start, end - start))
    if not found:
        raise invalid_request("requests: List should have at least 1 item after validation, not 0")
    return found


def read_request(data: bytes, position: int) -> JsonObject:
    """Returns one request of a batch.

    Raises:
        ClientError: It is not strict JSON, or not an object.
    """
    try:
        value = read_json(data)
    except InvalidJson as exc:
        raise invalid_request(f"requests.{position} {exc}.") from exc
    if not isinstance(value, dict):
        raise invalid_request(f"requests.{position}: Input should be an object")
    return cast("JsonObject", value)


def check_params(params: JsonObject) -> None:
    """Refuses what a request may not have inside of a batch.

    Raises:
        ClientError: `stream`, `speed`, `thread`, or `max_tokens: 0`, each of which needs somebody waiting.
    """
    if params.get("stream"):
        raise invalid_request("stream: streaming is not supported in a message batch")
    for name in ("speed", "thread"):
        if params.get(name) is not None:
            raise invalid_request(f"{name}: is not supported in a message batch")
    if params.get("max_tokens") == 0:
        raise invalid_request("max_tokens: Input should be greater than or equal to 1")


def _custom_id(request: JsonObject, at: str) -> str:
    for name in ("custom_id", "params"):
        if name not in request:
            raise invalid_request(f"{at}.{name}: Field required")
    for name in request:
        if name not in ("custom_id", "params"):
            raise invalid_request(f"{at}: Extra inputs are not permitted")
    if not isinstance(request["params"], dict):
        raise invalid_request(f"{at}.params: Input should be an object")
    custom_id: Any = request["custom_id"]
    if not isinstance(custom_id, str):
        raise invalid_request(f"{at}.custom_id: Input should be a valid string")
    if len(custom_id) > 64:
        raise invalid_request(f"{at}.custom_id: String should have at most 64 characters")
    if not custom_id:
        raise invalid_request(f"{at}.custom_id: String should have at least 1 character")
    if not _CUSTOM_ID.fullmatch(custom_id):
        raise invalid_request(f"{at}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
    return custom_id


def _elements(body: _Body) -> Iterator[tuple[int, int]]:
    """Yields where the elements of `requests` begin and end; what stands around them is checked strictly."""
    at = _expect(body, _skip_space(body, 0), b"{")
    at = _skip_space(body, at)
    if body[at : at + 1] == b"}":
        raise invalid_request("requests: Field required")
    key = _STRING.match(body, at)
    if key is None:
        raise invalid_request(_UNREADABLE)
    if key.group() != b'"requests"':
        raise invalid_request("The request body must hold `requests` and nothing else.")
    at = _skip_space(body, _expect(body, _skip_space(body, key.end()), b":"))
    if body[at : at + 1] != b"[":
        raise invalid_request("requests: Input should be a valid list")
    at = _skip_space(body, at + 1)
    if body[at : at + 1] != b"]":
        while True:
            end = _end_of_value(body, at)
            yield at, end
            at = _skip_space(body, end)
            if body[at : at + 1] == b"]":
                break
            at = _skip_space(body, _expect(body, at, b","))
    at = _skip_space(body, at + 1)
    if body[at : at + 1] == b",":
        raise invalid_request("The request body must hold `requests` and nothing else.")
    if _skip_space(body, _expect(body, at, b"}")) != len(body):
        raise invalid_request(_UNREADABLE)


def _end_of_value(body: _Body, start: int) -> int:
    """Returns where the value at `start` ends, judged by its brackets only: the strict reader comes after."""
    if body[start : start + 1] not in (b"{", b"["):
        scalar = _STRING.match(body, start) or _SCALAR.match(body, start)
        if scalar is None:
            raise invalid_request(_UNREADABLE)
        return scalar.end()
    depth = 0
    for step in _STEP.finditer(body, start):
        first = body[step.start()]
        if first in b"{[":
            depth += 1
        elif first in b"}]":
            depth -= 1
            if depth == 0:
                return step.end()
        elif step.end() - step.start() == 1:
            break
    raise invalid_request(_UNREADABLE)


def _skip_space(body: _Body, at: int) -> int:
    found = _SPACE.match(body, at)
    return found.end() if found is not None else at


def _expect(body: _Body, at: int, byte: bytes) -> int:
    if body[at : at + 1] != byte:
        raise invalid_request(_UNREADABLE)
    return at + 1
