"""`signalbox permissions judge`: calls as JSON lines in, verdicts out; nothing is started or written."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

from app.exit_codes import BROKEN_SETTINGS, FAILED, OK
from app.paths import Folders
from app.rules_file import RulesFileError, read_rules_file
from app.terminal import failed, tell
from proxy.permissions import modes
from proxy.permissions.engine import judge
from proxy.permissions.rule_problems import problems_of
from proxy.permissions.rules import RuleSet
from proxy.permissions.tool_names import canonical
from proxy.permissions.url_context import TEST_NETWORKS, judge_with_context
from proxy.permissions.urls import NetworkFacts
from proxy.permissions.values import (
    Mode,
    Place,
    Platform,
    Policy,
    PolicyName,
    ToolCall,
    Verdict,
    Workspace,
    strictest,
)
from proxy.tools.guard import WorkspaceGuard
from proxy.tools.guard_foreign import place_elsewhere
from proxy.tools.guard_values import GuardError

_PLATFORMS: Mapping[str, Platform] = {"windows": "windows", "macos": "macos", "darwin": "macos"}
_WARM_UP = (
    ToolCall("Bash", {"command": "echo 'a' | cat"}),
    ToolCall("WebFetch", {"url": "https://b\u00fccher.example/", "prompt": ""}),
)
_PATH_NAMES = ("file_path", "path", "notebook_path")
_PATH_ARGUMENTS: Mapping[str, str] = {
    **dict.fromkeys(("Read", "Write", "Edit", "MultiEdit"), "file_path"),
    **dict.fromkeys(("LS", "Grep"), "path"),
    **dict.fromkeys(("NotebookRead", "NotebookEdit"), "notebook_path"),
    "Glob": "pattern",
}
MAX_LINE_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """What was given on the command line."""

    rules: Path
    workspace: Path
    read_only: tuple[Path, ...] = ()
    policy: PolicyName = "claude-code"
    mode: Mode | None = None
    """None: the file's `defaultMode`, else `default`."""
    names_from_input: bool = False


def judge_command(options: JudgeOptions, folders: Folders, source: IO[bytes], target: IO[str]) -> int:
    """Judges every call of a stream; returns the exit status.

    Args:
        options: What was given.
        folders: Our own folders, which no call may touch.
        source: Calls, one JSON object a line.
        target: Where the verdicts go.
    """
    home = str(Path.home())
    try:
        root = str(options.workspace.resolve(strict=True))
        workspace = Workspace("here", root, tuple(str(each.resolve()) for each in options.read_only))
        rules = _read_rules(options, root, home)
        guard = WorkspaceGuard.open(workspace, additional=rules.additional_directories)
    except OSError as exc:
        return failed(f"{exc.filename}: {exc.strerror}", FAILED)
    except GuardError as exc:
        return failed(str(exc), FAILED)
    except RulesFileError as exc:
        return failed(str(exc), BROKEN_SETTINGS)
    _tell_problems(rules)
    try:
        own = tuple(str(each) for each in (folders.config, folders.state, folders.runtime))
        place = Place(workspace, root, home, guard.facts, own, list_folder=guard.names_in)
        _Judging(_policy(options, rules), place, names_from_input=options.names_from_input).all(
            source, target
        )
    finally:
        guard.close()
    return OK


def _read_rules(options: JudgeOptions, root: str, home: str) -> RuleSet:
    rules = read_rules_file(options.rules, root, home)
    if options.mode == "bypassPermissions" and rules.forbids_bypass:
        raise RulesFileError(f"{options.rules}: disableBypassPermissionsMode forbids the mode {options.mode}")
    return rules


def _policy(options: JudgeOptions, rules: RuleSet) -> Policy:
    return Policy(
        options.policy,
        rules.rules,
        options.mode or rules.mode or "default",
        rules.additional_directories,
        builtin_read_only=options.policy == "claude-code",
        broken=rules.broken,
    )


def _tell_problems(rules: RuleSet) -> None:
    for problem in (*rules.problems, *problems_of(rules.rules)):
        fix = f" Use {problem.fix}." if problem.fix and problem.fix not in problem.text else ""
        tell(f"{problem.text}{fix}")
    if rules.broken is not None:
        tell(f"{rules.broken}; until then everything asks")


class NoCall(ValueError):
    """A line that holds no call; the text says why."""


@dataclass(frozen=True, slots=True)
class _Judging:
    policy: Policy
    place: Place
    names_from_input: bool
    network: NetworkFacts = field(default_factory=NetworkFacts)

    def all(self, source: IO[bytes], target: IO[str]) -> None:
        """Answers line by line, in order."""
        for arguments in _WARM_UP:  # tables are loaded now, not on the first line's time
            judge(arguments, self.policy, self.place)
        for line in source:
            if line.strip():
                target.write(_told(self._answer(line)) + "\n")
                target.flush()

    def _answer(self, line: bytes) -> dict[str, Any]:
        began = time.perf_counter()
        given: Mapping[str, Any] = {}
        try:
            given = _object(line)
            verdict = self._verdict(_call(given), given.get("context"))
        except NoCall as exc:
            verdict = Verdict("deny", f"no call that could be judged: {exc}")
        return {
            "id": given.get("id"),
            "decision": verdict.decision,
            "rule": verdict.rule,
            "reason": verdict.reason,
            "ms": round((time.perf_counter() - began) * 1000, 3),
        }

    def _verdict(self, call: ToolCall, context: object) -> Verdict:
        facts: Mapping[str, Any] = cast("Any", context) if isinstance(context, dict) else {}
        place = self._place(call, str(facts.get("platform", "")))
        if place.platform == "windows":
            call = replace(call, cwd=None)  # it is the place's now
        if not self.names_from_input or canonical(call.tool) != "WebFetch":
            return judge(call, self.policy, place, self.network)
        verdict = judge(call, self.policy, place, NetworkFacts(public=TEST_NETWORKS))
        url = call.input.get("url")
        if verdict.decision == "deny" or not isinstance(url, str):
            return verdict
        whole = modes.finished(judge_with_context(url, self.policy, facts), self.policy)
        is_stricter = strictest(whole.decision, verdict.decision) != verdict.decision
        return whole if is_stricter else verdict

    def _place(self, call: ToolCall, platform_name: str) -> Place:
        """Returns the place under the rules of the platform that a line asks for."""
        platform = _PLATFORMS.get(platform_name.lower())
        if platform is None or self.place.workspace is None:
            return self.place
        cwd = call.cwd if platform == "macos" else _windows_root(call, self.place.workspace.root)
        return place_elsewhere(self.place, platform, cwd)


def _windows_root(call: ToolCall, folder: str) -> str | None:
    """Returns what the workspace is called on Windows: as the path in the call has it, else its `cwd`."""
    tail = r"[\\/]".join(map(re.escape, folder.split("/")[-2:]))
    for value in call.input.values():
        found = re.match(rf"[A-Za-z]:[\\/]{tail}(?=[\\/]|$)", value) if isinstance(value, str) else None
        if found is not None:
            return found[0]
    return call.cwd


def _object(line: bytes) -> Mapping[str, Any]:
    if len(line) > MAX_LINE_BYTES:
        raise NoCall("the line is too long")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise NoCall("the line is no JSON") from exc
    if not isinstance(found, dict):
        raise NoCall("the line is no JSON object")
    return cast("Mapping[str, Any]", found)


def _call(given: Mapping[str, Any]) -> ToolCall:
    tool, arguments, cwd = given.get("tool"), given.get("input"), given.get("cwd")
    if not isinstance(tool, str) or not isinstance(arguments, dict):
        raise NoCall("`tool` must be a name and `input` the tool's arguments")
    if cwd is not None and not isinstance(cwd, str):
        raise NoCall("`cwd` must be a path")
    return ToolCall(tool, _with_own_names(tool, cast("Mapping[str, Any]", arguments)), cwd)


def _with_own_names(tool: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Gives a path the argument's name that its tool has for it, where a line gives it another tool's."""
    own = _PATH_ARGUMENTS.get(canonical(tool))
    other = next((name for name in _PATH_NAMES if name in arguments), None)
    if own is None or other is None or own in arguments:
        return arguments
    return {own if name == other else name: value for name, value in arguments.items()}


def _told(answer: Mapping[str, Any]) -> str:
    """Writes an answer as JSON; an `id` that JSON has no form for becomes null."""
    try:
        return json.dumps(answer, allow_nan=False)
    except (ValueError, RecursionError):
        return json.dumps({**answer, "id": None})
