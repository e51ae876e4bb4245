"""What each tool said of itself when it was approved, and which tools say something else now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from proxy.mcp.canonical import canonical_json, digest_of
from proxy.mcp.invisible import has_unseen, spelt_out
from proxy.mcp.values import ToolChange

INSTRUCTIONS = "(server instructions)"
"""Names the change of a server's own instructions; no tool can be called this."""
Quarantine = Literal["new", "changed"]


@dataclass(slots=True)
class ServerPins:
    """What was approved of one server."""

    instructions: str = ""
    tools: dict[str, Any] = field(default_factory=dict[str, Any])
    """By name: the complete raw object."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a server says of itself now."""

    instructions: str = ""
    tools: tuple[Mapping[str, Any], ...] = ()
    """Complete raw objects, unknown fields included."""


class Pins:
    """The approved definitions of all servers."""

    def __init__(self, servers: Mapping[str, ServerPins] | None = None, *, are_lost: bool = False) -> None:
        """Takes what was stored.

        Args:
            servers: By name.
            are_lost: The file could not be read: of a server that is not in here nothing is trusted.
        """
        self._servers = dict(servers or {})
        self._are_lost = are_lost

    @classmethod
    def read(cls, value: object) -> Pins:
        """Takes what `stored` gave.

        Raises:
            ValueError: It is something else, or a definition is not the one its digest was made of.
        """
        try:
            document = cast("Mapping[str, Any]", value)
            servers = {str(name): _read(each) for name, each in document["servers"].items()}
            return cls(servers, are_lost=bool(document["are_lost"]))
        except (KeyError, TypeError, AttributeError) as exc:
            raise ValueError("it holds something else than pins") from exc

    def stored(self) -> dict[str, Any]:
        """Returns them for the file, each with its digest."""
        return {
            "are_lost": self._are_lost,
            "servers": {
                name: {
                    "instructions": pins.instructions,
                    "instructions_digest": digest_of(pins.instructions),
                    "tools": {
                        tool: {"digest": digest_of(raw), "definition": raw}
                        for tool, raw in pins.tools.items()
                    },
                }
                for name, pins in self._servers.items()
            },
        }

    def compare(self, server: str, said: Said) -> dict[str, Quarantine]:
        """Returns the tools that are not to be offered; the first list of an approved server is pinned.

        Of a first list, too, what holds characters that nobody sees waits for a person.
        """
        pins = self._servers.get(server)
        if pins is None:
            pins = self._servers[server] = ServerPins()
            if not self._are_lost:
                pins.instructions = "" if has_unseen(said.instructions) else said.instructions
                pins.tools = {name_of(raw): raw for raw in said.tools if not has_unseen(canonical_json(raw))}
        held: dict[str, Quarantine] = {}
        is_other_server = said.instructions != pins.instructions
        for raw in said.tools:
            name = name_of(raw)
            if name not in pins.tools:
                held[name] = "new"
            elif is_other_server or digest_of(pins.tools[name]) != digest_of(raw):
                held[name] = "changed"
        return held

    def changes(self, server: str, said: Said) -> tuple[ToolChange, ...]:
        """Returns what differs from what was approved, for people."""
        pins = self._servers.get(server, ServerPins())
        found: list[ToolChange] = []
        if said.instructions != pins.instructions:
            found.append(ToolChange(INSTRUCTIONS, spelt_out(pins.instructions), spelt_out(said.instructions)))
        for raw in said.tools:
            name = name_of(raw)
            before = pins.tools.get(name)
            if before is None or digest_of(before) != digest_of(raw):
                found.append(ToolChange(name, "" if before is None else _shown(before), _shown(raw)))
        return tuple(found)

    def accept(self, server: str, said: Said, names: Iterable[str]) -> None:
        """Approves tools as they are now; the instructions too where they or all that changed are named."""
        wanted = frozenset(names)
        changed = {change.name for change in self.changes(server, said)} - {INSTRUCTIONS}
        all_named = {name_of(raw) for raw in said.tools} <= wanted
        pins = self._servers.setdefault(server, ServerPins())
        pins.tools.update({name_of(raw): raw for raw in said.tools if name_of(raw) in wanted & changed})
        if INSTRUCTIONS in wanted or all_named:
            pins.instructions = said.instructions

    def knows(self, server: str) -> bool:
        """Tells whether a first list of a server was seen."""
        return server in self._servers


def name_of(raw: Mapping[str, Any]) -> str:
    """Returns the name a raw definition gives."""
    return str(raw.get("name", ""))


def _shown(raw: object) -> str:
    return spelt_out(canonical_json(raw, indent=2))


def _read(value: Mapping[str, Any]) -> ServerPins:
    """Returns a server's pins.

    Raises:
        ValueError: A definition is not the one its digest was made of.
    """
    instructions = str(value["instructions"])
    tools = {str(name): each["definition"] for name, each in value["tools"].items()}
    digests = {str(name): each["digest"] for name, each in value["tools"].items()}
    if value["instructions_digest"] != digest_of(instructions):
        raise ValueError("the instructions are not those that were approved")
    if any(digest_of(raw) != digests[name] for name, raw in tools.items()):
        raise ValueError("a definition is not the one that was approved")
    return ServerPins(instructions, tools)
