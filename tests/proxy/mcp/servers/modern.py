"""A server of the official SDK, which speaks both eras: one tool that adds, one that grows the list."""

from __future__ import annotations

from mcp.server import MCPServer
from mcp.server.mcpserver import Context

server = MCPServer("modern", version="7.0", instructions="Adds numbers.")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
async def grow(ctx: Context) -> str:
    """Adds a tool."""
    server.add_tool(lambda: "new", name="grown", description="Was not there before.")
    await ctx.notify_tools_changed()
    return "grown"


@server.resource("memo://one")
def memo() -> str:
    """A memo."""
    return "the memo"


@server.prompt()
def greet(name: str) -> str:
    """Greets."""
    return f"Hello {name}"


if __name__ == "__main__":
    server.run("stdio")
