"""All tools by their names, old names understood: which there are, which are offered, how models see them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from proxy.permissions.tool_names import MCP, canonical
from proxy.tools.base import Tool

BUILTIN = "builtin"
"""The toolset of the tools that are built in; `mcp:NAME` is that of an MCP server."""
BUILTIN_NAMES = frozenset(
    {"Read", "Write", "Edit", "MultiEdit", "Glob", "Grep", "LS", "NotebookRead", "NotebookEdit"}
) | frozenset({"Bash", "BashOutput", "KillShell", "Agent", "WebSearch", "WebFetch", "TodoRead", "TodoWrite"})
"""Their canonical names, for whoever must not load them."""

_CHARS_PER_TOKEN = 3.6
"""Of a definition as JSON text; measured definitions lie between 3.3 and 4."""

Watcher = Callable[[], None]


class NameTaken(ValueError):
    """Two tools would have one name."""


class Catalogue:
    """The tools there are now; MCP servers' tools come and go."""

    def __init__(self, tools: Iterable[Tool] = (), switched_off: Iterable[str] = ()) -> None:
        """Makes a catalogue.

        Args:
            tools: The first tools.
            switched_off: Names of tools that are offered to nobody and not run; they need not exist.
        """
        self._tools: dict[str, Tool] = {}
        self._switched_off = _canonical(switched_off)
        self._watchers: list[Watcher] = []
        self.add(tools)

    def replace_builtin(self, tools: Iterable[Tool]) -> None:
        """Puts other built-in tools in place of those there are; MCP tools stay.

        Raises:
            NameTaken: Two have one name.
        """
        fresh = Catalogue(tools)
        kept = {name: tool for name, tool in self._tools.items() if toolset_of(name) != BUILTIN}
        self._set({**fresh._tools, **kept})

    def add(self, tools: Iterable[Tool]) -> None:
        """Adds tools, all or none.

        Raises:
            NameTaken: One of them has the name of another, in an old or the new form.
        """
        changed = dict(self._tools)
        for tool in tools:
            name = canonical(tool.name)
            if name in changed:
                raise NameTaken(f"there are two tools called {name}")
            changed[name] = tool
        self._set(changed)

    def remove(self, names: Iterable[str]) -> None:
        """Takes tools out; calls of them that run go on."""
        gone = _canonical(names)
        self._set({name: tool for name, tool in self._tools.items() if name not in gone})

    def switch_off(self, names: Iterable[str]) -> None:
        """Offers all tools but these from now on."""
        switched_off = _canonical(names)
        if switched_off != self._switched_off:
            self._switched_off = switched_off
            self._tell()

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Has a function called after each change; returns what ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def find(self, name: str) -> Tool | None:
        """Returns the tool a model means by a name, `Task` as well as `Agent`; None: none that is offered."""
        called = canonical(name)
        return None if called in self._switched_off else self._tools.get(called)

    def is_offered(self, name: str) -> bool:
        """Tells whether there is such a tool and it is switched on."""
        return self.find(name) is not None

    def all(self) -> tuple[Tool, ...]:
        """Returns all tools in the order they came, the ones that are switched off too."""
        return tuple(self._tools.values())

    def offered(self, toolsets: Iterable[str] = (BUILTIN,)) -> tuple[Tool, ...]:
        """Returns the tools of some toolsets that are switched on, in the order they came."""
        wanted = frozenset(toolsets)
        return tuple(
            tool
            for name, tool in self._tools.items()
            if name not in self._switched_off and toolset_of(name) in wanted
        )

    def _set(self, tools: dict[str, Tool]) -> None:
        if tools != self._tools:
            self._tools = tools
            self._tell()

    def _tell(self) -> None:
        for watcher in tuple(self._watchers):
            watcher()


def toolset_of(name: str) -> str:
    """Returns the toolset that a tool's name belongs to: `builtin` or `mcp:NAME`."""
    if not name.startswith(MCP):
        return BUILTIN
    return f"mcp:{name[len(MCP) :].partition('__')[0]}"


def definition_of(tool: Tool) -> dict[str, Any]:
    """Returns what a request's `tools` holds for a tool."""
    return {"name": tool.name, "description": tool.description, "input_schema": _plain(tool.input_schema)}


def tokens_of(tool: Tool) -> int:
    """Returns about how many tokens a tool's definition costs in each request."""
    return round(len(json.dumps(definition_of(tool), ensure_ascii=False)) / _CHARS_PER_TOKEN)


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in cast("list[object]", value)]
    return value


def _canonical(names: Iterable[str]) -> frozenset[str]:
    return frozenset(canonical(name) for name in names)
