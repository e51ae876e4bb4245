"""Keeps the accounts: reserves before a request is sent, books what it cost when it has ended.

The rules:

1. Where no budget applies, a request costs the loop one entry in a queue; a second later it is written.
2. Where one does, the most the request can cost is counted as reserved at once and is on the disk before the
   upstream is asked. A disk that cannot keep it refuses the request: a budget must survive a crash.
3. A request that asks again (a tool's result, an invalid answer, another candidate) reserves what it has cost
   so far and the most that the next answer can; it is not judged by what it has reserved itself.
4. Bookings may be lost in a crash, but never a reservation: it then counts as spent (`store.ledger`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import structlog

from proxy.config import Candidate, ProxyConfig
from proxy.context import RequestContext
from proxy.events import BudgetReached, EventSink, SpendingRead
from proxy.messages.cache_rules import caches_for_an_hour
from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.request import MessagesRequest
from proxy.routing.aliases import Route
from proxy.routing.budgets import Account, BudgetState, Charge, alert_at, all_limits, limits_of
from proxy.service.booking import Booking, entry_of, paid_for
from proxy.service.ledger_writer import LedgerWriter
from proxy.service.prices import PriceList, PriceOf, is_free, most_of
from proxy.service.record import RequestRecord
from proxy.service.waiting_room import WaitingRoom
from proxy.store.ledger_values import DayTotal, Reservation, total_of
from proxy.store.values import StoreError
from proxy.tasks import spawn

if TYPE_CHECKING:  # the store loads SQLAlchemy, which the program's start must not wait for
    from proxy.store.ledger import LedgerStore

_log = structlog.get_logger("proxy.service")

_PRUNE_EVERY_S = 3600.0
_COME_BACK_AFTER_S = 5.0
"""Told to a client for whose request there is no room beside those under way; clients try some ten times."""
_SERIOUS = 80
"""Percent of a budget from which its use is a warning."""

OpenStore = Callable[[], Awaitable["LedgerStore"]]
CountTokens = Callable[[MessagesRequest, str], Awaitable[int]]
"""Estimates a request's input tokens in a model."""

_NOT_BOOKED = "/v1/messages/count_tokens"


def local_day(seconds: float) -> date:
    """Returns the day of a moment, in this machine's time zone."""
    return datetime.fromtimestamp(seconds).astimezone().date()


@dataclass(frozen=True, slots=True)
class Spending:
    """What was spent, for whoever shows it."""

    today: DayTotal
    month: DayTotal
    budgets: tuple[BudgetState, ...]
    by_token: tuple[DayTotal, ...] = ()
    """This month, by token; `day` is the last day on which it was used."""


class Ledger:
    """The accounts of one server."""

    def __init__(
        self,
        config: ProxyConfig,
        *,
        price_of: PriceOf,
        wall_clock: Callable[[], float],
        day_of: Callable[[float], date] = local_day,
        open_store: OpenStore | None = None,
        emit: EventSink | None = None,
    ) -> None:
        """Makes the accounts.

        Args:
            config: Budgets and prices; `apply` changes them.
            price_of: What a provider's own list says.
            wall_clock: Seconds since the epoch.
            day_of: The day of a moment, in the user's time zone.
            open_store: Opens what is on the disk; None: the accounts are in memory only.
            emit: Is told when a budget comes near its end and when the disk was read; None: nobody is.
        """
        self._config = config
        self._price_of = price_of
        self._prices = PriceList(config, price_of)
        self._clock = wall_clock
        self._day_of = day_of
        self._open_store = open_store
        self._emit = emit
        self._account = Account()
        self._days: dict[tuple[str, str, str | None], DayTotal] = {}
        self._reserved: dict[str, Charge] = {}
        self._on_disk: dict[str, int] = {}
        """Requests whose reservation was, or may have been, written, and how much it is."""
        self._waiting = WaitingRoom()
        """For room in a budget."""
        self._writer = LedgerWriter(self._store, self._prune)
        self._begun: asyncio.Task[None] | None = None
        self._opening: asyncio.Lock = asyncio.Lock()
        self._is_open = open_store is None
        self._pruned_at, self._minute = 0.0, -1
        self._day = day_of(wall_clock())

    def apply(self, config: ProxyConfig) -> None:
        """Uses other budgets and prices from the next request on; what was spent stays."""
        self._config = config
        self._prices = PriceList(config, self._price_of)
        self._waiting.wake()

    def begin(self) -> None:
        """Reads in the background what was spent, so that nobody has to wait for it."""
        if not self._is_open:
            self._begun = spawn(self._begin(), name="open the ledger")

    async def reserve(
        self, record: RequestRecord, request: MessagesRequest, route: Route, count_tokens: CountTokens
    ) -> Route:
        """Sets aside the most a request can cost, where a budget applies; durable when it returns.

        Args:
            record: Whose request it is. What it has cost so far counts as it is, its own reservation not.
            request: What the model is asked now.
            route: What may serve it; the dearest candidate counts.
            count_tokens: Estimates its input.

        Returns:
            The route; without those that cost something, where only those that cost nothing may go on.

        Raises:
            ClientError: A budget is used up, or has no room for long (429); nothing more was set aside.
            StoreError: The reservation cannot be written.
        """
        limits = limits_of(self._config, record.context.token_name, route.alias)
        if not limits or self._free(route) == route.candidates:
            return route
        await self._opened()
        record.input_guess = await count_tokens(request, route.candidates[0].model)
        await self._waiting.give_way()
        return await self._reserve(record, request, route)

    async def reserve_again(
        self, record: RequestRecord, request: MessagesRequest, route: Route, candidate: Candidate
    ) -> None:
        """Sets aside what a further question costs at most, where an earlier one must be paid for already.

        Raises:
            ClientError: A budget is used up, or has no room for long (429); nothing more was set aside.
            StoreError: The reservation cannot be written.
        """
        if record.input_guess is not None and record.has_new_use:
            await self._reserve(record, request, replace(route, candidates=(candidate,)))

    def settle(self, record: RequestRecord) -> None:
        """Counts what was used so far in place of what was reserved; the request may go on or end."""
        reserved = self._reserved.get(record.context.request_id)
        if reserved is not None:
            spent = paid_for(record.uses(), self._prices)[1]
            self._hold(record.context.request_id, replace(reserved, micro_usd=spent))

    def book(self, booking: Booking) -> None:
        """Counts what a request cost in place of what was reserved; written soon."""
        if booking.context.path == _NOT_BOOKED:
            return
        reserved = self._release(booking.context.request_id)
        day = self._today() if reserved is None else reserved.day
        was_written = self._on_disk.pop(booking.context.request_id, None) is not None
        entry = entry_of(booking, self._prices, day, was_reserved=was_written)
        limits = limits_of(self._config, entry.request.token, entry.request.alias)
        before = [self._account.standing(each, self._day) for each in limits]
        self._count(total_of(entry))
        for each in before:
            self._alert(each)
        if self._open_store is not None:
            self._writer.add(entry)

    def spending(self) -> Spending:
        """Returns what was spent today and this month, and how each budget stands."""
        today = self._today()
        day = month = DayTotal(today.isoformat(), "", None)
        by_token: dict[str, DayTotal] = {}
        for each in self._days.values():
            if not each.day.startswith(today.isoformat()[:7]):
                continue
            month = month.plus(each)
            if each.day == day.day:
                day = day.plus(each)
            earlier = by_token.get(each.token)
            last = each.day if earlier is None else max(each.day, earlier.day)
            empty = DayTotal(last, each.token, None)
            by_token[each.token] = empty.plus(each) if earlier is None else empty.plus(earlier).plus(each)
        standings = tuple(self._account.standing(each, today) for each in all_limits(self._config))
        return Spending(day, month, standings, tuple(by_token.values()))

    async def flush(self) -> None:
        """Writes what waits, if it can be written; to be called before the store is closed."""
        if self._begun is not None:
            await asyncio.wait({self._begun})
        await self._writer.flush()

    async def close(self) -> None:
        """Ends all work, after `flush`; what could not be written is lost."""
        await self._writer.close()
        if self._open_store is not None:  # the next start reads it anew
            self._is_open, self._account, self._days = False, Account(), {}

    # Counting -------------------------------------------------------------------------------

    async def _reserve(self, record: RequestRecord, request: MessagesRequest, route: Route) -> Route:
        context = record.context
        spent = paid_for(record.uses(), self._prices)[1]
        charge = Charge(self._today(), context.token_name, route.alias, spent)
        self._hold(context.request_id, charge)
        route = await self._within_budgets(route, charge)
        # From the check to the reservation nothing waits: requests that come together see each other's.
        prices, tokens = (self._prices.price(each)[0] for each in route.candidates), record.input_guess or 0
        hour = caches_for_an_hour(request)
        most = max(most_of(each, tokens, request.max_tokens, for_an_hour=hour) for each in prices)
        charge = replace(charge, micro_usd=spent + most)
        self._hold(context.request_id, charge)
        if self._open_store is not None and self._on_disk.get(context.request_id, 0) < charge.micro_usd:
            await self._keep(record, request, charge)
        record.reserved()
        return route

    async def _within_budgets(self, route: Route, held: Charge) -> Route:
        """Returns the candidates that budgets let through; waits for room as for a candidate.

        Args:
            route: The candidates. No budget is in the way of those that cost nothing.
            held: What the request has cost so far; it is reserved.

        Raises:
            ClientError: A budget is used up, or other requests leave no room in it (429).
        """
        clock = asyncio.get_running_loop().time
        until = clock() + self._config.retry.longest_wait_s
        free = self._free(route)
        while free != route.candidates and (refused := self._refused(held)) is not None:
            if free:
                paid = (each for each in route.candidates if each not in free)
                names = ", ".join(f"{each.provider}/{each.model}" for each in paid)
                reason = f"{route.reason}; skipped {names}: {refused.words}"
                return replace(route, candidates=free, reason=reason)
            if refused.is_used_up:
                raise ClientError(ErrorType.RATE_LIMIT, refused.refusal(held.token), should_retry=False)
            if not await self._waiting.is_woken_in(until - clock()):
                raise ClientError(
                    ErrorType.RATE_LIMIT,
                    refused.refusal(held.token),
                    retry_after_s=_COME_BACK_AFTER_S,
                    should_retry=True,
                )
        return route

    def _free(self, route: Route) -> tuple[Candidate, ...]:
        return tuple(each for each in route.candidates if is_free(self._prices.price(each)[0]))

    def _refused(self, held: Charge) -> BudgetState | None:
        """Returns the budget that does not let a request go on; what it has cost so far is spent."""
        limits = limits_of(self._config, held.token, held.alias)
        full = self._account.without_room(limits, self._today())
        if full is None:
            return None
        spent, reserved = full.spent_micro_usd + held.micro_usd, full.reserved_micro_usd - held.micro_usd
        return replace(full, spent_micro_usd=spent, reserved_micro_usd=reserved)

    async def _keep(self, record: RequestRecord, request: MessagesRequest, charge: Charge) -> None:
        """Writes a reservation; a smaller one that is there stays until then, so a crash never costs less."""
        context = record.context
        self._on_disk[context.request_id] = charge.micro_usd
        try:
            await self._writer.reserve(_reservation(context, request, charge, round(self._clock() * 1e6)))
        except StoreError:
            self._release(context.request_id)
            raise

    def _hold(self, request_id: str, charge: Charge) -> None:
        """Reserves in place of what the request had reserved."""
        self._release(request_id)
        self._account.reserve(charge)
        self._reserved[request_id] = charge

    def _release(self, request_id: str) -> Charge | None:
        reserved = self._reserved.pop(request_id, None)
        if reserved is not None:
            self._account.release(reserved)
            self._waiting.wake()
        return reserved

    def _alert(self, before: BudgetState) -> None:
        after = self._account.standing(before.limit, self._day)
        percent = alert_at(before.limit, before.spent_micro_usd, after.spent_micro_usd)
        if percent is None:
            return
        (kind, name), period = before.limit.scope, before.limit.period
        spent, limit = after.spent_micro_usd, before.limit.micro_usd
        log = _log.info if percent < _SERIOUS else _log.warning
        log(
            "budget_reached", budget=f"{kind} {name}".strip(), period=period, percent=percent,
            spent_micro_usd=spent, limit_micro_usd=limit,
        )  # fmt: skip
        if self._emit is not None:
            self._emit(BudgetReached(kind, name, period, percent, spent, limit))

    def _today(self) -> date:
        minute = int(self._clock() // 60)
        if minute == self._minute:  # days begin with whole minutes, whatever the time zone
            return self._day
        self._minute = minute
        self._prices = PriceList(self._config, self._price_of)  # its dearest price may have changed
        today = self._day_of(self._clock())
        if today != self._day:
            self._day = today
            self._forget(today)
        return today

    def _forget(self, today: date) -> None:
        month = today.isoformat()[:7]
        self._account.forget_before(today)
        for key in [each for each in self._days if each[0][:7] < month]:
            del self._days[key]

    def _count(self, total: DayTotal) -> None:
        key = (total.day, total.token, total.alias)
        earlier = self._days.get(key)
        self._days[key] = total if earlier is None else earlier.plus(total)
        self._account.spend(Charge(date.fromisoformat(total.day), total.token, total.alias, total.micro_usd))

    # The disk -------------------------------------------------------------------------------

    async def _begin(self) -> None:
        try:
            await self._opened()
        except StoreError as error:
            _log.info("ledger_unavailable", reason=error.message)  # whoever opens the store has warned

    async def _opened(self) -> None:
        """Adds what the disk knows to what was counted since the start; once.

        Raises:
            StoreError: It cannot be read.
        """
        if self._is_open or self._open_store is None:
            return
        async with self._opening:
            if self._is_open:
                return
            store = await self._open_store()
            interrupted = await store.settle_interrupted()
            for total in await store.days(self._today().isoformat()[:7]):
                self._count(total)
            self._is_open = True
            if self._emit is not None:
                self._emit(SpendingRead())
            if interrupted:
                _log.warning(
                    "reservations_counted_as_spent",
                    requests=len(interrupted),
                    micro_usd=sum(each.micro_usd for each in interrupted),
                )

    async def _store(self) -> LedgerStore:
        await self._opened()
        assert self._open_store is not None  # noqa: S101 - nothing is to be written without it
        return await self._open_store()

    async def _prune(self, store: LedgerStore) -> None:
        now = self._clock()
        if abs(now - self._pruned_at) >= _PRUNE_EVERY_S:
            self._pruned_at = now
            await store.prune(self._config.ledger, self._today(), round(now * 1e6))


def _reservation(
    context: RequestContext, request: MessagesRequest, charge: Charge, now_us: int
) -> Reservation:
    return Reservation(
        request_id=context.request_id,
        day=charge.day.isoformat(),
        token=charge.token,
        alias=charge.alias,
        micro_usd=charge.micro_usd,
        started_us=now_us,
        client=context.client,
        model_asked=request.model,
    )
