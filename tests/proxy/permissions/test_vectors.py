"""The policy `claude-code` decides as the real client did, for every recorded call that a proxy can meet."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from proxy.permissions.engine import judge
from proxy.permissions.rules import Origin, read_permissions
from proxy.permissions.values import Decision, Mode, Place, Policy, ToolCall
from tests.guards.shared_data import find_shared_data, missing_reason
from tests.proxy.permissions.places import real_place

_FILE = find_shared_data(os.environ) / "permission_vectors" / "vectors.json"
_RECORDED: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8")) if _FILE.is_file() else {}
_VECTORS: list[dict[str, Any]] = _RECORDED.get("vectors", [])

_STRICTER: dict[str, tuple[Decision, str]] = {
    "sh -c 'rm nosuch'": (
        "deny",
        "deny rules look through `sh -c` (attack corpus, class deny_wrapped): the real client asks",
    ),
}
"""Commands on which safety overrides the real client, with what is decided instead and why."""

_OUT_OF_SCOPE: dict[tuple[str, str], str] = {
    (
        "Glob",
        "secrets/**",
    ): "the client's session did not offer Glob; ours denies the folder by Read(secrets/**)",
    (
        "Edit",
        "docs/m.md",
    ): "the client's Edit wants a Read before; that is the tool's own check, after judgement",
    ("WebSearch", "x"): "the input was refused by the tool's schema, which is checked before judgement",
    ("LS", ""): "the client's session did not offer LS; ours lists a workspace without a rule",
}
"""Calls on which the real client never came to a decision (`n/a`)."""

_CREATED = (
    "src/app.ts",
    "a/.env",
    ".env",
    "secrets/k.txt",
    "a/b/priv.key",
    "docs/m.md",
    "x.json",
    "vendor/pkg/src/v",
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scratch tree of the recording: `ws` is the working directory."""
    root = tmp_path_factory.mktemp("R").resolve()
    for name in _CREATED:
        path = root / "ws" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (root / "ws" / "src" / "link.txt").symlink_to(root / "ws" / "secrets" / "k.txt")
    for path in (root / "outside" / "o.txt", root / "home" / ".bashrc"):
        path.parent.mkdir()
        path.write_text("x")
    return root


@pytest.fixture
def place(scratch: Path) -> Iterator[Place]:
    with real_place(scratch / "ws", scratch / "home") as found:
        yield found


def _filled(value: Any, scratch: Path) -> Any:
    return json.loads(json.dumps(value).replace("<R>", str(scratch)))


def _policy(vector: dict[str, Any], scratch: Path) -> Policy:
    lists = _filled(_RECORDED["rules"][vector["set"].partition("_")[0]], scratch)
    read = read_permissions(lists, Origin("flagSettings", "", str(scratch / "ws"), str(scratch / "home")))
    return Policy(
        "claude-code",
        read.rules,
        cast("Mode", vector["mode"]),
        interactive_tools=frozenset({"mcp__t__get_ui"}),
        broken=read.broken,
    )


def _subject(vector: dict[str, Any]) -> str:
    given = vector["input"]
    text = str(
        given.get("command") or given.get("file_path") or given.get("pattern") or given.get("query") or ""
    )
    return text.removeprefix("<R>/ws/")


def _decided(vector: dict[str, Any], scratch: Path, place: Place) -> tuple[Decision, str]:
    call = ToolCall(vector["tool"], _filled(vector["input"], scratch))
    verdict = judge(call, _policy(vector, scratch), place)
    return verdict.decision, verdict.reason


@pytest.mark.skipif(not _VECTORS, reason=missing_reason(_FILE.parent.parent))
@pytest.mark.parametrize(
    "vector", _VECTORS, ids=[f"{each['set']}-{each['tool']}-{number}" for number, each in enumerate(_VECTORS)]
)
def test_a_recorded_call_is_decided_as_the_real_client_did(
    vector: dict[str, Any], scratch: Path, place: Place
) -> None:
    decision, reason = _decided(vector, scratch, place)

    if vector["decision"] == "n/a":
        assert (vector["tool"], _subject(vector)) in _OUT_OF_SCOPE
    elif _subject(vector) in _STRICTER:
        assert decision == _STRICTER[_subject(vector)][0] != vector["decision"], reason
    else:
        assert decision == vector["decision"], f"{vector['input']}: {reason}; the client: {vector['message']}"


def test_every_exception_from_the_recording_is_still_needed() -> None:
    if not _VECTORS:
        pytest.skip(missing_reason(_FILE.parent.parent))  # the shared data is not there
    subjects = {_subject(vector) for vector in _VECTORS}
    undecided = {(each["tool"], _subject(each)) for each in _VECTORS if each["decision"] == "n/a"}

    assert set(_STRICTER) <= subjects
    assert undecided == set(_OUT_OF_SCOPE)
