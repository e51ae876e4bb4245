"""The wiring without a window, `signalbox serve`: one JSON line on standard output, logs to stderr."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from app.configuration import Configuration
from app.control_answers import answers
from app.controller import Controller
from app.dearer_notices import tell_of_dearer
from app.environment import Environment
from app.exit_codes import BROKEN_SETTINGS, FAILED, OK, PORT_IN_USE
from app.instance import ControlChannel
from app.interpreter import prefer_the_loop, settle
from app.local_token import TokenProblem
from app.logs import LogPipeline
from app.paths import Folders, UnsafeFolder
from app.privileges import runs_elevated
from app.secrets import SecretStore, forbid_core_dumps
from app.settings_store import Overrides, SettingsStore
from app.signals import on_stop_signals
from app.terminal import tell
from app.tool_host import tool_host
from proxy.server.app import ProxyServer
from proxy.service.storage import StorageConfig
from proxy.tasks import spawn
from proxy.upstreams.catalogue import Catalogue
from proxy.upstreams.probe import probe

_log = structlog.get_logger("app.headless")


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command line of `serve` says."""

    host: str | None = None
    port: int | None = None
    settings: Path | None = None
    token_file: Path | None = None


def serve(options: ServeOptions, folders: Folders, environment: Environment) -> int:
    """Serves until a signal ends it; returns the exit status."""
    forbid_core_dumps()
    prefer_the_loop()
    store = SettingsStore(options.settings or folders.settings_file, may_move=options.settings is None)
    configuration = Configuration(
        folders,
        store,
        SecretStore(environment, names_file=folders.key_names_file),
        environment,
        overrides=Overrides(options.host, options.port),
        has_window=False,
        is_elevated=runs_elevated(),
    )
    if configuration.loaded.error is not None:
        tell(configuration.loaded.broken_text(store.path))
        return BROKEN_SETTINGS
    settings = configuration.settings
    logs = LogPipeline(
        file=folders.log_file,
        stream=sys.stderr,
        level=settings.logs.level,
        mode=settings.environment,
        redactor=configuration.redactor,
    )
    logs.install()
    try:
        return _run(_serve(configuration, logs, options.token_file))
    finally:
        logs.close()


async def _serve(configuration: Configuration, logs: LogPipeline, token_file: Path | None) -> int:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    folders = configuration.folders
    catalogue = Catalogue(folders.models)
    controller = Controller(
        configuration,
        make_server=partial(
            ProxyServer,
            host=tool_host(configuration),
            storage=StorageConfig(folders.store),
            catalogue=catalogue,
        ),
        probe=probe,
        price_of=catalogue.price_of,
        logs=logs,
        on_quit=ended.set,
    )
    on_stop_signals(loop, controller.quit, _stop_at_once(logs))
    for each in configuration.loaded.notices:
        _log.warning("settings_notice", notice=each)
    try:
        token = await asyncio.to_thread(configuration.unlock, token_file)
    except TokenProblem as exc:
        tell(str(exc))
        return BROKEN_SETTINGS
    if token.file is not None:
        tell(f"The local token is in the file {token.file}")
    if token.warning is not None:
        _log.warning("token_warning", warning=token.warning)
    for name, found in configuration.keys.items():
        _log.info("key_source", provider=name, source=found.source, note=found.problem or "")
    await controller.start()
    if ended.is_set():  # told to stop before it ran
        return OK
    if controller.failure is not None:
        tell(f"{controller.failure.text} {controller.failure.advice}".rstrip())
        return PORT_IN_USE if controller.failure.is_port_in_use else FAILED
    for problem in controller.state().problems:
        _log.warning("problem", title=problem.title, text=problem.text)
    spawn(tell_of_dearer(configuration.settings, catalogue), name="tell of dearer candidates")
    channel = ControlChannel(configuration.folders.runtime, answers(controller, has_window=False))
    try:
        await channel.claim()
    except (OSError, UnsafeFolder) as exc:
        _log.warning("no_control_channel", reason=str(exc))
    try:
        _announce_address(controller.state().url)
        settle()
        await ended.wait()
    finally:
        await channel.close()
    return OK


def _announce_address(url: str | None) -> None:
    """Prints the one line other programs wait for."""
    with suppress(OSError):
        sys.stdout.write(json.dumps({"event": "listening", "url": url}, separators=(",", ":")) + "\n")
        sys.stdout.flush()


def _stop_at_once(logs: LogPipeline) -> Callable[[], None]:
    def stop() -> None:
        logs.flush(timeout_s=1.0)
        os._exit(OK)

    return stop


def _run(program: Coroutine[Any, Any, int]) -> int:
    """Runs on uvloop where it is installed, else on asyncio."""
    try:
        import uvloop  # noqa: PLC0415 - not there on Windows
    except ImportError:
        return asyncio.run(program)
    return uvloop.run(program)
