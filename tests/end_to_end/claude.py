"""The real Claude Code, run without its window in a home of its own, and what a session of it comes to."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tests.end_to_end.programs import MODEL, TOKEN

_LIMIT_S = 50
_BUDGET = re.compile(
    r"\s*<system-reminder>\s*<total_tokens>\d+ tokens left</total_tokens>\s*</system-reminder>"
)
"""What the client tells the model of its own budget, which depends on how the server counts."""
_IN_WORDS = "The tool WebSearch is now available."
"""A reference to a tool has no text; a model that knows no references is told in words."""
_SEEN = ("roles", "user_marks", "last_text_sha", "images", "max_tokens", "thinking_on", "stream")
"""What a model saw of a request that is the same in every protocol."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a user has of one prompt; the same whichever way the requests went."""

    answer: str
    """The last text, without what the scripted model says it was given."""
    given: tuple[str, ...]
    """What the scripted model says it was given, sorted: a client runs parallel calls in its own order."""
    is_error: bool
    turns: int
    models: tuple[str, ...]
    thinking: tuple[str, ...]
    calls: tuple[tuple[str, Any], ...]
    """The tools called, each with its input, in order."""
    results: tuple[str, ...]
    """What each call gave back."""


class ClaudeCode:
    """One user: a home folder, a folder to work in, and a server that answers."""

    def __init__(self, program: Path, url: str, parent: Path) -> None:
        self._program = program
        self._url = url
        self._session = ""
        # Homes are named equally long, so that answers cut to a length are cut at the same place.
        self._home = parent / uuid.uuid4().hex[:12]
        self.folder = self._home / "work"
        self.folder.mkdir(parents=True)

    def move_to(self, url: str) -> None:
        """Asks another server from the next prompt on."""
        self._url = url

    def file(self, name: str, content: str) -> str:
        """Writes a file and returns its path."""
        path = self.folder / name
        path.write_text(content, "utf-8")
        return str(path)

    def ask(self, prompt: str, *flags: str) -> Outcome:
        """Holds one prompt to its end; the next one goes on with the same session."""
        return self._outcome(self.events(prompt, *flags))

    def run(self, *words: str) -> str:
        """Runs one of its commands, such as `mcp add`, and returns what it said."""
        done = subprocess.run(
            (str(self._program), *words),
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=True,
        )
        return done.stdout

    def events(self, prompt: str, *flags: str) -> list[dict[str, Any]]:
        """Holds one prompt to its end, and returns all that it told of it."""
        resume = ("--resume", self._session) if self._session else ()
        words = (str(self._program), "-p", prompt, "--output-format", "stream-json", "--verbose")
        with subprocess.Popen(
            (*words, *resume, *flags, "--model", MODEL),
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                out, err = process.communicate(timeout=_LIMIT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        events: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
        assert events, err
        self._session = events[-1]["session_id"]
        return events

    def outcome(self, events: Sequence[dict[str, Any]]) -> Outcome:
        """What a user has of a prompt."""
        return self._outcome(events)

    def answer_first_questions(self) -> None:
        """Leaves the notes of a user who chose colours and trusted the folder before."""
        known = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
        notes: dict[str, Any] = {"hasCompletedOnboarding": True, "theme": "dark"}
        notes["projects"] = {str(self.folder): known}
        (self._home / ".claude.json").write_text(json.dumps(notes), "utf-8")

    def environment(self) -> dict[str, str]:
        """The variables of the program: nothing of the user's own, and nothing that leaves the machine."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "NO_PROXY": "127.0.0.1,localhost",
            "ANTHROPIC_BASE_URL": self._url,
            "ANTHROPIC_AUTH_TOKEN": TOKEN,
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": MODEL,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "3",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "DISABLE_TELEMETRY": "1",
        }

    def _outcome(self, events: Sequence[dict[str, Any]]) -> Outcome:
        said = list(_blocks(events, "assistant"))
        final = events[-1]
        answer, given = _report(final["result"])
        calls = {
            block["id"]: (block["name"], block["input"]) for block in said if block["type"] == "tool_use"
        }
        results = {
            block["tool_use_id"]: json.dumps(block["content"], ensure_ascii=False)
            for block in _blocks(events, "user")
            if block["type"] == "tool_result"
        }
        outcome = Outcome(
            answer=answer,
            given=given,
            is_error=final["is_error"],
            turns=final["num_turns"],
            models=tuple(final["modelUsage"]),
            thinking=tuple(block["thinking"] for block in said if block["type"] == "thinking"),
            calls=tuple(calls.values()),
            results=tuple(results.get(each, "no result") for each in calls),
        )
        return _without(outcome, str(self._home))


def _blocks(events: Sequence[dict[str, Any]], role: str) -> Iterator[dict[str, Any]]:
    for event in events:
        content: Any = event["message"]["content"] if event["type"] == role else ()
        yield from ({"type": "text", "text": content},) if isinstance(content, str) else content


def _report(text: str) -> tuple[str, tuple[str, ...]]:
    """Takes what the scripted model says it was given out of its answer."""
    for mark in ("RESULTS=", "SEEN:"):
        before, found, after = text.partition(mark)
        if found:
            told, end = json.JSONDecoder().raw_decode(after)
            given = [f"{name}={told[name]}" for name in _SEEN] if isinstance(told, dict) else told
            clean = (_BUDGET.sub("", each).replace(_IN_WORDS, "").strip() for each in given)
            return before + after[end:], tuple(sorted(clean))
    return text, ()


def _without(outcome: Outcome, home: str) -> Outcome:
    """The home folder is not the same for two users."""

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(home, "~")
        if isinstance(value, tuple):
            return tuple(clean(each) for each in cast("tuple[Any, ...]", value))
        if isinstance(value, dict):
            return {name: clean(each) for name, each in cast("dict[str, Any]", value).items()}
        return value

    return Outcome(*(clean(getattr(outcome, name)) for name in Outcome.__slots__))
