"""What was allowed is judged once more, by what was seen, right before it is used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.permissions.paths import judge
from proxy.permissions.values import PathAccess
from proxy.tools.guard import GuardError, WorkspaceGuard
from proxy.tools.guard_permit import Lookout, permit
from tests.proxy.tools.path_tree import Tree, policy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the tree has links, pipes and sockets")


@pytest.fixture
def guard(tree: Tree) -> Iterator[WorkspaceGuard]:
    opened = WorkspaceGuard.open(tree.workspace())
    yield opened
    opened.close()


def test_what_the_rules_allow_is_permitted(tree: Tree, guard: WorkspaceGuard) -> None:
    allowed = guard.judged_by(permit(policy(), tree.place(guard), []))
    assert allowed.read("src/app.py").data == b"x = 1\n"
    for path in (".env", "link_to_env", "../outside/file.txt", "link_out_file"):
        with pytest.raises(GuardError, match="refused"):
            allowed.read(path)


def test_what_was_asked_about_is_permitted_as_it_was_seen(tree: Tree, guard: WorkspaceGuard) -> None:
    place, lookout = Lookout.at(tree.place(guard))
    place.look(f"{tree.root}/.npmrc")
    asked = guard.judged_by(permit(policy(), place, lookout.seen))
    asked.write(f"{tree.root}/.npmrc", b"x")
    with pytest.raises(GuardError, match="refused"):
        asked.write(f"{tree.root}/.mcp.json", b"x")


def test_what_was_asked_about_and_leads_elsewhere_by_now_is_not_permitted(
    tree: Tree, guard: WorkspaceGuard
) -> None:
    place, lookout = Lookout.at(tree.place(guard))
    place.look(f"{tree.root}/.npmrc")
    Path(tree.root, ".npmrc").symlink_to(".mcp.json")
    asked = guard.judged_by(permit(policy(), place, lookout.seen))
    with pytest.raises(GuardError, match="refused"):
        asked.write(f"{tree.root}/.npmrc", b"x")


def test_a_search_that_was_asked_about_covers_what_no_rule_is_about(
    tree: Tree, guard: WorkspaceGuard
) -> None:
    rules = policy("strict", {"deny": ["Read(secrets/**)"], "ask": ["Read(docs/**)"]})
    place, lookout = Lookout.at(tree.place(guard))
    place.look(tree.root)
    asked = guard.judged_by(permit(rules, place, lookout.seen))
    found = {entry.path.removeprefix(f"{tree.root}/") for entry in asked.walk()}
    assert "src/app.py" in found
    assert not found & {"secrets", "secrets/key.txt", "docs", "docs/env", "link_out_file"}


def test_only_what_a_call_names_counts_as_seen(tree: Tree, guard: WorkspaceGuard) -> None:
    rules = policy("claude-code", {"deny": ["Read(~/.ssh/**)", "Read(//etc/keys/**)"]})
    place, lookout = Lookout.at(tree.place(guard))
    judge(PathAccess("src/app.py", "read"), rules, place)
    assert [facts.real for facts in lookout.seen] == [f"{tree.root}/src/app.py"]
