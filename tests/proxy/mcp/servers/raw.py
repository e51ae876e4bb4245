"""A scripted MCP server in plain JSON-RPC, of the older era; what it does is said by its arguments.

`raw.py FLAG…`: `hang` never answers, `garbage` writes no JSON, `exit` ends at once with 1, `flood` fills its
standard error, `deaf` ignores closed input and TERM, `children` starts a grandchild. Its tools come from a file named by
`tools=PATH` (a JSON object with `tools` and `instructions`, read at each list), else there are `echo`, `environment`,
`die`, `slow`, `big`, `change`, `fail` and `break`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

FLAGS = set(sys.argv[1:])
OPTIONS = dict(each.split("=", 1) for each in sys.argv[1:] if "=" in each)
NAMES = ("echo", "environment", "die", "slow", "big", "change", "fail", "break", "image")
OBJECT = {"type": "object", "properties": {"text": {"type": "string"}}}


def tools() -> dict[str, Any]:
    if "tools" in OPTIONS:
        return json.loads(Path(OPTIONS["tools"]).read_text())
    return {"tools": [{"name": name, "description": f"Does {name}.", "inputSchema": OBJECT} for name in NAMES]}


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    if name == "environment":
        return text(json.dumps(dict(os.environ)))
    if name == "die":
        sys.stderr.write("I was told to die\n")
        sys.stderr.flush()
        os._exit(3)
    if name == "slow":
        time.sleep(600)
    if name == "big":
        return text("x" * (3 * 2**20))
    if name == "change":
        say({"method": "notifications/tools/list_changed"})
    if name == "fail":
        return {**text("it went wrong"), "isError": True}
    if name == "image":
        return {"content": [{"type": "image", "data": "aGk=", "mimeType": "image/png"}]}
    return text(str(arguments.get("text", "")))


def text(said: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": said}]}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    if method == "initialize":
        capabilities = {"tools": {"listChanged": True}, "resources": {}, "prompts": {}}
        info = {"name": "raw", "version": "1.2"}
        said = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": info}
        instructions = tools().get("instructions")
        return {**said, "instructions": instructions} if instructions else said
    if method == "tools/list":
        return {"tools": tools()["tools"]}
    if method == "tools/call":
        return call(params["name"], params.get("arguments") or {})
    if method == "resources/list":
        return {"resources": [{"uri": "memo://one", "name": "one"}]}
    if method == "resources/read":
        return {"contents": [{"uri": params["uri"], "text": "the memo"}]}
    if method == "prompts/list":
        return {"prompts": [{"name": "greet"}]}
    if method == "prompts/get":
        return {"messages": [{"role": "user", "content": {"type": "text", "text": "hello"}}]}
    if method == "ping" and "mute" not in FLAGS:
        return {}
    return None


def main() -> None:
    if "deaf" in FLAGS:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "children" in FLAGS:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    if "exit" in FLAGS:
        sys.stderr.write("there is no configuration\n")
        sys.exit(1)
    if "flood" in FLAGS:
        for number in range(20_000):
            sys.stderr.write(f"line {number} {'.' * 60}\n")
        sys.stderr.flush()
    for line in sys.stdin:
        if "hang" in FLAGS:
            continue
        if "garbage" in FLAGS:
            sys.stdout.write("Welcome to my server!\n")
            sys.stdout.flush()
            continue
        message = json.loads(line)
        if "id" not in message:
            continue
        method = message["method"]
        if method == "ping" and "mute" in FLAGS:
            continue
        if method == "tools/call" and message["params"]["name"] == "break":
            sys.stdout.write("}{ this is no message\n")
            say({"id": message["id"], "error": {"code": -32000, "message": "broken"}})
            continue
        result = answer(method, message.get("params") or {})
        if result is None:
            say({"id": message["id"], "error": {"code": -32601, "message": "Method not found"}})
        else:
            say({"id": message["id"], "result": result})
    if "deaf" in FLAGS:
        time.sleep(600)


if __name__ == "__main__":
    main()
