"""A model as the Models API shows it: what a client may send to a name of ours."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from proxy.dialects.profiles import Profile
from proxy.messages.message import JsonObject
from proxy.messages.rules import EFFORTS
from proxy.upstreams.model_entries import ModelEntry

_UNKNOWN_DATE = "1970-01-01T00:00:00Z"
"""What the Models API gives where a model's release date is not known."""


def model_row(name: str, shown: str, profile: Profile | None, entry: ModelEntry | None) -> dict[str, Any]:
    """Returns the row of a name.

    Args:
        name: The id that clients send.
        shown: The name for people.
        profile: What is known of the model that would answer; None: it is the demo.
        entry: What the upstream's own list says of it.
    """
    limits = (None, None) if profile is None else (entry and entry.context_tokens, profile.max_output_tokens)
    return {
        "type": "model",
        "id": name,
        "display_name": shown,
        "created_at": _date(entry.created_at if entry else None),
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "line": None,
        "max_input_tokens": limits[0],
        "max_tokens": limits[1],
        "capabilities": _capabilities(profile, entry) if profile is not None else None,
    }


def _date(seconds: int | None) -> str:
    if seconds is None or seconds > 2**33:
        return _UNKNOWN_DATE
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _capabilities(profile: Profile, entry: ModelEntry | None) -> JsonObject | None:
    """All capabilities, or None where the upstream's list does not tell enough to know them."""
    if entry is None or entry.inputs is None or entry.parameters is None:
        return None
    thinks = profile.reasoning_style != "none"
    searches = profile.web_search != "none"
    efforts = {level: _is(thinks and level in profile.reasoning_efforts) for level in EFFORTS}
    clearing = ("clear_thinking_20251015", "clear_tool_uses_20250919", "compact_20260112")
    return {
        "batch": _is(True),
        "citations": _is(False),
        "code_execution": _is(False),
        "context_management": {"supported": False, **{name: _is(False) for name in clearing}},
        "effort": {"supported": thinks and bool(profile.reasoning_efforts), **efforts},
        "image_input": _is(profile.images),
        "pdf_input": _is("file" in entry.inputs or profile.file_parts),
        "server_tools": {
            "supported": searches,
            "web_search": _is(searches),
            "code_execution": _is(False),
        },
        # Where the upstream enforces no schema, answers are checked here and asked for again.
        "structured_outputs": _is(True),
        "thinking": {
            "supported": thinks,
            "types": {
                "adaptive": _is(thinks),
                "enabled": _is(thinks),
                "disabled": _is(True),
                "between_tools": _is(True),
            },
        },
    }


def _is(supported: bool) -> JsonObject:
    return {"supported": supported}
