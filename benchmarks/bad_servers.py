"""How late a window's timer fires while MCP servers hang, flood, write garbage, die and change their tools.

The MCP page is open, and servers that are well are started, called and stopped meanwhile. Beside it runs a
bare PySide6 tray with the same timer.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from app.instance import Reply, Verb, ask
from benchmarks.rig.programs import (
    DESKTOP,
    Program,
    baseline,
    desktop,
    late_ms,
    painted_at,
    scripted_upstream,
)
from benchmarks.rig.table import median, print_table, quantile, verdict

_SERVER = Path(__file__).parents[1] / "tests" / "proxy" / "mcp" / "servers" / "raw.py"
_BAD = ("hang", "flood", "garbage", "exit", "mute")
_LIMIT_MS = 50.0
_SETTLE_S = 6.0

Ask = Callable[..., Awaitable[Reply]]


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory(prefix="signalbox-bench-") as folder, scripted_upstream() as upstream:
        tools = Path(folder, "tools.json")
        _describe(tools, "Pulls.")
        Path(folder, "mcp_servers.yaml").write_text(json.dumps({"servers": _servers(tools)}), "utf-8")
        environment = {"MCP_CONFIG_PATH": str(Path(folder, "mcp_servers.yaml")), "RIG_PAGE": "mcp"}
        with baseline("tray") as tray, desktop(upstream, environment) as program:
            painted_at(program)
            rows = asyncio.run(_measure(program, tray, tools))
    print_table(
        f"A window's timer of 60 Hz while {len(_servers(tools))} MCP servers do what they should not",
        ("", "late p50 ms", "p99 ms", "max ms", "bare tray max ms", "target"),
        rows,
    )


async def _measure(program: Program, tray: Program, tools: Path) -> list[tuple[str, ...]]:
    home = program.home or Path()

    async def asked(verb: Verb, **words: str) -> Reply:
        reply = await ask(home / "run", verb, words, timeout_s=60)
        if reply is None:
            raise SystemExit(f"the program did not answer {verb}")
        return reply

    async def change() -> None:
        _describe(tools, "Pulls and sends.")
        await asked("mcp.call", name="changes", tool="change", arguments="{}")

    steps: tuple[tuple[str, Callable[[], Awaitable[object]]], ...] = (
        ("all approved at once", lambda: _approve_all(asked)),
        ("died in mid-call", lambda: asked("mcp.call", name="well", tool="die", arguments="{}")),
        ("garbage, 3 MB of result", lambda: _big(asked)),
        ("tools changed", change),
        ("20 restarts", lambda: _restarts(asked)),
    )
    await asyncio.sleep(_SETTLE_S)
    rows: list[tuple[str, ...]] = []
    for title, step in steps:
        tray.order("reset")
        program.order("reset")
        await step()
        await asyncio.sleep(_SETTLE_S)
        late, bare = late_ms(program), late_ms(tray)
        figures = (f"{median(late):.1f}", f"{quantile(late, 0.99):.1f}", f"{max(late):.1f}")
        judged = verdict(max(late), _LIMIT_MS, unit=" ms")
        rows.append((f"{DESKTOP}: {title}", *figures, f"{max(bare):.1f}", judged))
    for each in (await asked("mcp.list")).facts["servers"]:
        print(f"{each['name']:<8} {each['state']}: {each['reason'][:110]}", file=sys.stderr)
    return rows


async def _approve_all(asked: Ask) -> None:
    for each in (await asked("mcp.list")).facts["servers"]:
        launch: dict[str, Any] = each["launch"]
        await asked("mcp.approve", name=each["name"], digest=launch["digest"])


async def _big(asked: Ask) -> None:
    for tool in ("break", "big", "break", "big"):
        await asked("mcp.call", name="other", tool=tool, arguments="{}")


async def _restarts(asked: Ask) -> None:
    for _ in range(10):
        for name in ("other", "flood"):
            await asked("mcp.restart", name=name)
        await asyncio.sleep(0.3)


def _describe(tools: Path, text: str) -> None:
    described = [
        {"name": name, "description": text, "inputSchema": {"type": "object"}} for name in ("change", "lever")
    ]
    tools.write_text(json.dumps({"tools": described}), "utf-8")


def _servers(tools: Path) -> dict[str, Any]:
    flags = {**{name: (name,) for name in _BAD}, "well": (), "other": (), "changes": (f"tools={tools}",)}
    return {
        name: {"command": sys.executable, "args": [str(_SERVER), *given], "start_timeout_s": 5}
        for name, given in flags.items()
    }


if __name__ == "__main__":
    main()
