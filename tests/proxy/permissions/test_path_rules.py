"""Which paths a rule is about: anchors, depths, links, letter case."""

from __future__ import annotations

from typing import Literal

import pytest

from proxy.permissions.path_rules import closes_folder, is_under, match
from proxy.permissions.values import Rule
from tests.proxy.permissions.path_place import HOME, ROOT, SHARED, facts, place, rule

Effect = Literal["allow", "ask", "deny"]


@pytest.mark.parametrize("effect", ["allow", "ask", "deny"])
@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("//etc/hosts", "/etc/hosts"),
        ("//etc/**", "/etc/ssh/config"),
        ("//**", "/any/thing"),
        ("~/.ssh/**", f"{HOME}/.ssh/id"),
        ("~/notes.txt", f"{HOME}/notes.txt"),
        ("~", f"{HOME}/any"),
        ("/docs/*", f"{ROOT}/docs/a"),
        ("./docs/**", f"{ROOT}/docs/x/y"),
        ("docs/api/**", f"{ROOT}/docs/api/y"),
        ("src/**", f"{ROOT}/src/a.py"),
        (".env", f"{ROOT}/a/b/.env"),
        ("**/*.pem", f"{ROOT}/a.pem"),
        ("./**", f"{ROOT}/anything"),
        ("**", f"{ROOT}/anything"),
        ("./", f"{ROOT}/anything"),
        ("../next/**", "/home/u/next/x"),
        ("docs/", f"{ROOT}/docs/x"),
    ],
)
def test_a_rule_is_about_a_path_whatever_it_does(effect: Effect, spec: str, path: str) -> None:
    assert match(rule(effect, spec), facts(path), place())


@pytest.mark.parametrize("effect", ["allow", "ask", "deny"])
@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("//etc/hosts", f"{ROOT}/etc/hosts"),
        ("~/.ssh/**", f"{ROOT}/.ssh/id"),
        ("~", ROOT.replace("/home/u", "/home/v")),
        ("/docs/*", f"{ROOT}/a/docs/b"),
        ("docs/api/**", f"{ROOT}/x/docs/api/y"),
        ("src/*.py", f"{ROOT}/src.py"),
        ("**/*.pem", f"{ROOT}/a.pem.txt"),
        ("../next/**", f"{ROOT}/next/x"),
        ("work2/**", f"{ROOT}2/x"),
    ],
)
def test_a_rule_is_not_about_another_path(effect: Effect, spec: str, path: str) -> None:
    assert not match(rule(effect, spec), facts(path), place())


def test_one_folder_name_means_here_in_an_allow_rule_and_any_depth_in_others() -> None:
    deep = facts(f"{ROOT}/vendor/pkg/src/a.py")
    assert match(rule("deny", "src/**"), deep, place())
    assert match(rule("ask", "src/**"), deep, place())
    assert not match(rule("allow", "src/**"), deep, place())
    assert not match(rule("allow", "./notes.md"), facts(f"{ROOT}/a/notes.md"), place())
    assert match(rule("allow", "notes.md"), facts(f"{ROOT}/a/notes.md"), place())


def test_a_folder_of_the_rules_source_is_where_a_slash_begins() -> None:
    anchored = rule("allow", "/docs/**", anchor="/etc/app")
    assert match(anchored, facts("/etc/app/docs/x"), place())
    assert not match(anchored, facts(f"{ROOT}/docs/x"), place())


def test_a_rule_without_brackets_is_about_every_path() -> None:
    assert match(rule("deny", None), facts("/anywhere"), place())


def test_moving_does_not_shake_a_deny_rule_off() -> None:
    moved = place(cwd=f"{ROOT}/src")
    assert match(rule("deny", "./secrets/**"), facts(f"{ROOT}/secrets/k"), moved)
    assert match(rule("deny", "./secrets/**"), facts(f"{ROOT}/src/secrets/k"), moved)
    assert not match(rule("allow", "./secrets/**"), facts(f"{ROOT}/src/secrets/k"), moved)


def test_relative_deny_rules_hold_in_folders_that_may_be_read() -> None:
    assert match(rule("deny", "**/.env"), facts(f"{SHARED}/a/.env"), place())
    assert not match(rule("allow", "**/.env"), facts(f"{SHARED}/a/.env"), place())


def test_without_a_workspace_the_working_folder_is_where_rules_begin() -> None:
    nowhere = place(has_workspace=False, cwd="/home/u/else")
    assert match(rule("allow", "./a"), facts("/home/u/else/a"), nowhere)
    assert match(rule("deny", "a"), facts("/home/u/else/x/a"), nowhere)


LINK = facts(f"{ROOT}/src/link", real=f"{ROOT}/secrets/k", via=(f"{ROOT}/via/l2", f"{ROOT}/secrets/k"))


@pytest.mark.parametrize("spec", ["secrets/**", "src/**", "via/**"])
def test_a_deny_rule_needs_one_name_of_a_path(spec: str) -> None:
    assert match(rule("deny", spec), LINK, place())


@pytest.mark.parametrize("spec", ["secrets/**", "src/**", "via/**"])
def test_an_allow_rule_needs_all_of_them(spec: str) -> None:
    assert not match(rule("allow", spec), LINK, place())
    assert match(rule("allow", "./**"), LINK, place())


def test_a_name_outside_that_leads_inside_counts_by_where_it_leads() -> None:
    other_name = facts("/home/u/other/src/a.py", real=f"{ROOT}/src/a.py", via=(f"{ROOT}/src/a.py",))
    assert match(rule("allow", "./**"), other_name, place())
    assert match(rule("allow", "src/**"), other_name, place())


def test_an_exception_needs_all_names_as_an_allow_rule_does() -> None:
    lifted = Rule("deny", "Read(**/.env.example)", "Read", "**/.env.example", is_exception=True)
    assert match(lifted, facts(f"{ROOT}/a/.env.example"), place())
    assert not match(lifted, facts(f"{ROOT}/.env.example", real=f"{ROOT}/.env"), place())


def test_a_deny_rule_is_about_a_folders_real_place_too() -> None:
    there = {
        HOME: facts(HOME, real="/var/home/u", kind="folder"),
        f"{HOME}/.ssh": facts(f"{HOME}/.ssh", real="/var/home/u/.ssh", kind="folder"),
        "/keys": facts("/keys", real="/mnt/keys", kind="folder"),
    }
    real = facts("/var/home/u/.ssh/id")
    for spec in ("~/.ssh/**", "~/**", "~", "~/.ssh/*", "//home/u/.ssh/**"):
        assert match(rule("deny", spec), real, place(there)), spec
        assert not match(rule("allow", spec), real, place(there)), spec
    assert match(rule("ask", "//keys/*.pem"), facts("/mnt/keys/a.pem"), place(there))
    assert not match(rule("ask", "//keys/*.pem"), facts("/mnt/keys/a.txt"), place(there))
    assert match(rule("deny", "//**/*.pem"), facts("/mnt/keys/a.pem"), place(there))


def test_names_are_one_whatever_their_form() -> None:
    assert match(rule("deny", "docs/ü*"), facts(f"{ROOT}/docs/u\u0308ber"), place())


def test_case_is_folded_for_refusing_where_it_may_not_count_and_for_allowing_where_it_does_not() -> None:
    path = facts(f"{ROOT}/Secrets/K")
    assert not match(rule("deny", "secrets/**"), path, place())
    assert match(rule("deny", "secrets/**"), path, place(platform="macos"))
    assert not match(rule("allow", "secrets/**"), path, place(platform="macos"))
    assert match(rule("allow", "secrets/**"), path, place(folds_case=True))
    assert match(rule("deny", "secrets/**"), facts(f"{ROOT}/se\u200dcrets/K"), place(platform="macos"))


def test_a_drive_in_a_rule_is_that_drive() -> None:
    windows = place(platform="windows")
    assert match(rule("deny", "C:\\Users\\a\\**"), facts("/c/Users/a/x"), windows)
    assert match(rule("deny", "//c/Users/a/**"), facts("/c/users/A/x"), windows)
    assert not match(rule("deny", "C:\\Users\\a\\**"), facts("/c/Users/a/x"), place())


def test_a_rule_about_all_that_a_folder_holds_closes_it() -> None:
    folder = facts(f"{ROOT}/secrets", kind="folder")
    assert closes_folder(rule("deny", "secrets/**"), folder, place())
    assert closes_folder(rule("deny", "secrets/*"), folder, place())
    assert not closes_folder(rule("deny", "secrets/*.txt"), folder, place())
    assert closes_folder(rule("deny", "/**"), facts("/", kind="folder"), place(cwd="/"))


def test_a_path_is_under_a_folder_by_whole_names() -> None:
    assert is_under("/a/b", "/a")
    assert is_under("/a", "/a")
    assert not is_under("/ab", "/a")
    assert is_under("/A/b", "/a", folds_case=True)
