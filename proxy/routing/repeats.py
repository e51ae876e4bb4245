"""Watches for the very same request, sent again and again by a client that is stuck.

The rules:

1. A request counts once it was answered. One that failed does not, for a client may try again what failed,
   or what it left before an answer began; nor does one that is still being answered, for several answers at
   once are no loop.
2. When as many as the policy lets pass were answered within its time, the next one asks.
3. One that was refused is refused again, unasked, until it has not come for that time. The same conversation
   in another wrapping is refused with it: clients whose stream ended in an error ask once more without one.
4. One that was allowed for a while asks nothing until the while is over, whatever is refused meanwhile.
5. Only the latest different requests are remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from proxy.config import LoopGuardPolicy

Bill = TypeVar("Bill")
"""What an answer used, as far as whoever asks wants to know it."""

MOST_KEPT = 1024
"""Different requests that are remembered."""
_PROBE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Repeated(Generic[Bill]):
    """A request that came too often."""

    bills: tuple[Bill, ...]
    """Of those that were answered."""
    is_refused: bool
    """It was refused and has come again since: nobody is to be asked."""


def key_of(token: str, alias: str | None, body: bytes) -> int:
    """Returns what is equal for the same requests and, but for one chance in billions, for no others.

    The bytes count and not what they mean: a client that is stuck sends what it has sent, and to compare the
    meaning of a long conversation would cost more than all else that is done with it.
    """
    return hash((token, alias, body))


def is_probe(max_tokens: int, body: bytes) -> bool:
    """Says that a request is too small to cost anything: clients ask so whether their token is good."""
    return max_tokens <= 1 and len(body) <= _PROBE_BYTES


class Repeats(Generic[Bill]):
    """The requests of late, by `key_of`. A value in motion: no clock, no money, nobody who is asked."""

    def __init__(self) -> None:
        self._answered: dict[int, tuple[tuple[float, Bill], ...]] = {}
        """With when; the latest to be answered is last."""
        self._allowed_until: dict[int, float] = {}
        self._refused_at: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._answered)

    def has_refused(self, policy: LoopGuardPolicy, now: float) -> bool:
        """Says whether there is a request that is refused now."""
        refused, after = self._refused_at, now - policy.per_s
        while refused and refused[oldest := next(iter(refused))] <= after:
            del refused[oldest]
        return bool(refused)

    def is_allowed(self, key: int, now: float) -> bool:
        """Says whether a request passes unasked for a while."""
        return self._allowed_until.get(key, now) > now

    def judge(self, key: int, policy: LoopGuardPolicy, now: float) -> Repeated[Bill] | None:
        """Returns why a request that comes now must not pass unasked, or None: it may."""
        answered = self._answered.get(key)
        if answered is None and key not in self._refused_at:
            return None
        if self.is_allowed(key, now):
            return None
        after = now - policy.per_s
        bills = tuple(bill for at, bill in answered or () if at > after)
        if self._refused_at.get(key, after) > after:
            self.refuse(key, now)
            return Repeated(bills, is_refused=True)
        return Repeated(bills, is_refused=False) if len(bills) >= policy.repeats else None

    def answered(self, key: int, policy: LoopGuardPolicy, now: float, bill: Bill) -> None:
        """Counts a request that was answered now."""
        answered, after = self._answered, now - policy.per_s
        earlier = [each for each in answered.pop(key, ()) if each[0] > after]
        answered[key] = (*earlier, (now, bill))[-policy.repeats :]
        while (oldest := next(iter(answered))) != key and answered[oldest][-1][0] <= after:
            del answered[oldest]
        _forget_oldest(answered)

    def allow(self, key: int, until: float) -> None:
        """Lets a request pass unasked for a while."""
        self._refused_at.pop(key, None)
        self._allowed_until.pop(key, None)
        self._allowed_until[key] = until
        _forget_oldest(self._allowed_until)

    def refuse(self, key: int, now: float) -> None:
        """Refuses a request until it has not come for the policy's time."""
        self._refused_at.pop(key, None)
        self._refused_at[key] = now
        _forget_oldest(self._refused_at)


def _forget_oldest(kept: dict[int, Bill]) -> None:
    if len(kept) > MOST_KEPT:
        del kept[next(iter(kept))]
