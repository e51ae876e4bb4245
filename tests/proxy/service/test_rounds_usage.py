"""What several rounds used together."""

from __future__ import annotations

from proxy.service.rounds_usage import RoundsUsage


def test_one_round_is_told_as_its_upstream_did() -> None:
    usage = RoundsUsage()
    usage.add({"input_tokens": 5, "output_tokens": 3})
    assert usage.total({"output_tokens": 3}) == {"output_tokens": 3}


def test_rounds_are_added_up_and_kept_as_iterations() -> None:
    usage = RoundsUsage()
    usage.add({"input_tokens": 5, "output_tokens": 3, "cache_read_input_tokens": 1, "service_tier": "x"})
    usage.add({"input_tokens": 7, "output_tokens": 2, "cache_read_input_tokens": 0, "service_tier": "x"})
    assert usage.total({}) == {
        "input_tokens": 12,
        "output_tokens": 5,
        "cache_read_input_tokens": 1,
        "service_tier": "x",
        "iterations": [
            {"type": "message", "input_tokens": 5, "output_tokens": 3, "cache_read_input_tokens": 1},
            {"type": "message", "input_tokens": 7, "output_tokens": 2, "cache_read_input_tokens": 0},
        ],
    }


def test_uses_of_the_apis_own_tools_are_counted_beside_the_upstreams() -> None:
    usage = RoundsUsage()
    usage.add({"input_tokens": 1, "server_tool_use": {"web_search_requests": 2}})
    usage.count("web_search_requests")
    usage.count("web_fetch_requests")
    total = usage.total({"server_tool_use": {"web_search_requests": 2}})
    assert total["server_tool_use"] == {"web_search_requests": 3, "web_fetch_requests": 1}


def test_an_upstream_that_says_it_used_none_does_not_hide_ours() -> None:
    usage = RoundsUsage()
    usage.add({"input_tokens": 1})
    usage.count("web_search_requests")
    assert usage.total({"server_tool_use": None})["server_tool_use"] == {"web_search_requests": 1}
