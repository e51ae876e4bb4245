"""`signalbox mcp`: what servers there are and how they stand, over the running program's control channel."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from difflib import unified_diff
from typing import Any, cast

from app.exit_codes import FAILED, OK
from app.instance import Reply, Verb, Words
from app.paths import Folders
from app.running_program import asked
from app.settings_in_use import SERVERS_PROBLEM_FACT
from app.terminal import tell
from proxy.mcp.invisible import spelt_out

CALL_TIMEOUT_S = 300.0


def mcp_command(
    folders: Folders, action: str, name: str, *, tool: str = "", arguments: str = "{}", is_sure: bool = False
) -> int:
    """Carries out `signalbox mcp ACTION`; returns the exit status.

    Args:
        folders: Where the running program is found.
        action: list, reload, tools, approve, reject, accept, start, stop, restart, logs or call.
        name: The server; empty for `list` and `reload`.
        tool: Which tool to call.
        arguments: What it is given, as a JSON object.
        is_sure: Approve and accept without asking back.
    """
    if action == "list":
        return _list(folders)
    if action == "reload":
        return _reload(folders)
    if action == "tools":
        return _tools(folders, name)
    if action == "approve":
        return _approve(folders, name, is_sure=is_sure)
    if action == "accept":
        return _accept(folders, name, is_sure=is_sure)
    if action == "logs":
        return _logs(folders, name)
    words = {"name": name, "tool": tool, "arguments": arguments}
    reply = _asked(folders, cast("Verb", f"mcp.{action}"), words)
    if reply is None:
        return FAILED
    if action == "call" and reply.is_ok:
        sys.stdout.write(_harmless(reply.text) + "\n")
    else:
        _tell(reply.text)
    return OK if reply.is_ok else FAILED


def _list(folders: Folders) -> int:
    servers = _servers(folders)
    if servers is None:
        return FAILED
    for each in servers:
        tools = each["tools"]
        number = tools if isinstance(tools, int) else sum(bool(tool["is_enabled"]) for tool in tools)
        row = "\t".join((str(each["name"]), str(each["type"]), f"{number} tools", _harmless(_state(each))))
        sys.stdout.write(row + "\n")
    if not servers:
        _tell(
            "There is no MCP server. Add one in the window, or in their file, mcp_servers.yaml beside the "
            "settings unless `mcp_config` in them names another."
        )
    return OK


def _state(server: Mapping[str, Any]) -> str:
    return f"{server['state']}: {server['reason']}" if server["reason"] else str(server["state"])


def _reload(folders: Folders) -> int:
    reply = _asked(folders, "reload", {})
    if reply is None:
        return FAILED
    problem = reply.facts.get(SERVERS_PROBLEM_FACT) if reply.is_ok else reply.text
    if problem:
        _tell(str(problem))
        return FAILED
    return _list(folders)


def _tools(folders: Folders, name: str) -> int:
    found = _server(folders, name)
    if found is None:
        return FAILED
    tools: Any = found["tools"]
    if not tools:
        _tell(f"'{name}' offers no tool now ({_state(found)})")
    for each in cast("list[Mapping[str, Any]]", tools) if isinstance(tools, list) else ():
        state = "on" if each["is_enabled"] else "off"
        held = f", held back: {each['quarantine']}" if each["quarantine"] else ""
        name_of = _harmless(str(each["name"]))
        sys.stdout.write(f"{name_of}\t{state}{held}\t{each['permission']}\t~{each['tokens']} tokens\n")
    return OK


def _approve(folders: Folders, name: str, *, is_sure: bool) -> int:
    found = _server(folders, name)
    if found is None:
        return FAILED
    launch: Any = found["launch"]
    if not isinstance(launch, Mapping):
        _tell(f"nothing of '{name}' waits for approval")
        return FAILED
    facts = cast("Mapping[str, Any]", launch)
    sys.stdout.write(_sheet(facts))
    sys.stdout.flush()
    if not is_sure and not _says_yes("Approve exactly this?"):
        _tell("not approved")
        return FAILED
    reply = _asked(folders, "mcp.approve", {"name": name, "digest": str(facts["digest"])})
    if reply is None:
        return FAILED
    _tell("approved" if reply.is_ok else reply.text)
    return OK if reply.is_ok else FAILED


def _accept(folders: Folders, name: str, *, is_sure: bool) -> int:
    shown = _asked(folders, "mcp.changes", {"name": name})
    if shown is None:
        return FAILED
    if not shown.is_ok:
        _tell(shown.text)
        return FAILED
    changes = cast("list[Mapping[str, Any]]", shown.facts["changes"])
    if not changes:
        _tell(f"no tool of '{name}' is held back")
        return FAILED
    for each in changes:
        before, after = str(each["before"]).splitlines(), str(each["after"]).splitlines()
        lines = unified_diff(before, after, f"{each['name']} as approved", f"{each['name']} now", lineterm="")
        sys.stdout.write(_harmless("\n".join(lines)) + "\n")
    if not is_sure and not _says_yes("Accept all of this?"):
        _tell("not accepted")
        return FAILED
    reply = _asked(folders, "mcp.accept", {"name": name, "digest": str(shown.facts["digest"])})
    if reply is None:
        return FAILED
    _tell("accepted" if reply.is_ok else reply.text)
    return OK if reply.is_ok else FAILED


def _says_yes(question: str) -> bool:
    sys.stdout.write(f"{question} [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _sheet(launch: Mapping[str, Any]) -> str:
    argv = shlex.join(map(str, launch["argv"]))
    rows = (
        ("runs", argv),
        ("address", launch["url"]),
        ("package", launch["package"]),
        ("folder", launch["cwd"]),
        ("variables", " ".join(launch["environment_names"])),
        ("digest", launch["digest"]),
    )
    return "".join(f"{title + ':':<11}{_harmless(str(value))}\n" for title, value in rows if value)


def _logs(folders: Folders, name: str) -> int:
    reply = _asked(folders, "mcp.logs", {"name": name})
    if reply is None or not reply.is_ok:
        if reply is not None:
            _tell(reply.text)
        return FAILED
    for each in cast("list[Mapping[str, Any]]", reply.facts["lines"]):
        at = datetime.fromtimestamp(float(each["at"]), timezone.utc).astimezone().strftime("%H:%M:%S")
        sys.stdout.write(f"{at}  {each['kind']:<9}  {_harmless(str(each['text']))}\n")
    return OK


def _servers(folders: Folders) -> list[Mapping[str, Any]] | None:
    reply = _asked(folders, "mcp.list", {})
    if reply is None:
        return None
    if not reply.is_ok:
        _tell(reply.text)
        return None
    return cast("list[Mapping[str, Any]]", reply.facts["servers"])


def _server(folders: Folders, name: str) -> Mapping[str, Any] | None:
    servers = _servers(folders)
    found = next((each for each in servers or () if each["name"] == name), None)
    if servers is not None and found is None:
        _tell(f"there is no MCP server '{name}'")
    return found


def _asked(folders: Folders, verb: Verb, words: Words) -> Reply | None:
    return asked(folders, verb, words, CALL_TIMEOUT_S if verb == "mcp.call" else 10.0)


def _tell(text: str) -> None:
    tell(_harmless(text))


def _harmless(text: str) -> str:
    """Returns a server's words without what a terminal would obey."""
    return spelt_out(text).replace("\r", "<U+000D>")
