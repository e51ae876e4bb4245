"""Calls a server that speaks Anthropic Messages itself, over aiohttp; the body goes as it is.

A session that looks up nothing but its own settings: no SDK stands between, because there is nothing to
translate and every field must pass untouched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp

from proxy.config import ProviderConfig
from proxy.messages.message import JsonObject
from proxy.messages.wire import write_json
from proxy.upstreams.base import UpstreamAnswer
from proxy.upstreams.deadline import within
from proxy.upstreams.failures import Stage, failure_of
from proxy.upstreams.http_answer import USER_AGENT, HttpAnswer, make_session

DEFAULT_VERSION = "2023-06-01"
"""`anthropic-version` where the client sent none."""


class AnthropicCompatible:
    """One provider that speaks Anthropic Messages."""

    def __init__(self, provider: ProviderConfig) -> None:
        self._provider = provider
        self._session: aiohttp.ClientSession | None = None

    async def open(self, path: str, payload: JsonObject, headers: Mapping[str, str]) -> UpstreamAnswer:
        """Sends a request and waits for the status line.

        Raises:
            UpstreamError: No answer could be had.
        """
        session = self._session
        if session is None:
            session = self._session = make_session(self._provider)
        try:
            response = await within(
                self._provider.first_byte_timeout_s,
                session.post(
                    self._provider.base_url.rstrip("/") + path,
                    data=write_json(payload),
                    headers={"anthropic-version": DEFAULT_VERSION, **headers, **self._own_headers()},
                    allow_redirects=False,
                ),
            )
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as exc:
            raise failure_of(exc, self._provider, Stage.OPEN) from exc
        return HttpAnswer(response, self._provider)

    async def aclose(self) -> None:
        """Closes the kept connections."""
        if self._session is not None:
            await self._session.close()

    def _own_headers(self) -> dict[str, str]:
        credentials: dict[str, str] = {}
        if self._provider.key is not None:
            key = self._provider.key.get_secret_value()
            # Anthropic takes either; of the gateways that speak its protocol some know only one of them.
            credentials = {"x-api-key": key, "Authorization": f"Bearer {key}"}
        return {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": USER_AGENT,
            **credentials,
        }
