"""The programs an end-to-end test starts: scripted servers of the shared data, and Signalbox itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.guards.home import isolated_environment

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "local-token-of-the-clients"
MODEL = "claude-sonnet-4-6"
_END_S = 20
_LOG_S = 10

Record = dict[str, str]

_SETTINGS = """\
version: 1
providers:
  scripted: {{dialect: {dialect}, base_url: "{base_url}", key: {{env: SCRIPTED_KEY}}}}
aliases:
  big:
    match: ["claude-*opus*", "claude-*sonnet*", "claude-*fable*"]
    candidates: [{{provider: scripted, model: {model}}}]
{of_big}  small: {{match: ["claude-*haiku*"], candidates: [{{provider: scripted, model: {model}}}]}}
{more}"""


@dataclass(frozen=True, slots=True)
class Server:
    """A started server and what it left on standard error."""

    url: str
    errors: Path
    pid: int

    def logged(self, event: str, *, until: Callable[[list[Record]], bool] = bool) -> list[Record]:
        """The records of Signalbox's log with this event; waits a while for those that `until` asks for.

        A thread writes the log, so a client may have its answer before the line is there.
        """
        latest = time.monotonic() + _LOG_S
        while True:
            lines = self.errors.read_text("utf-8").split("\n")[:-1]  # the last is not whole yet
            records: list[Record] = [json.loads(line) for line in lines]
            found = [record for record in records if record["event"] == event]
            if until(found) or time.monotonic() > latest:
                return found
            time.sleep(0.05)


@contextmanager
def chat_upstream(checks: Path, folder: Path, *flags: str) -> Generator[Server]:
    """An upstream that speaks OpenAI's protocol and keeps what it was asked."""
    with _scripted(checks / "stub_upstream.py", folder / "chat.err", flags) as server:
        yield server


@contextmanager
def messages_api(checks: Path, folder: Path) -> Generator[Server]:
    """A server that speaks the Messages API as the real one does."""
    with _scripted(checks / "stub_anthropic.py", folder / "messages.err", ()) as server:
        yield server


@contextmanager
def signalbox(
    folder: Path,
    dialect: str,
    base_url: str,
    model: str,
    *,
    of_big: str = "",
    more: str = "",
    variables: Mapping[str, str] | None = None,
) -> Generator[Server]:
    """`signalbox serve` with one provider, which is sent `model` whatever the client asks for.

    Args:
        folder: Where its settings, its log and its home are; must not be there yet.
        dialect: The provider's.
        base_url: The provider's.
        model: What the provider is sent.
        of_big: Further settings of the alias `big`, as lines of YAML.
        more: Further settings, as lines of YAML.
        variables: Set in its environment beside those of a user without keys.
    """
    folder.mkdir()
    settings, token = folder / "settings.yaml", folder / "token"
    text = _SETTINGS.format(dialect=dialect, base_url=base_url, model=model, of_big=of_big, more=more)
    settings.write_text(text, "utf-8")
    token.touch(0o600)
    token.write_text(TOKEN, "utf-8")
    words = ("serve", "--settings", str(settings), "--token-file", str(token), "--port", "0")
    known = {**environment(folder / "home"), "SCRIPTED_KEY": "key-of-the-upstream", **(variables or {})}
    with _started((sys.executable, "-m", "app", *words), known, folder / "errors") as (line, process):
        yield Server(str(json.loads(line)["url"]), folder / "errors", process.pid)


def environment(home: Path) -> dict[str, str]:
    """The environment of a program that must not see the user's own files and keys."""
    home.mkdir(exist_ok=True)
    variables = dict(os.environ)
    for name, value in isolated_environment(os.environ, home).items():
        variables.pop(name, None)
        if value is not None:
            variables[name] = value
    return {**variables, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def _scripted(program: Path, errors: Path, flags: Sequence[str]) -> Generator[Server]:
    variables = {**environment(errors.with_suffix(".home")), "PYTHONWARNINGS": "ignore"}
    words = (sys.executable, str(program), "--port", "0", *flags)
    with _started(words, variables, errors) as (line, process):
        yield Server(line.split()[-1], errors, process.pid)


@contextmanager
def _started(
    words: Sequence[str], variables: Mapping[str, str], errors: Path
) -> Generator[tuple[str, subprocess.Popen[str]]]:
    """Starts a program, waits for the line in which it says where it listens, and ends it afterwards."""
    with (
        errors.open("wb") as sink,
        subprocess.Popen(
            words,
            cwd=ROOT,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, f"{words[1:3]} did not start: {errors.read_text('utf-8')[-2000:]}"
            yield line, process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_S)
            process.kill()
