"""Every path line of the corpora is judged as stated, with the guard's own eyes on a real tree."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import thread_time
from typing import Any

import pytest

from proxy.permissions.paths import judge
from proxy.permissions.values import PartVerdict, PathAccess, Place, Policy
from proxy.tools.glob import Glob
from proxy.tools.grep import Grep
from proxy.tools.grep_library import LibrarySearch
from proxy.tools.guard import WorkspaceGuard
from proxy.tools.guard_foreign import place_elsewhere
from proxy.tools.guard_permit import permit
from tests.proxy.tools.path_tree import OPERATIONS, OUTSIDE, SECRET, Tree, policy
from tests.proxy.tools.searching import scope_in, text_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the tree has links, pipes and sockets")

_OWN_LINES = Path(__file__).parents[2] / "data" / "path_lines.jsonl"
_STRICTNESS = {"allow": 0, "ask": 1, "deny": 2}
_LIMIT_S = 1.0  # of CPU: what grows out of bounds; the benchmark holds the 100 ms


@pytest.fixture
def place(tree: Tree) -> Iterator[Place]:
    guard = WorkspaceGuard.open(tree.workspace())
    yield tree.place(guard)
    guard.close()


def _lines(path: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _judged(line: Mapping[str, Any], text: str, rules: Policy, place: Place, cwd: str) -> PartVerdict:
    if line["platform"] == "windows":
        place = place_elsewhere(place, "windows", cwd)
    elif line["platform"] == "macos":
        place = place_elsewhere(place, "macos")
    return judge(PathAccess(text, OPERATIONS[line["tool"]]), rules, place)


def _findings(line: Mapping[str, Any], verdict: PartVerdict, seconds: float) -> list[str]:
    told = f"{line['id']} {line['tool']} {verdict.what!r}: {verdict.decision}, not {line['expect']}"
    found: list[str] = []
    if _STRICTNESS[verdict.decision] < _STRICTNESS[line.get("floor", line["expect"])]:
        found.append(f"unsafe: {told} ({verdict.reason})")
    if verdict.decision not in {line["expect"], *line.get("also_ok", ())}:
        found.append(f"wrong: {told} ({verdict.reason})")
    if seconds > _LIMIT_S:
        found.append(f"slow: {told} took {seconds:.3f} s")
    return found


def _report(
    lines: list[Mapping[str, Any]], key: str, tree: Tree, place: Place, rules: Policy
) -> tuple[int, list[str]]:
    findings: list[str] = []
    count = 0
    for line in lines:
        if line["class"] == "race":
            continue
        count += 1
        cwd = line.get("cwd", "C:\\work\\project")
        started = thread_time()
        verdict = _judged(line, tree.written(line[key]), rules, place, cwd)
        findings.extend(_findings(line, verdict, thread_time() - started))
    return count, findings


def test_every_line_of_our_own_is_judged_as_stated(tree: Tree, place: Place) -> None:
    count, findings = _report(_lines(_OWN_LINES), "path", tree, place, policy())
    assert findings == []
    assert count > 200


def test_every_line_of_the_corpus_is_judged_as_stated(shared_data: Path, tmp_path: Path) -> None:
    script = shared_data / "attacks" / "tools" / "setup_paths.sh"
    subprocess.run(["/bin/bash", str(script), str(tmp_path)], check=True, capture_output=True)
    tree = Tree.at(tmp_path)
    guard = WorkspaceGuard.open(tree.workspace())
    try:
        lines = _lines(shared_data / "attacks" / "open" / "paths.jsonl")
        count, findings = _report(lines, "input", tree, tree.place(guard), policy())
    finally:
        guard.close()
    assert findings == []
    assert count > 100


def test_claude_codes_policy_allows_only_worktrees_of_what_is_not_allowed(tree: Tree, place: Place) -> None:
    rules = policy("claude-code")
    lines = [line for line in _lines(_OWN_LINES) if line["expect"] != "allow"]
    allowed = [
        line["id"]
        for line in lines
        if _judged(line, tree.written(line["path"]), rules, place, "C:\\work\\project").decision == "allow"
    ]
    assert allowed == ["own-041"]  # .claude/worktrees, which the real client does not protect


async def test_a_recursive_search_shows_nothing_denied_and_nothing_from_outside(
    tree: Tree, place: Place
) -> None:
    with scope_in(Path(tree.root), permit(policy(), place, ())) as scope:
        for mode in ("content", "files_with_matches", "count"):
            text = await text_of(Grep(LibrarySearch()), scope, pattern=".", output_mode=mode, head_limit=0)
            assert "README.md" in text
            for hidden in (SECRET, OUTSIDE, "secrets/", ".pem:", ".env.local"):
                assert hidden not in text
        text = await text_of(Glob(), scope, pattern="**/*")
        assert not [line for line in text.splitlines() if line.endswith((".env", ".pem", "key.txt"))]
