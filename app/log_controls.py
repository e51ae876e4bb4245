"""The controller's part about the log: its lines for the window, its level, and why it may not be kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.configuration import Configuration
from app.log_relay import LogRelay
from app.logs import LogPipeline
from gui.desk import DeskEvent, LogLine, Problem


class LogControls:
    """What the window may ask about the log."""

    def __init__(
        self,
        configuration: Configuration,
        pipeline: LogPipeline | None,
        announce: Callable[[DeskEvent], None],
    ) -> None:
        """Listens to nothing yet.

        Args:
            configuration: The settings, and the folder of the log.
            pipeline: Where the lines come from; None: there are none.
            announce: Tells the window.
        """
        self._log_settings = configuration
        self._log_pipeline = pipeline
        self._log_announce = announce
        self._relay: LogRelay | None = None
        self._mode = configuration.settings.environment

    def log_tail(self) -> tuple[LogLine, ...]:
        """Returns the log lines that are kept, oldest first."""
        return self._log_pipeline.tail() if self._log_pipeline else ()

    def log_folder(self) -> str:
        """Returns the folder the log file is in."""
        return str(self._log_settings.folders.logs)

    def log_problems(self) -> tuple[Problem, ...]:
        """Returns why the log is not kept."""
        if self._log_pipeline is None or self._log_pipeline.file_problem is None:
            return ()
        return (Problem("Logs are not kept", self._log_pipeline.file_problem, "logs"),)

    def mode_problems(self) -> tuple[Problem, ...]:
        """Returns that another mode is set than the one the program was started in, which stays."""
        mode = self._log_settings.settings.environment
        if mode == self._mode:
            return ()
        text = f"The settings say `environment: {mode}`: that counts from the next start of Signalbox."
        return (Problem("The new mode is not in force", text),)

    def _begin_log(self) -> None:
        if self._log_pipeline is not None:
            self._relay = LogRelay(asyncio.get_running_loop(), self._log_announce)
            self._log_pipeline.listen(self._relay.take)

    def _apply_log_level(self) -> None:
        if self._log_pipeline is not None:
            self._log_pipeline.set_level(self._log_settings.settings.logs.level)

    def _end_log(self) -> None:
        if self._log_pipeline is not None:
            self._log_pipeline.listen(None)
        if self._relay is not None:
            self._relay.close()
