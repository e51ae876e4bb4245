"""On the attack corpora the policy `claude-code` is never less restrictive than is still safe."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from proxy.permissions.engine import judge
from proxy.permissions.rules import Origin, RuleSet, read_permissions
from proxy.permissions.url_context import TEST_NETWORKS, judge_with_context
from proxy.permissions.urls import NetworkFacts
from proxy.permissions.values import Decision, Place, Platform, Policy, ToolCall, Verdict, strictest
from proxy.tools.guard_foreign import place_elsewhere
from tests.proxy.permissions.places import real_place

_RANK: dict[Decision, int] = {"allow": 0, "ask": 1, "deny": 2}

_OUTSIDE = frozenset(
    {
        *("path-0029", "path-0030", "path-0033", "path-0034", "path-0035", "path-0036", "path-0039"),
        *("path-0041", "path-0042", "path-0046", "path-0047", "path-0049", "path-0050", "path-0052"),
        *("path-0054", "path-0058", "path-0062", "path-0064", "path-0068", "path-0169", "path-0171"),
        *("path-0176", "path-0219"),
    }
)
"""Paths outside the workspace, which P2 closes: that is what `strict` adds. The real client asks about them
(vectors `Read /etc/hostname`, `Write` outside), and a rule such as `Read(//data/**)` can open them. Here they
are asked about, never allowed."""

_FURTHER = {
    "path-0036": ("ask", "its file has a second name outside, which asks before the folder is looked at")
}
"""Lines of `_OUTSIDE` that ask for another reason than being outside."""


def _lines(shared_data: Path, name: str) -> list[dict[str, Any]]:
    text = (shared_data / "attacks" / "open" / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _rules(shared_data: Path, name: str, root: Path) -> RuleSet:
    text = (shared_data / "attacks" / "policies" / f"{name}.yaml").read_text(encoding="utf-8")
    return read_permissions(yaml.safe_load(text)["permissions"], Origin(folder=str(root), home=str(root)))


def _build(shared_data: Path, script: str, folder: Path) -> None:
    program = shared_data / "attacks" / "tools" / script
    subprocess.run(["bash", str(program), str(folder)], check=True, capture_output=True)


def _below_floor(lines: list[tuple[dict[str, Any], Verdict]]) -> Iterator[tuple[str, Decision, str]]:
    for line, verdict in lines:
        floor = cast("Decision", line.get("floor", line["expect"]))
        if _RANK[verdict.decision] < _RANK[floor]:
            yield line["id"], verdict.decision, verdict.reason


def test_no_command_is_judged_below_its_floor(shared_data: Path, tmp_path: Path) -> None:
    root = tmp_path.resolve() / "project"
    root.mkdir()
    _build(shared_data, "fixture.sh", root)
    policy = Policy("claude-code", _rules(shared_data, "P1_bash", root).rules)
    with real_place(root, tmp_path / "home") as place:
        judged = [
            (
                line,
                judge(
                    ToolCall("Bash", {"command": line["input"].replace("{ROOT}", str(root))}), policy, place
                ),
            )
            for line in _lines(shared_data, "bash_commands")
        ]

    assert list(_below_floor(judged)) == []


def test_no_address_is_judged_below_its_floor(shared_data: Path, tmp_path: Path) -> None:
    policy = Policy("claude-code", _rules(shared_data, "P3_urls", tmp_path).rules)
    with real_place(tmp_path.resolve(), tmp_path) as place:
        judged = [(line, _fetched(line, policy, place)) for line in _lines(shared_data, "urls")]

    assert list(_below_floor(judged)) == []


def _fetched(line: dict[str, Any], policy: Policy, place: Place) -> Verdict:
    call = ToolCall("WebFetch", {"url": line["input"], "prompt": "p"})
    verdict = judge(call, policy, place, NetworkFacts(public=TEST_NETWORKS))
    whole = judge_with_context(line["input"], policy, line.get("context", {}))
    return whole if strictest(whole.decision, verdict.decision) == whole.decision else verdict


def test_only_paths_outside_the_workspace_are_asked_about_where_strict_denies(
    shared_data: Path, tmp_path: Path
) -> None:
    base = tmp_path.resolve()
    _build(shared_data, "setup_paths.sh", base)
    root, shared = base / "area" / "project", base / "area" / "shared-docs"
    policy = Policy("claude-code", _rules(shared_data, "P2_paths", root).rules)
    with real_place(root, base / "home", read_only=(shared,)) as found:
        place = replace(
            found, own_paths=(f"{base}/home/.config/signalbox", f"{base}/home/.local/share/signalbox")
        )
        lines = [line for line in _lines(shared_data, "paths") if line["class"] != "race"]
        judged = [(line, _touched(line, base, policy, place)) for line in lines]

    below = {name: (decision, reason) for name, decision, reason in _below_floor(judged)}
    assert set(below) == _OUTSIDE
    for name, (decision, reason) in below.items():
        assert decision == "ask"
        assert "outside the workspace" in reason or name in _FURTHER


def _touched(line: dict[str, Any], base: Path, policy: Policy, place: Place) -> Verdict:
    text, cwd = (_named(line[key], base) for key in ("input", "cwd"))
    name = {"Glob": "pattern", "Grep": "path", "LS": "path"}.get(line["tool"], "file_path")
    call = ToolCall(line["tool"], {name: text}, cwd)
    platform = line["platform"]
    if platform in {"windows", "macos"}:
        place = place_elsewhere(place, cast("Platform", platform), cwd)
        call = replace(call, cwd=None)
    return judge(call, policy, place)


def _named(text: str, base: Path) -> str:
    area = base / "area"
    names = {
        "{ROOT_LINK}": area / "project_link",
        "{ROOT}": area / "project",
        "{SHARED}": area / "shared-docs",
        "{HOME}": base / "home",
        "{BASE}": base,
    }
    for name, path in names.items():
        text = text.replace(name, str(path))
    return text


@pytest.mark.parametrize("tool", ["Read", "Write"])
def test_a_path_outside_is_opened_by_a_rule_under_claude_code_alone(tool: str, tmp_path: Path) -> None:
    inside, outside = tmp_path.resolve() / "in", tmp_path.resolve() / "out"
    for folder in (inside, outside):
        folder.mkdir()
    call = ToolCall(tool, {"file_path": str(outside / "x.txt"), "content": "x"})
    rules = read_permissions({"allow": [f"Read(/{outside}/**)", f"Edit(/{outside}/**)"]}).rules
    with real_place(inside, tmp_path) as place:
        assert judge(call, Policy("claude-code"), place).decision == "ask"
        assert judge(call, Policy("claude-code", rules), place).decision == "allow"
        assert judge(call, Policy("strict", rules), place).decision == "deny"
