"""A scripted MCP server in plain JSON-RPC, of the older era; what it does is said by its arguments.

`hang` never answers, `garbage` writes no JSON, `exit` ends at once with 1, `flood` fills its standard
error, `deaf` ignores closed input and TERM, `children` starts a grandchild, `mute` does not answer pings.
`tools=PATH` names a JSON file with `tools` and `instructions`, read at each list.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FLAGS = set(sys.argv[1:])
OPTIONS = dict(each.split("=", 1) for each in sys.argv[1:] if "=" in each)
NAMES = ("echo", "environment", "die", "slow", "big", "change", "fail", "break", "image")
OBJECT = {"type": "object", "properties": {"text": {"type": "string"}}}
Json = dict[str, Any]


def described() -> Json:
    if "tools" in OPTIONS:
        return json.loads(Path(OPTIONS["tools"]).read_text())
    return {
        "tools": [{"name": name, "description": f"Does {name}.", "inputSchema": OBJECT} for name in NAMES]
    }


def write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def note(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def say(message: Json) -> None:
    write(json.dumps({"jsonrpc": "2.0", **message}))


def text(said: str) -> Json:
    return {"content": [{"type": "text", "text": said}]}


def die(_arguments: Json) -> Json:
    note("I was told to die")
    os._exit(3)


def slow(_arguments: Json) -> Json:
    time.sleep(600)
    return text("")


def change(_arguments: Json) -> Json:
    say({"method": "notifications/tools/list_changed"})
    return text("changed")


def broken(_arguments: Json) -> Json:
    write("}{ this is no message")
    return text("after the garbage")


CALLS: dict[str, Callable[[Json], Json]] = {
    "echo": lambda arguments: text(str(arguments.get("text", ""))),
    "environment": lambda _: text(json.dumps(dict(os.environ))),
    "die": die,
    "slow": slow,
    "big": lambda _: text("x" * (3 * 2**20)),
    "change": change,
    "fail": lambda _: {**text("it went wrong"), "isError": True},
    "break": broken,
    "image": lambda _: {"content": [{"type": "image", "data": "aGk=", "mimeType": "image/png"}]},
}


def initialize(_params: Json) -> Json:
    said: Json = {
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {"listChanged": True}, "resources": {}, "prompts": {}},
        "serverInfo": {"name": "raw", "version": "1.2"},
    }
    instructions = described().get("instructions")
    return {**said, "instructions": instructions} if instructions else said


METHODS: dict[str, Callable[[Json], Json]] = {
    "initialize": initialize,
    "tools/list": lambda _: {"tools": described()["tools"]},
    "tools/call": lambda params: CALLS[params["name"]](params.get("arguments") or {}),
    "resources/list": lambda _: {"resources": [{"uri": "memo://one", "name": "one"}]},
    "resources/templates/list": lambda _: {
        "resourceTemplates": [{"uriTemplate": "memo://{name}", "name": "memo"}]
    },
    "resources/read": lambda params: {"contents": [{"uri": params["uri"], "text": "the memo"}]},
    "prompts/list": lambda _: {"prompts": [{"name": "greet"}]},
    "prompts/get": lambda _: {"messages": [{"role": "user", "content": {"type": "text", "text": "hello"}}]},
    "ping": lambda _: {},
}


def answer(message: Json) -> None:
    if "id" not in message or ("mute" in FLAGS and message["method"] == "ping"):
        return
    method = METHODS.get(message["method"])
    if method is None:
        say({"id": message["id"], "error": {"code": -32601, "message": "Method not found"}})
    else:
        say({"id": message["id"], "result": method(message.get("params") or {})})


def begin() -> None:
    if "deaf" in FLAGS:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "children" in FLAGS:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    if "exit" in FLAGS:
        note("there is no configuration")
        sys.exit(1)
    if "flood" in FLAGS:
        for number in range(20_000):
            note(f"line {number} {'.' * 60}")


def main() -> None:
    begin()
    for line in sys.stdin:
        if "garbage" in FLAGS:
            write("Welcome to my server!")
        elif "hang" not in FLAGS:
            answer(json.loads(line))
    if "deaf" in FLAGS:
        time.sleep(600)


if __name__ == "__main__":
    main()
