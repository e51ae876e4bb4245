"""Tokens for further clients: made at random, shown once, kept as a hash in the settings."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import date
from difflib import get_close_matches
from typing import Any

from app.settings import Settings, name_problem
from app.settings_edit import Edit, Put, Remove
from app.settings_money import token_name_problem
from gui.spending import TokenDraft

SECTION = "tokens"
PREFIX = "sbx_"
"""By which a token of ours is known in a file or a log."""
_SHOWN = len(PREFIX) + 4


class TokenRefusal(Exception):
    """A token cannot be made or revoked; the text says why."""


def new_client_token() -> str:
    """Returns a fresh token with 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def create_edits(
    draft: TokenDraft, settings: Settings, today: date, *, make: Callable[[], str] = new_client_token
) -> tuple[str, list[Edit]]:
    """Returns a new token and the edits that make it known.

    Raises:
        TokenRefusal: The name cannot be used, or an alias or the workspace is not there.
    """
    problem = name_problem(draft.name) or token_name_problem(draft.name)
    if problem is not None:
        raise TokenRefusal(problem)
    if draft.name in settings.tokens:
        raise TokenRefusal(
            f"there is a token '{draft.name}' already; revoke it first, or choose another name"
        )
    for alias in draft.aliases:
        if alias not in settings.aliases:
            near = get_close_matches(alias, settings.aliases, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise TokenRefusal(f"no alias '{alias}'{hint}")
    if draft.workspace is not None and draft.workspace not in settings.workspaces:
        near = get_close_matches(draft.workspace, settings.workspaces, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise TokenRefusal(f"no workspace '{draft.workspace}'{hint}")
    token = make()
    value: dict[str, Any] = {
        "hash": hash_of(token),
        "prefix": token[:_SHOWN],
        "created": today.isoformat(),
    }
    limits = {"day_usd": draft.day_usd, "month_usd": draft.month_usd}
    budgets = {name: each for name, each in limits.items() if each is not None}
    if budgets:
        value["budgets"] = budgets
    if draft.aliases:
        value["aliases"] = list(draft.aliases)
    if draft.workspace is not None:
        value["workspace"] = draft.workspace
    return token, [Put((SECTION, draft.name), value)]


def revoke_edits(name: str, settings: Settings) -> list[Edit]:
    """Returns the edits that make a token worthless.

    Raises:
        TokenRefusal: There is none of that name.
    """
    if name not in settings.tokens:
        near = get_close_matches(name, settings.tokens, n=1)
        raise TokenRefusal(f"there is no token '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""))
    return [Remove((SECTION, name))]


def hash_of(token: str) -> str:
    """Returns what is kept of a token."""
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()
