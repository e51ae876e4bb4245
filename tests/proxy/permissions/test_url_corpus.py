"""Every line of the URL corpus, and of our own lines of the same classes, is judged as it must be."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from proxy.permissions.url_context import judge_with_context
from proxy.permissions.values import Decision, Policy, PolicyName, Verdict
from tests.proxy.permissions.web_rules import fetch_rule, p3

_SIBLINGS = Path(__file__).resolve().parents[2] / "data" / "url_siblings.jsonl"
_RANK: dict[Decision, int] = {"allow": 0, "ask": 1, "deny": 2}
_LIMIT_S = 1.0  # of CPU: what grows out of bounds; the benchmark holds the 100 ms


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _judged(line: dict[str, Any], policy: Policy) -> Verdict:
    started = time.thread_time()
    verdict = judge_with_context(line["input"], policy, line.get("context", {}))
    assert time.thread_time() - started < _LIMIT_S, line["id"]
    return verdict


def _faults(lines: list[dict[str, Any]], policy: Policy) -> Iterator[tuple[str, str]]:
    for line in lines:
        verdict = _judged(line, policy)
        expected, accepted = line["expect"], line.get("also_ok", [])
        if _RANK[verdict.decision] < _RANK[line.get("floor", expected)]:
            yield "unsafe", f"{line['id']}: {verdict.decision}, {verdict.reason}"
        if verdict.decision != expected and verdict.decision not in accepted:
            yield "wrong", f"{line['id']}: {verdict.decision}, {verdict.reason}"
        if expected == "allow" and verdict.decision != "allow":
            yield "friction", f"{line['id']}: {verdict.decision}, {verdict.reason}"


@pytest.mark.parametrize("name", get_args(PolicyName))
def test_every_line_of_the_corpus_is_judged_as_it_demands(shared_data: Path, name: PolicyName) -> None:
    lines = _lines(shared_data / "attacks" / "open" / "urls.jsonl")

    assert list(_faults(lines, p3(name))) == []


def test_the_rules_of_the_tests_are_those_of_policy_p3(shared_data: Path) -> None:
    text = (shared_data / "attacks" / "policies" / "P3_urls.yaml").read_text(encoding="utf-8")
    written = yaml.safe_load(text)["permissions"]

    assert {rule.text for rule in p3().rules if rule.effect == "allow"} == set(written["allow"])
    assert {rule.text for rule in p3().rules if rule.effect == "deny"} == set(written["deny"])


@pytest.mark.parametrize("line", _lines(_SIBLINGS), ids=lambda line: str(line["id"]))
def test_a_line_of_the_same_classes_is_judged_as_it_demands(line: dict[str, Any]) -> None:
    assert list(_faults([line], p3())) == []


def test_a_line_judged_too_laxly_would_be_found() -> None:
    lax = p3()
    allowing_all = Policy("strict", (*lax.rules, fetch_rule("allow", None)))
    line = {"id": "x", "input": "https://other.example/", "expect": "ask"}

    assert [fault for fault, _ in _faults([line], allowing_all)] == ["unsafe", "wrong"]


def test_every_class_of_the_corpus_has_lines_of_our_own(shared_data: Path) -> None:
    classes = {line["class"] for line in _lines(shared_data / "attacks" / "open" / "urls.jsonl")}

    assert classes <= {line["class"] for line in _lines(_SIBLINGS)}
