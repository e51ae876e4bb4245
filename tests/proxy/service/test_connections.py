"""One upstream client a provider."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from proxy.config import ProviderConfig
from proxy.messages.errors import UpstreamError
from proxy.service.connections import Connections, check_key, upstream_of
from proxy.upstreams.anthropic_compatible import AnthropicCompatible
from proxy.upstreams.demo import DemoUpstream
from proxy.upstreams.openai_compatible import OpenAICompatible
from tests.proxy.scripted import ScriptedUpstream, provider


def made() -> tuple[Connections, list[ScriptedUpstream]]:
    upstreams: list[ScriptedUpstream] = []

    def make(_: ProviderConfig) -> ScriptedUpstream:
        upstreams.append(ScriptedUpstream())
        return upstreams[-1]

    return Connections(make), upstreams


async def test_a_provider_keeps_its_client_from_request_to_request() -> None:
    connections, upstreams = made()
    for _ in range(2):
        lease = await connections.lease(provider())
        assert lease.upstream is upstreams[0]
        await lease.release()
    assert len(upstreams) == 1


async def test_a_changed_key_makes_a_new_client_and_closes_the_old_one_after_its_last_use() -> None:
    connections, upstreams = made()
    old, new = provider(), provider(key=SecretStr("k"))
    lease = await connections.lease(old)
    await connections.retire_others({"one": new})
    assert not upstreams[0].is_closed
    assert (await connections.lease(new)).upstream is upstreams[1]
    await lease.release()
    assert [upstream.is_closed for upstream in upstreams] == [True, False]
    await connections.retire_others({"one": new})
    assert not upstreams[1].is_closed


async def test_closing_closes_what_nobody_uses() -> None:
    connections, upstreams = made()
    await (await connections.lease(provider())).release()
    await connections.aclose()
    assert upstreams[0].is_closed


def test_each_dialect_has_its_client() -> None:
    assert isinstance(upstream_of(provider(dialect="demo")), DemoUpstream)
    assert isinstance(upstream_of(provider(dialect="openai-chat")), OpenAICompatible)
    assert isinstance(upstream_of(provider(dialect="anthropic-messages")), AnthropicCompatible)


def test_only_a_key_that_is_named_and_lost_is_missing() -> None:
    check_key(provider())
    check_key(provider(key=SecretStr("k")))
    with pytest.raises(UpstreamError, match="it is locked") as caught:
        check_key(provider(key_missing="it is locked"))
    assert (caught.value.status, caught.value.should_retry) == (401, False)
