"""Counts a request's input tokens: by the upstream where it has a count of its own, else by an estimate.

Estimates run in threads and are corrected by what upstreams really counted in answers. One counter lives as
long as the server; it keeps nothing of any request.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import structlog

from proxy.config import ProxyConfig
from proxy.dialects.base import Dialect, Target
from proxy.dialects.openai_chat_tools import asks_web_search
from proxy.messages.errors import ApiError
from proxy.messages.request import MessagesRequest
from proxy.messages.token_correction import TokenCorrection
from proxy.messages.token_estimate import estimate_tokens
from proxy.messages.token_families import family_of
from proxy.messages.vocabulary import load
from proxy.routing.budgets import all_limits
from proxy.tasks import spawn
from proxy.upstreams.base import Upstream

_log = structlog.get_logger("proxy.service")

COUNT_PATH = "/v1/messages/count_tokens"
TIMEOUT_S = 10.0
"""An upstream that takes longer to count is not waited for: `/context` asks 25 times at once."""
_MAX_BYTES = 64 * 1024
_ALL_OF_FIRST = 64
"""So many answers of a model are compared with their estimates."""
_THEN_EACH = 128
"""Then one of so many: comparing each took a quarter of the proxy's time under load."""
_NO_SUCH_PATH = (404, 405, 501)
_NOT_COUNTED = ("max_tokens", "stream")
"""Fields of a Messages request that the counting endpoint refuses."""


def models_counted_first(config: ProxyConfig) -> set[str]:
    """Returns the models whose very first request waits for an estimate: for a route's size or a budget.

    A vocabulary takes 20 to 40 MB, so those of the others are loaded when somebody counts.
    """
    if not all_limits(config) and all(rule.when.min_tokens is None for rule in config.routes):
        return set()
    candidates = {each for alias in config.aliases for each in alias.candidates}
    return {each.model for each in candidates if each.provider in config.providers}


class TokenCounter:
    """Counts for all upstreams."""

    def __init__(self) -> None:
        self._correction = TokenCorrection()
        self._loading: dict[str, asyncio.Task[object]] = {}
        self._is_observing = False
        self._answers: Counter[str] = Counter()
        self._cannot_count: set[str] = set()

    def preload(self, models: Iterable[str]) -> None:
        """Loads the vocabularies of these models in the background, so that no count waits for them."""
        for model in models:
            self._load(family_of(model).vocabulary)

    async def estimate(self, request: MessagesRequest, model: str) -> int:
        """Returns the input tokens the request should have in the upstream's model."""
        return self._correction.corrected(model, await self._uncorrected(request, model))

    async def ask(
        self,
        upstream: Upstream,
        dialect: Dialect,
        request: MessagesRequest,
        target: Target,
        headers: Mapping[str, str],
    ) -> int | None:
        """Returns what an upstream that speaks the protocol counts itself; None: it could not be had."""
        if target.provider in self._cannot_count:
            return None
        payload = dialect.encode_request(request, target).payload
        for name in _NOT_COUNTED:
            payload.pop(name, None)
        try:
            status, tokens = await asyncio.wait_for(_ask(upstream, payload, headers), TIMEOUT_S)
        except (ApiError, asyncio.TimeoutError) as exc:
            _log.info("count_unavailable", provider=target.provider, reason=str(exc) or "no answer in time")
            return None
        if status in _NO_SUCH_PATH:
            self._cannot_count.add(target.provider)
        if tokens is None:
            _log.info("count_unavailable", provider=target.provider, reason=f"HTTP {status}")
        return tokens

    def forget_failures(self) -> None:
        """Asks every upstream again: the settings changed."""
        self._cannot_count.clear()

    def observe(self, request: MessagesRequest, model: str, usage: Mapping[str, Any]) -> None:
        """Learns in the background from an answer's usage how far the estimate for the model is off.

        Only once somebody has counted: nobody else needs the vocabulary, which takes 40 MB. One answer at a
        time: while one is looked at, others are passed over. So are most answers of a model once it is
        known, because an estimate costs as much as the request did; and answers in which the upstream ran
        tools, because it counts their results too.
        """
        if family_of(model).vocabulary not in self._loading:
            return
        counts = (usage.get(f"{kind}input_tokens") for kind in ("", "cache_read_", "cache_creation_"))
        actual = sum(count for count in counts if isinstance(count, int))
        if actual <= 0 or self._is_observing or usage.get("server_tool_use") or _runs_server_tools(request):
            return
        self._answers[model] += 1
        if self._answers[model] > _ALL_OF_FIRST and self._answers[model] % _THEN_EACH:
            return
        self._is_observing = True
        task = spawn(self._observe(request, model, actual), name="compare a token estimate")
        task.add_done_callback(lambda _: setattr(self, "_is_observing", False))

    async def _observe(self, request: MessagesRequest, model: str, actual: int) -> None:
        estimated = await self._uncorrected(request, model)
        self._correction = self._correction.observe(model, estimated, actual)

    async def _uncorrected(self, request: MessagesRequest, model: str) -> int:
        await asyncio.shield(self._load(family_of(model).vocabulary))
        return await asyncio.to_thread(estimate_tokens, request, model)

    def _load(self, vocabulary: str) -> asyncio.Task[object]:
        """Loads once, however many ask: it takes up to half a second of a core."""
        task = self._loading.get(vocabulary)
        if task is None:
            task = spawn(asyncio.to_thread(load, vocabulary), name=f"load the vocabulary {vocabulary}")
            self._loading[vocabulary] = task
        return task


async def _ask(
    upstream: Upstream, payload: dict[str, Any], headers: Mapping[str, str]
) -> tuple[int, int | None]:
    answer = await upstream.open(COUNT_PATH, payload, headers)
    try:
        body = b""
        while piece := await answer.read():
            body += piece
            if len(body) > _MAX_BYTES:
                break
    finally:
        await answer.aclose()
    return answer.status, _tokens_in(body) if answer.status == 200 else None


def _tokens_in(body: bytes) -> int | None:
    try:
        value: Any = orjson.loads(body)
        tokens: Any = value["input_tokens"]
    except (ValueError, KeyError, TypeError):
        return None
    return tokens if isinstance(tokens, int) and not isinstance(tokens, bool) and tokens >= 0 else None


def _runs_server_tools(request: MessagesRequest) -> bool:
    """Whether the upstream could run tools of its own for this request."""
    extra = request.model_extra or {}
    return asks_web_search(request) or bool(extra.get("mcp_servers") or extra.get("container"))
