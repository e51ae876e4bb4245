"""Works on batches: takes their pending requests in order, a few at a time, and makes each result durable.

The rules:

1. A provider has a fixed number of places, shared by all batches and given in the order they are asked for.
2. Nothing says "being worked on" but this process's memory. What has no durable result when the process dies
   is run again; the store lets only the first result of a request in.
3. A failure that may pass (429, overload, a broken connection) is tried again in its place before it becomes
   the result. A result that cannot be stored is held until it can be.
4. Canceling lets requests that are under way finish; expiry ends them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import structlog

from proxy.context import NewId, RequestContext
from proxy.messages.errors import ApiError, ErrorType, UpstreamError
from proxy.messages.message import JsonObject
from proxy.messages.wire import write_json
from proxy.service.batch_body import check_params, read_request
from proxy.service.moments import read_us
from proxy.store.folder import PrivateFolder
from proxy.store.values import Batch, Outcome, PendingRequest, StoreError
from proxy.tasks import spawn

if TYPE_CHECKING:  # the store loads SQLAlchemy, which the program's start must not wait for
    from proxy.store.batches import BatchStore

_log = structlog.get_logger("proxy.service")

T = TypeVar("T")

PATH = "/v1/messages/batches"
_WINDOW = 100
"""How many pending requests are looked up at once."""
_LOOK_AGAIN_S = 5.0
"""Between two looks whether requests are served now."""
_LAST_STORE_S = 5.0
"""What a failing store gets at the end to take what is left."""


class RunMessage(Protocol):
    """Serves one Messages request of a batch and returns the whole Message."""

    def __call__(self, params: JsonObject, context: RequestContext, batch: Batch, /) -> Awaitable[JsonObject]:
        """Raises ApiError where there is no answer."""
        ...


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much is done at once, and how patiently."""

    places_per_provider: int = 4
    tries: int = 5
    """Of one request, where its failure may pass."""
    longest_wait_s: float = 60.0
    """Between two tries, unless the upstream asks for more."""
    store_retry_s: float = 5.0
    """Between two tries to store a result."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the worker needs of the world around it."""

    run_message: RunMessage
    provider_of: Callable[[str, str], str]
    """The provider whose places a request needs, by its model's name and the name of the token it is for;
    raises ClientError for an unknown model."""
    clock: Callable[[], float]
    """Seconds since the epoch."""
    new_id: NewId
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    may_begin: Callable[[], bool] = lambda: True
    """Whether requests are served now; those that have not begun wait until they are."""


@dataclass(slots=True)
class _Run:
    """One batch that is being worked on."""

    batch: Batch
    rest: Outcome | None = None
    """What becomes of requests that have not begun; None: they are begun one after the other."""
    dispatch: asyncio.Task[None] | None = None
    work: asyncio.Task[None] | None = None
    in_flight: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def begin_no_more(self) -> None:
        if self.dispatch is not None:
            self.dispatch.cancel()


class BatchWorker:
    """Works on every batch it is given until it has ended."""

    def __init__(
        self, store: BatchStore, bodies: PrivateFolder, means: Means, limits: BatchLimits | None = None
    ) -> None:
        self._store = store
        self._bodies = bodies
        self._means = means
        self._limits = limits or BatchLimits()
        self._places: dict[str, asyncio.Semaphore] = {}
        self._runs: dict[str, _Run] = {}

    def take(self, batch: Batch) -> None:
        """Works on a batch from where it stands; one that is worked on already stays so."""
        if batch.id in self._runs:
            return
        run = self._runs[batch.id] = _Run(batch, rest=None if batch.cancel_us is None else "canceled")
        run.dispatch = spawn(self._dispatch(run), name=f"begin requests of {batch.id}")
        run.work = spawn(self._work(run, run.dispatch), name=f"work on {batch.id}")

    def cancel(self, batch_id: str) -> None:
        """Begins no further request of a batch; those not begun become canceled."""
        self._end(batch_id, "canceled", interrupt=False)

    def expire(self, batch_id: str) -> None:
        """Ends a batch at once; what has no result becomes expired."""
        self._end(batch_id, "expired", interrupt=True)

    async def settled(self, batch_id: str) -> None:
        """Waits until nothing more is done for a batch."""
        run = self._runs.get(batch_id)
        if run is not None and run.work is not None:
            await asyncio.wait({run.work})

    async def stop(self, grace_s: float) -> None:
        """Begins nothing more, gives what is under way `grace_s` seconds, then ends it without a result."""
        runs = list(self._runs.values())
        for run in runs:
            run.begin_no_more()
        tasks = {task for run in runs for task in run.in_flight}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            for task in late:
                task.cancel()
        works = {run.work for run in runs if run.work is not None}
        if works:
            _, waiting_for_store = await asyncio.wait(works, timeout=max(grace_s, _LAST_STORE_S))
            for work in waiting_for_store:
                work.cancel()

    def _end(self, batch_id: str, rest: Outcome, *, interrupt: bool) -> None:
        run = self._runs.get(batch_id)
        if run is None:
            return
        run.rest = run.rest or rest
        run.begin_no_more()
        if interrupt:
            for task in run.in_flight:
                task.cancel()

    async def _work(self, run: _Run, dispatch: asyncio.Task[None]) -> None:
        batch_id = run.batch.id
        await asyncio.wait({dispatch})
        while run.in_flight:
            await asyncio.wait(set(run.in_flight))
        rest = run.rest
        if rest is not None:
            await self._patiently(lambda: self._store.decide_rest(batch_id, rest, read_us(self._means.clock)))
        found = await self._patiently(lambda: self._store.get(batch_id))
        self._runs.pop(batch_id, None)
        if found is None or found.ended_us is not None:
            await self._bodies.remove(batch_id)
            _log.info("batch_ended", batch_id=batch_id)

    async def _dispatch(self, run: _Run) -> None:
        """Begins the pending requests in order, each when its provider has a place."""
        batch_id, position = run.batch.id, -1
        while run.rest is None:
            after = position
            window = await self._patiently(
                lambda: self._store.pending(batch_id, after=after, limit=_WINDOW)  # noqa: B023 - awaited here
            )
            if not window:
                return
            for request in window:
                position = request.position
                await self._begin(run, request)

    async def _begin(self, run: _Run, request: PendingRequest) -> None:
        await self._allowed()
        try:
            params = await self._params(run.batch, request)
            model = params.get("model")
            # Without a model there is nothing to route; serving it tells the client which field is missing.
            provider = ""
            if isinstance(model, str) and model:
                provider = self._means.provider_of(model, run.batch.token)
        except ApiError as error:
            await self._decide(run.batch, request, error, self._means.new_id("req_"))
            return
        places = self._places.setdefault(provider, asyncio.Semaphore(self._limits.places_per_provider))
        await places.acquire()
        task = spawn(
            self._serve(run.batch, request, params), name=f"serve {request.custom_id} of {run.batch.id}"
        )
        run.in_flight.add(task)
        # Not in the task itself: one that is cancelled before it begins would never give its place back.
        task.add_done_callback(lambda done: (run.in_flight.discard(done), places.release()))

    async def _allowed(self) -> None:
        """Waits until requests are served."""
        while not self._means.may_begin():
            await self._means.sleep(_LOOK_AGAIN_S)

    async def _params(self, batch: Batch, request: PendingRequest) -> JsonObject:
        data = await self._bodies.read_part(batch.id, request.offset, request.length)
        if data is None:
            raise ApiError(ErrorType.API, "The body of this batch was lost; create it anew.")
        params: JsonObject = read_request(data, request.position)["params"]
        check_params(params)
        return params

    async def _serve(self, batch: Batch, request: PendingRequest, params: JsonObject) -> None:
        """Gives one request its result. A bug on the way is logged by the task wrapper and told as a 500."""
        context = RequestContext(
            self._means.new_id("req_"), client=batch.client, path=PATH, token_name=batch.token
        )
        answering = spawn(self._answer(batch, params, context), name=f"answer {context.request_id}")
        try:
            await asyncio.wait({answering})
        finally:
            answering.cancel()
        if answering.cancelled():
            return
        if answering.exception() is not None:
            answer: JsonObject | ApiError = ApiError(ErrorType.API, "Internal server error")
        else:
            answer = answering.result()
        await self._decide(batch, request, answer, context.request_id)

    async def _answer(
        self, batch: Batch, params: JsonObject, context: RequestContext
    ) -> JsonObject | ApiError:
        structlog.contextvars.bind_contextvars(request_id=context.request_id, batch_id=batch.id)
        tried = 0
        while True:
            await self._allowed()
            try:
                return await self._means.run_message(params, context, batch)
            except ApiError as error:
                tried += 1
                wait_s = wait_before_retry_s(error, tried, self._limits)
                if wait_s is None:
                    return error
                _log.info("batch_request_retried", status=error.status, tried=tried, wait_s=wait_s)
            await self._means.sleep(wait_s)
            context = replace(context, request_id=self._means.new_id("req_"))  # each is told and paid apart

    async def _decide(
        self, batch: Batch, request: PendingRequest, answer: JsonObject | ApiError, request_id: str
    ) -> None:
        outcome: Outcome
        result: dict[str, Any]
        if isinstance(answer, ApiError):
            outcome, result = "errored", {"type": "errored", "error": answer.body(request_id)}
        else:
            outcome, result = "succeeded", {"type": "succeeded", "message": answer}
        text = write_json(result).decode()
        await self._patiently(
            lambda: self._store.decide(batch.id, request.position, outcome, text, read_us(self._means.clock))
        )

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Tries until the store does it: a full disk must not lose what an upstream was paid for."""
        while True:
            try:
                return await work()
            except StoreError as error:
                _log.warning("batch_waits_for_store", reason=error.message)
            await self._means.sleep(self._limits.store_retry_s)


def wait_before_retry_s(error: ApiError, tried: int, limits: BatchLimits) -> float | None:
    """Returns how long to wait before a failed request is tried again, or None if it is not."""
    passes = error.status in (408, 429) or error.status >= 500
    is_worth_it = isinstance(error, UpstreamError) or error.should_retry is True  # as a crowded budget says
    if not is_worth_it or not passes or error.should_retry is False:
        return None
    if tried >= limits.tries:
        return None
    if error.retry_after_s is not None:
        return error.retry_after_s
    return min(limits.longest_wait_s, 2.0**tried)
