"""Message Batches as the real API has them: create, list, retrieve, cancel, delete, results.

Each verb is for the owner that asks: a batch of another one is unknown to it.

Source: the Message Batches API. Where an error text is not published, ours says what is wrong and helps.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from proxy.context import Owner
from proxy.messages.errors import ClientError, ErrorType, invalid_request
from proxy.messages.message import JsonObject
from proxy.service.batch_body import read_batch
from proxy.service.batch_worker import PATH, BatchWorker, Means
from proxy.service.moments import moment_of, read_us
from proxy.store.folder import Draft, PrivateFolder, in_thread
from proxy.store.values import Batch, ResultRow, StoreError

if TYPE_CHECKING:  # the store loads SQLAlchemy, which the program's start must not wait for
    from proxy.store.batches import BatchStore

EXPIRES_AFTER_US = 24 * 3600 * 10**6
ARCHIVED_AFTER_US = 29 * 24 * 3600 * 10**6
"""Message Batches API: results are kept for 29 days after the batch was created."""
DEFAULT_LIMIT = 20
MAX_LIMIT = 1000
KEPT_HEADERS = ("anthropic-version", "anthropic-beta")
"""Of the headers a batch is created with, those that say how each of its requests is meant."""

_RESULT_ROWS = 50
"""How many results are read at once; each may hold a long answer."""


class BatchService:
    """The verbs of the Message Batches API."""

    def __init__(self, store: BatchStore, bodies: PrivateFolder, worker: BatchWorker, means: Means) -> None:
        self._store = store
        self._bodies = bodies
        self._worker = worker
        self._clock = means.clock
        self._new_id = means.new_id

    async def start(self) -> None:
        """Goes on with every batch that had not ended when the program did."""
        for batch in await self._store.unfinished():
            self._worker.take(batch)

    async def stop(self, grace_s: float) -> None:
        """Ends the work; what has no result is done after the next start."""
        await self._worker.stop(grace_s)

    async def settled(self, batch_id: str) -> None:
        """Waits until nothing more is done for a batch now."""
        await self._worker.settled(batch_id)

    async def tick(self) -> None:
        """Expires and archives what is due, and takes up what nobody works on; call it every minute."""
        now_us = read_us(self._clock)
        for batch in await self._store.unfinished():
            self._worker.take(batch)
            if batch.expires_us <= now_us:
                self._worker.expire(batch.id)
        await self._store.archive(now_us - ARCHIVED_AFTER_US, now_us)

    async def begin_body(self) -> Draft:
        """Returns where the body of a new batch is to be written."""
        return await self._bodies.draft()

    async def create(self, body: Draft, client: str, headers: Mapping[str, str], owner: Owner) -> Batch:
        """Creates a batch of `owner` from a body that was written to `body`, and begins its work.

        Raises:
            ClientError: The list of requests is not lawful.
        """
        await body.finish()
        requests = await in_thread(lambda: read_batch(body.path))
        now_us = read_us(self._clock)
        kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
        batch = Batch(
            id=self._new_id("msgbatch_"),
            total=len(requests),
            created_us=now_us,
            expires_us=now_us + EXPIRES_AFTER_US,
            client=client,
            headers=MappingProxyType(kept),
            token=owner.token,
            workspace=owner.workspace,
        )
        await body.commit(batch.id)
        try:
            await self._store.create(batch, requests)
        except StoreError:
            await self._bodies.remove(batch.id)
            raise
        self._worker.take(batch)
        return batch

    async def get(self, batch_id: str, owner: Owner) -> Batch:
        """Returns a batch.

        Raises:
            ClientError: The owner has none of that id (404).
        """
        batch = await self._store.get(batch_id)
        if batch is None or not owner.has(batch.owner):
            raise _unknown()
        return batch

    async def page(self, query: Mapping[str, str], owner: Owner) -> tuple[list[Batch], bool]:
        """Returns one page, newest first, and whether there is more (List: `after_id`, `before_id`, `limit`).

        Raises:
            ClientError: A paging parameter is wrong.
        """
        after, before = query.get("after_id") or None, query.get("before_id") or None
        if after is not None and before is not None:
            raise invalid_request("Only one of `after_id` and `before_id` may be given.")
        page = await self._store.page(owner, limit_of(query.get("limit")), after=after, before=before)
        if page is None:
            raise invalid_request(f"{'after_id' if after else 'before_id'}: there is no such message batch")
        return page

    async def cancel(self, batch_id: str, owner: Owner) -> Batch:
        """Begins to cancel a batch and returns it as `canceling`.

        Raises:
            ClientError: The owner has none of that id (404), or it has ended.
        """
        if (await self.get(batch_id, owner)).ended_us is not None:
            raise invalid_request("This message batch has ended; it can be canceled only before.")
        batch = await self._store.begin_cancel(batch_id, read_us(self._clock))
        if batch is None:
            raise _unknown()
        self._worker.cancel(batch_id)
        return batch

    async def delete(self, batch_id: str, owner: Owner) -> None:
        """Deletes an ended batch with its results.

        Raises:
            ClientError: The owner has none of that id (404), or it has not ended.
        """
        await self.get(batch_id, owner)
        deletion = await self._store.delete(batch_id)
        if deletion == "unknown":
            raise _unknown()
        if deletion == "not_ended":
            raise invalid_request(
                "A message batch can be deleted only once it has ended: to delete it now, cancel it first."
            )

    async def results(self, batch_id: str, owner: Owner) -> AsyncIterator[bytes]:
        """Returns the lines of a batch's results, some at a time.

        Raises:
            ClientError: The owner has none of that id, its results are gone (404), or it has not ended.
        """
        batch = await self.get(batch_id, owner)
        if batch.ended_us is None:
            raise invalid_request("This message batch has not ended: its results are available once it has.")
        if batch.archived_us is not None:
            raise ClientError(
                ErrorType.NOT_FOUND,
                "The results of this message batch were removed 29 days after its creation.",
            )
        return self._lines(batch_id)

    async def _lines(self, batch_id: str) -> AsyncIterator[bytes]:
        position = -1
        while rows := await self._store.results(batch_id, after=position, limit=_RESULT_ROWS):
            position = rows[-1].position
            yield "".join(result_line(row) for row in rows).encode()


def batch_view(batch: Batch, base_url: str) -> JsonObject:
    """Returns a batch in the API's shape; its `results_url` points back at us.

    Until the batch has ended every request counts as processing (`request_counts`: the others "are zero until
    processing of the entire Message Batch has ended").
    """
    has_ended = batch.ended_us is not None
    has_results = has_ended and batch.archived_us is None
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": batch.status,
        "request_counts": {
            "processing": 0 if has_ended else batch.total,
            "succeeded": batch.succeeded,
            "errored": batch.errored,
            "canceled": batch.canceled,
            "expired": batch.expired,
        },
        "ended_at": _time(batch.ended_us),
        "created_at": _time(batch.created_us),
        "expires_at": _time(batch.expires_us),
        "archived_at": _time(batch.archived_us),
        "cancel_initiated_at": _time(batch.cancel_us),
        "results_url": f"{base_url}{PATH}/{batch.id}/results" if has_results else None,
    }


def page_view(page: list[Batch], base_url: str, *, has_more: bool) -> JsonObject:
    """Returns a page of batches in the API's shape."""
    return {
        "data": [batch_view(batch, base_url) for batch in page],
        "has_more": has_more,
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
    }


def result_line(row: ResultRow) -> str:
    """Returns a result as its line of the JSONL file."""
    result = row.result or json.dumps({"type": row.outcome}, separators=(",", ":"))
    return f'{{"custom_id":{json.dumps(row.custom_id)},"result":{result}}}\n'


def limit_of(value: str | None) -> int:
    """Returns a page's size (1 to 1000, default 20).

    Raises:
        ClientError: It is not a number in that range.
    """
    if value is None:
        return DEFAULT_LIMIT
    if not (value.isascii() and value.isdecimal() and len(value) <= 9):
        raise invalid_request("limit: Input should be a valid integer, unable to parse string as an integer")
    if int(value) < 1:
        raise invalid_request("limit: Input should be greater than or equal to 1")
    if int(value) > MAX_LIMIT:
        raise invalid_request(f"limit: Input should be less than or equal to {MAX_LIMIT}")
    return int(value)


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else moment_of(at_us).isoformat(timespec="microseconds")


def _unknown() -> ClientError:
    return ClientError(ErrorType.NOT_FOUND, "There is no such message batch.")
