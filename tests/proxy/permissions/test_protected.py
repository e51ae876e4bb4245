"""Names that are never written unasked, and folders that are never removed unasked."""

from __future__ import annotations

import pytest

from proxy.permissions.protected import is_critical_removal, protected_name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (".git", ".git"),
        ("a/b/.git/hooks/x", ".git"),
        (".git./config", ".git"),
        (".config/git/ignore", ".config/git"),
        (".claude/settings.json", ".claude"),
        (".claude/worktrees", ".claude"),
        (".claude/worktrees/one/a.py", ".claude"),
        ("x/.zshrc", ".zshrc"),
        (".yarnrc", ".yarnrc"),
        (".yarnrc.yml", ".yarnrc.yml"),
        (".pnp.data.json", ".pnp.data.json"),
        ("lefthook-local.yaml", "lefthook-local.yaml"),
        (".lefthook.toml", ".lefthook.toml"),
        (".bazelrc.user", ".bazelrc.user"),
        ("gradle/wrapper/gradle-wrapper.properties", "gradle-wrapper.properties"),
        (".gitignore", None),
        ("git/config", None),
        (".github/workflows/x.yml", None),
        ("lefthook.py", None),
        ("my.npmrc", None),
        ("...", None),
        ("", None),
    ],
)
def test_a_name_is_protected_at_any_depth(path: str, name: str | None) -> None:
    assert protected_name(path.split("/")) == name


def test_worktrees_may_be_free_but_for_what_is_protected_in_them() -> None:
    for path, name in (
        (".claude/worktrees/one/a.py", None),
        (".claude/worktrees/one/.git/x", ".git"),
        (".claude/worktrees", ".claude"),
        (".claude/settings.json", ".claude"),
    ):
        assert protected_name(path.split("/"), frees_worktrees=True) == name


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/usr",
        "/usr/",
        "/*",
        "/usr/*",
        "/home/u",
        "/home/u/*",
        "/home",
        "/home/u/work",
        "/home/u/work/project",
        "/home/u/work/project/*",
        "/home/u/work/project/src/../*",
        "/c",
        "/c/Windows",
        "/c/*",
        "/data/more",
        "/data/more/*",
    ],
)
def test_removing_what_everything_stands_on_is_critical(path: str) -> None:
    assert _is_critical(path)


@pytest.mark.parametrize(
    "path",
    ["/home/u/work/project/build", "/home/u/work/project/build/*", "/usr/lib/x", "/home/u/other", "/data/x"],
)
def test_removing_something_within_is_not_critical(path: str) -> None:
    assert not _is_critical(path)


def test_without_a_workspace_the_working_folder_still_counts() -> None:
    assert is_critical_removal("/srv/x", cwd="/srv/x/y", home="/home/u", root=None)
    assert not is_critical_removal("/srv/z", cwd="/srv/x/y", home="/home/u", root=None)


def _is_critical(path: str) -> bool:
    return is_critical_removal(
        path,
        cwd="/home/u/work/project/src",
        home="/home/u",
        root="/home/u/work/project",
        inside=["/data/more"],
    )
