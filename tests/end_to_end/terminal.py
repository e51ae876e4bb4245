"""Claude Code's own window in a pseudo-terminal: keys go in, and what is on the screen is waited for."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from tests.end_to_end.claude import ClaudeCode
from tests.end_to_end.programs import MODEL

_LIMIT_S = 40.0
_ROWS, _COLUMNS = 50, 120
_CONTROL = re.compile(rb"\x1b\][^\x07]*\x07|\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b.|\s")
"""What moves the cursor, colours, and the blanks between words, which the window may skip over."""


class Terminal:
    """One run of the window, in the home of a client that has answered its first questions before."""

    def __init__(self, program: Path, client: ClaudeCode) -> None:
        self._program = program
        self._client = client
        self._shown = b""

    def __enter__(self) -> Self:
        self._client.answer_first_questions()
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            (str(self._program), "--model", MODEL),
            cwd=self._client.folder,
            env=self._client.environment(),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._master)

    def enter(self, line: str) -> None:
        """Types a line, and sends it once it stands on the screen."""
        self.press(line)
        self.wait_for(line)
        self.press("\r")

    def press(self, keys: str) -> None:
        """Types; what was shown before no longer counts for `wait_for`."""
        self._shown = b""
        os.write(self._master, keys.encode())

    def wait_for(self, words: str) -> None:
        """Reads the screen until the words are on it.

        Raises:
            AssertionError: They did not come, or the program ended.
        """
        wanted = words.replace(" ", "").encode()
        until = time.monotonic() + _LIMIT_S
        while wanted not in (plain := _CONTROL.sub(b"", self._shown)):
            ready, _, _ = select.select([self._master], [], [], until - time.monotonic())
            assert ready, f"{words!r} is not on the screen: {plain[-600:].decode('utf-8', 'replace')}"
            self._shown += os.read(self._master, 65536)
