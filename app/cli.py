"""The command line: what may be typed, and which part of the program answers it.

Everything heavy is imported by the command that needs it: `--version` imports nothing, `serve` no Qt.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeAlias

from app.argument_types import amount, count, host, port
from app.exit_codes import BROKEN_SETTINGS, FAILED
from app.terminal import failed, tell

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


def run(arguments: Sequence[str]) -> int:
    """Carries out a command line and returns the exit status."""
    if list(arguments) == ["--version"]:  # the common case, without building the parser
        return _version()
    options = parser().parse_args(arguments)
    if options.version:
        return _version()
    from app.environment import EnvFileError, Environment, read_env_file
    from app.paths import UnsafeFolder

    try:
        env_file: Path | None = getattr(options, "env_file", None)
        environment = Environment(file=read_env_file(env_file) if env_file else None)
        status = _command(options, environment)
        if sys.stdout is not None:  # there is none in a windowed build
            sys.stdout.flush()
        return status
    except EnvFileError as exc:
        return failed(str(exc), BROKEN_SETTINGS)
    except UnsafeFolder as exc:
        return failed(str(exc), FAILED)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has gone: `doctor | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the flush at exit fails again
        return FAILED


def _command(options: argparse.Namespace, environment: Any) -> int:
    from app.paths import folders

    values: Mapping[str, str] = environment.values()
    places = folders(values)
    if options.command in _READS_ONLY:
        return _READS_ONLY[options.command](options, places, environment)
    try:
        places.create()
    except OSError as exc:
        return failed(
            f"cannot use the folder {exc.filename}: {exc.strerror}. Set SIGNALBOX_HOME to another", FAILED
        )
    return _COMMANDS.get(options.command, _desktop)(options, places, environment)


def _redact(options: argparse.Namespace, _places: Any, _environment: Any) -> int:
    from app.redact_command import redact

    return redact(options.known, sys.stdin.buffer, sys.stdout.buffer)


def _doctor(_options: argparse.Namespace, places: Any, environment: Any) -> int:
    from app.doctor import doctor

    return doctor(places, environment)


def _serve(options: argparse.Namespace, places: Any, environment: Any) -> int:
    from app.headless import ServeOptions, serve

    given = ServeOptions(options.host, options.port, options.settings, options.token_file)
    return serve(given, places, environment)


def _demo(_options: argparse.Namespace, _places: Any, _environment: Any) -> int:
    from app.demo import demo

    return demo()


def _keys(options: argparse.Namespace, places: Any, environment: Any) -> int:
    from app.key_commands import key_command

    return key_command(options.action, options.name, places, environment)


def _tokens(options: argparse.Namespace, places: Any, _environment: Any) -> int:
    from app.token_commands import create_token, list_tokens, revoke_token

    if options.action == "list":
        return list_tokens(places)
    if options.action == "revoke":
        return revoke_token(options.name, places)
    from gui.spending import TokenDraft

    aliases = tuple(options.alias)
    draft = TokenDraft(options.name, options.day_usd, options.month_usd, aliases, options.workspace)
    return create_token(draft, places, datetime.now(timezone.utc).astimezone().date())


def _breakers(options: argparse.Namespace, places: Any, _environment: Any) -> int:
    from app.breaker_commands import list_breakers, reset_breakers

    if options.action == "list":
        return list_breakers(places)
    return reset_breakers(places, options.provider, options.model)


def _requests(options: argparse.Namespace, places: Any, _environment: Any) -> int:
    from app.request_commands import list_requests, show_request

    as_json = getattr(options, "json", False)
    if options.action == "show":
        return show_request(places, options.id, as_json=as_json, with_bodies=options.bodies)
    return list_requests(places, options.limit, as_json=as_json)


def _approvals(options: argparse.Namespace, places: Any, _environment: Any) -> int:
    from app.approval_commands import answer_approval, list_approvals

    if options.action == "list":
        return list_approvals(places, datetime.now(timezone.utc).timestamp())
    if options.action == "deny":
        return answer_approval(places, "deny", options.id, message=options.message)
    return answer_approval(places, "allow", options.id, scope=options.scope)


def _permissions(options: argparse.Namespace, places: Any, _environment: Any) -> int:
    from app.permission_commands import JudgeOptions, judge_command

    given = JudgeOptions(
        options.rules,
        options.workspace,
        tuple(options.read_only),
        options.policy,
        options.mode,
        options.names_from_input,
    )
    return judge_command(given, places, sys.stdin.buffer, sys.stdout)


def _mcp(options: argparse.Namespace, places: Any, _environment: Any) -> int:
    from app.mcp_commands import mcp_command

    return mcp_command(
        places,
        options.action,
        getattr(options, "name", ""),
        tool=getattr(options, "tool", ""),
        arguments=getattr(options, "arguments", "{}"),
        is_sure=getattr(options, "yes", False),
    )


def _desktop(options: argparse.Namespace, places: Any, environment: Any) -> int:
    if sys.platform.startswith("linux") and not any(
        environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        tell("There is no display here, so Signalbox serves without a window.")
        from app.headless import ServeOptions, serve

        return serve(ServeOptions(), places, environment)
    from app.qt_loop import drop_pyside_import_hook

    drop_pyside_import_hook()  # before all else is imported: it reads the source of every module
    from app.desktop import run_desktop

    return run_desktop(places, environment, hidden=options.hidden)


_Command: TypeAlias = Callable[[argparse.Namespace, Any, Any], int]
"""Takes the options, the folders and the environment."""

_READS_ONLY: Mapping[str, _Command] = {
    "redact": _redact,
    "doctor": _doctor,
    "permissions": _permissions,
    "requests": _requests,
}
"""They make none of our folders."""
_COMMANDS: Mapping[str, _Command] = {
    "serve": _serve,
    "demo": _demo,
    "keys": _keys,
    "tokens": _tokens,
    "breakers": _breakers,
    "approvals": _approvals,
    "mcp": _mcp,
}


def _version() -> int:
    from importlib.metadata import PackageNotFoundError, version

    try:
        print(f"signalbox {version('signalbox')}")
    except PackageNotFoundError:
        print("signalbox (not installed)")
    return 0
