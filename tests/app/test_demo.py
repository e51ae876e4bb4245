"""The demo proves itself: it fails where the tool's word does not come back."""

from collections.abc import Mapping

import pytest

from app.demo import TOOL, random_word, run_demo
from proxy.config import ProviderConfig, ProxyConfig
from proxy.events import EventSink
from proxy.messages.message import JsonObject
from proxy.server.app import ProxyServer
from proxy.upstreams.base import UpstreamAnswer
from proxy.upstreams.demo import DemoAnswer, DemoUpstream
from tests.proxy.scripted import HOST


class _Forgetful:
    """A demo whose second answer does not hold what the tool returned."""

    def __init__(self, word: str) -> None:
        self._demo = DemoUpstream(pace_s=0)
        self._word = word.encode()

    async def open(self, path: str, payload: JsonObject, headers: Mapping[str, str]) -> UpstreamAnswer:
        answer = await self._demo.open(path, payload, headers)
        lines = tuple(line.replace(self._word, b"something") for line in answer.lines)
        return type(answer)(lines, answer.pace_s, answer.sleep)

    async def aclose(self) -> None:
        return


async def _run(word: str, upstream: DemoUpstream | _Forgetful) -> tuple[int, str]:
    shown: list[str] = []

    def make_upstream(_provider: ProviderConfig) -> DemoUpstream | _Forgetful:
        return upstream

    def make_server(config: ProxyConfig, emit: EventSink) -> ProxyServer:
        return ProxyServer(config, emit, host=HOST, make_upstream=make_upstream)

    code = await run_demo(shown.append, make_server, word)
    return code, "".join(shown)


async def test_the_word_of_the_tool_comes_back_in_the_last_answer() -> None:
    word = random_word()

    code, text = await _run(word, DemoUpstream(pace_s=0))

    assert code == 0
    assert text.count(word) == 2
    assert f"calls      {TOOL['name']}" in text
    assert "thinks" in text
    assert "built-in demo, not a real model" in text


async def test_it_fails_in_words_where_the_word_is_missing() -> None:
    word = random_word()

    code, text = await _run(word, _Forgetful(word))

    assert code == 1
    assert f"The demo failed: the last answer does not hold the word {word}" in text


def test_a_word_cannot_be_guessed() -> None:
    assert len({random_word() for _ in range(50)}) == 50


@pytest.mark.expects_log("request_failed")
async def test_it_fails_in_words_where_the_proxy_answers_with_an_error() -> None:
    class Broken(DemoUpstream):
        async def open(self, path: str, payload: JsonObject, headers: Mapping[str, str]) -> DemoAnswer:
            raise RuntimeError("a bug")

    code, text = await _run("word", Broken())

    assert code == 1
    assert "The demo failed: " in text
