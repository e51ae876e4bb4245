"""What may be typed on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from app.argument_types import amount, count, host, port

_MCP_ACTIONS = {
    "approve": "show exactly what a server would run, and let it",
    "reject": "never start it",
    "accept": "show how its tools changed, and take them as they are now",
    "start": "start it",
    "stop": "stop it",
    "restart": "stop and start it",
    "logs": "print its log",
    "tools": "list its tools",
    "call": "call one of its tools",
}
_EPILOG = "Without a command the desktop program starts: a tray icon and a window."


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the whole command line."""
    # Given before or after the command; SUPPRESS keeps the one from wiping out the other.
    anywhere = argparse.ArgumentParser(add_help=False)
    anywhere.add_argument(
        "--env-file",
        metavar="FILE",
        type=Path,
        default=argparse.SUPPRESS,
        help="read environment variables from FILE (NAME=value lines); the real environment wins",
    )
    main = argparse.ArgumentParser(
        prog="signalbox",
        description="Lets Messages API clients, such as Claude Code, talk to any model.",
        epilog=_EPILOG,
        parents=[anywhere],
    )
    main.add_argument("--version", action="store_true", help="print the version and exit")
    main.add_argument("--hidden", action="store_true", help="start with the tray icon only")
    commands = main.add_subparsers(dest="command", metavar="COMMAND")

    serve = commands.add_parser("serve", parents=[anywhere], help="run the proxy without a window")
    serve.add_argument("--host", type=host, help="the address to listen on (default 127.0.0.1)")
    serve.add_argument("--port", type=port, help="the port to listen on; 0 takes a free one (default 4000)")
    serve.add_argument(
        "--settings", type=Path, metavar="FILE", help="use this settings file; it is never changed"
    )
    serve.add_argument(
        "--token-file", type=Path, metavar="FILE", help="a file with the local token as its one line"
    )

    commands.add_parser(
        "demo", parents=[anywhere], help="hold one streamed conversation with the built-in demo, offline"
    )

    keys = commands.add_parser("keys", parents=[anywhere], help="keys in the system's keyring")
    actions = keys.add_subparsers(dest="action", metavar="set|list|delete", required=True)
    store = actions.add_parser("set", parents=[anywhere], help="store a key, from a prompt or standard input")
    store.add_argument("name", metavar="NAME", help="the keyring entry, such as openrouter")
    listing = actions.add_parser("list", parents=[anywhere], help="list the names of the entries")
    listing.add_argument("name", metavar="NAME", nargs="?", help="only this entry")
    delete = actions.add_parser("delete", parents=[anywhere], help="delete a key")
    delete.add_argument("name", metavar="NAME", help="the keyring entry")

    for add in (
        _add_tokens, _add_redact, _add_permissions, _add_mcp, _add_breakers, _add_approvals, _add_requests
    ):  # fmt: skip
        add(commands, anywhere)
    commands.add_parser(
        "doctor", parents=[anywhere], help="print the facts that matter when something does not work"
    )
    return main


def _add_tokens(commands: Any, anywhere: argparse.ArgumentParser) -> None:
    tokens = commands.add_parser("tokens", parents=[anywhere], help="tokens for further clients")
    actions = tokens.add_subparsers(dest="action", metavar="create|list|revoke", required=True)
    create = actions.add_parser("create", parents=[anywhere], help="make a token and print it, once")
    create.add_argument("name", metavar="NAME", help="what the client is called, such as phone")
    create.add_argument("--day-usd", type=amount, metavar="X", help="US dollars it may spend a day")
    create.add_argument("--month-usd", type=amount, metavar="X", help="US dollars it may spend a month")
    create.add_argument(
        "--alias", action="append", default=[], metavar="A", help="an alias it may use; without it, any model"
    )
    create.add_argument("--workspace", metavar="W", help="where its tools work; without it, the default one")
    actions.add_parser("list", parents=[anywhere], help="list the tokens, never their values")
    revoke = actions.add_parser("revoke", parents=[anywhere], help="make a token worthless, at once")
    revoke.add_argument("name", metavar="NAME", help="the token's name")


def _add_redact(commands: Any, anywhere: argparse.ArgumentParser) -> None:
    redact = commands.add_parser(
        "redact", parents=[anywhere], help="pass standard input on without the secrets in it"
    )
    redact.add_argument("--known", type=Path, metavar="FILE", help="a file with further secrets, one a line")


def _add_mcp(commands: Any, anywhere: argparse.ArgumentParser) -> None:
    mcp = commands.add_parser("mcp", parents=[anywhere], help="MCP servers of the running program")
    doing = mcp.add_subparsers(dest="action", metavar="ACTION", required=True)
    doing.add_parser("list", parents=[anywhere], help="list them with their state")
    doing.add_parser("reload", parents=[anywhere], help="read their file again")
    for action, said in _MCP_ACTIONS.items():
        one = doing.add_parser(action, parents=[anywhere], help=said)
        one.add_argument("name", metavar="NAME", help="the server")
        if action in {"approve", "accept"}:
            one.add_argument("--yes", action="store_true", help="without asking back")
        if action == "call":
            one.add_argument("tool", metavar="TOOL", help="the tool, as the server calls it")
            one.add_argument("arguments", metavar="JSON", nargs="?", default="{}", help="its arguments")


def _add_approvals(commands: Any, anywhere: argparse.ArgumentParser) -> None:
    approvals = commands.add_parser("approvals", parents=[anywhere], help="calls that wait for your answer")
    answers = approvals.add_subparsers(dest="action", metavar="list|allow|deny", required=True)
    answers.add_parser("list", parents=[anywhere], help="list them, each call whole")
    allow = answers.add_parser("allow", parents=[anywhere], help="let a call run")
    allow.add_argument("id", metavar="ID", help="its id, as `list` gives it")
    scope = allow.add_mutually_exclusive_group()
    scope.add_argument(
        "--conversation",
        dest="scope",
        action="store_const",
        const="conversation",
        default="once",
        help="also the same call again in this conversation",
    )
    scope.add_argument(
        "--always",
        dest="scope",
        action="store_const",
        const="always",
        help="store the rule that `list` shows",
    )
    scope.add_argument(
        "--for-10-minutes",
        dest="scope",
        action="store_const",
        const="10 minutes",
        help="a repeated request: let it come as often as it likes for so long",
    )
    deny = answers.add_parser("deny", parents=[anywhere], help="refuse a call")
    deny.add_argument("id", metavar="ID", help="its id, as `list` gives it")
    deny.add_argument("--message", default="", metavar="TEXT", help="the reason the model is told")


def _add_breakers(commands: Any, anywhere: argparse.ArgumentParser) -> None:
    breakers = commands.add_parser("breakers", parents=[anywhere], help="models that are left alone")
    actions = breakers.add_subparsers(dest="action", metavar="list|reset", required=True)
    actions.add_parser("list", parents=[anywhere], help="list them, why, and for how long")
    reset = actions.add_parser("reset", parents=[anywhere], help="try them again with the next request")
    reset.add_argument("provider", metavar="PROVIDER", help="the provider, as the settings name it")
    reset.add_argument("model", metavar="MODEL", nargs="?", help="only this model of it")


def _add_requests(commands: Any, anywhere: argparse.ArgumentParser) -> None:
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object a request"
    )
    requests = commands.add_parser(
        "requests", parents=[anywhere, as_json], help="past requests: who served them, why, at what cost"
    )
    requests.add_argument("--limit", type=count, default=20, metavar="N", help="list the last N (default 20)")
    actions = requests.add_subparsers(dest="action", metavar="[show]")
    show = actions.add_parser("show", parents=[anywhere, as_json], help="one request with all its attempts")
    show.add_argument(
        "id", metavar="ID", help="its id, as the list, the log and the answer's headers give it"
    )
    show.add_argument(
        "--bodies", action="store_true", help="print what was sent and came back, where it is kept on disk"
    )


def _add_permissions(commands: Any, anywhere: argparse.ArgumentParser) -> None:
    permissions = commands.add_parser("permissions", parents=[anywhere], help="try rules for tool calls")
    actions = permissions.add_subparsers(dest="action", metavar="judge", required=True)
    judge = actions.add_parser(
        "judge",
        parents=[anywhere],
        help="judge calls, one JSON object a line; starts nothing, writes nothing",
    )
    judge.add_argument(
        "--rules", type=Path, required=True, metavar="FILE", help="holds `permissions`, YAML or JSON"
    )
    judge.add_argument(
        "--workspace", type=Path, required=True, metavar="DIR", help="the folder the tools work in"
    )
    judge.add_argument(
        "--read-only",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a further folder that may be read",
    )
    judge.add_argument("--policy", choices=("claude-code", "strict"), default="claude-code")
    judge.add_argument(
        "--mode", choices=("default", "acceptEdits", "plan", "dontAsk", "bypassPermissions"), default=None
    )
    judge.add_argument(
        "--names-from-input",
        action="store_true",
        help="take WebFetch's look-ups, redirects and answers from each line's `context`",
    )
