"""The command line: which part of the program answers what was typed.

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

from app.command_line import parser
from app.exit_codes import BROKEN_SETTINGS, FAILED
from app.terminal import failed, tell


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
