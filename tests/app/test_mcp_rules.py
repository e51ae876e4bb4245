"""MCP servers' results as people read them."""

from __future__ import annotations

from app.mcp_rules import MAX_SHOWN_CHARS, shown_of


def test_a_long_result_is_cut_and_a_secret_at_the_cut_is_not_halved() -> None:
    secret = "made-up-" + "secret"
    text = "x" * (MAX_SHOWN_CHARS - 4) + secret + "y" * 500_000
    given: list[int] = []

    def redact(piece: str) -> str:
        given.append(len(piece))
        return piece.replace(secret, "[…]")

    shown = shown_of(text, redact)
    assert "made" not in shown
    assert shown.endswith(f"[cut here: the result has {len(text)} characters]")
    assert given[0] < 50_000
    assert shown_of(secret, redact) == "[…]"
