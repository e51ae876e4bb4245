"""Tool-call ids and tool names that both sides accept, made so that the way back needs no memory.

An upstream's id that the Messages API would refuse (`functions.read:0`) goes to the client inside an id of
ours and comes out of it again on the next request. A client's id or name that an upstream would refuse is
replaced by one derived from it, the same every time, so that the prefix of a conversation stays the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping

from proxy.context import NewId

MAX_ID = 64
"""Longer ids are refused by OpenAI."""

_CLIENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NINE = re.compile(r"[a-zA-Z0-9]{9}")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MARK = "_sbx_"


class ClientIds:
    """Gives each call of one answer an id that no other call of the conversation has."""

    def __init__(self, taken: Iterable[str], new_id: NewId) -> None:
        self._taken = set(taken)
        self._new_id = new_id

    def take(self, upstream_id: str) -> str:
        """Returns the id the client gets for a call."""
        lawful = bool(_CLIENT_ID.fullmatch(upstream_id)) and _MARK not in upstream_id
        if lawful and upstream_id not in self._taken:
            chosen = upstream_id
        else:
            chosen = self._new_id("toolu_")
            if upstream_id and not lawful:
                chosen = wrap_id(chosen, upstream_id)
        self._taken.add(chosen)
        return chosen


def wrap_id(fresh: str, upstream_id: str) -> str:
    """Returns an id that holds `upstream_id` behind a fresh one."""
    hidden = base64.b32encode(upstream_id.encode("utf-8", "replace")).decode().rstrip("=").lower()
    return f"{fresh}{_MARK}{hidden}"


def unwrap_id(client_id: str) -> str:
    """Returns the upstream's own id if `client_id` holds one, else `client_id`."""
    _, mark, hidden = client_id.rpartition(_MARK)
    if not mark or not hidden:
        return client_id
    try:
        return base64.b32decode(hidden.upper() + "=" * (-len(hidden) % 8)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return client_id


class UpstreamIds:
    """Gives each call of a conversation the id the upstream gets, in the order of the conversation."""

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._of: dict[str, str] = {}
        self._taken: set[str] = set()

    def take(self, client_id: str) -> str:
        """Returns the upstream's id for a call; the first use of an original id gets it back."""
        if client_id in self._of:
            return self._of[client_id]
        chosen = unwrap_id(client_id)
        if not self._is_accepted(chosen) or chosen in self._taken:
            chosen = client_id
        if not self._is_accepted(chosen) or chosen in self._taken:
            chosen = self._derived(client_id)
        self._of[client_id] = chosen
        self._taken.add(chosen)
        return chosen

    def _is_accepted(self, wanted: str) -> bool:
        if self._rule == "mistral9":
            return bool(_NINE.fullmatch(wanted))
        return 0 < len(wanted) <= MAX_ID

    def _derived(self, client_id: str) -> str:
        digest = hashlib.sha256(client_id.encode("utf-8", "replace")).hexdigest()
        return digest[:9] if self._rule == "mistral9" else f"call_{digest[:24]}"


class ToolNames:
    """Names as upstreams take them (letters, digits, `_`, `-`, at most 64), and back."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._sent: dict[str, str] = {}
        self._back: dict[str, str] = {}
        for name in names:
            self.sent(name)

    @property
    def changed(self) -> Mapping[str, str]:
        """The names that had to change, each with what it became."""
        return {name: sent for name, sent in self._sent.items() if name != sent}

    def sent(self, name: str) -> str:
        """Returns the upstream's name for a tool."""
        if name not in self._sent:
            sent = name if _NAME.fullmatch(name) and name not in self._back else _derived_name(name)
            self._sent[name] = sent
            self._back[sent] = name
        return self._sent[name]

    def back(self, sent: str) -> str:
        """Returns the client's name for a tool; one the client never declared comes as it is."""
        return self._back.get(sent, sent)


def _derived_name(name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:55] + "_" + digest
