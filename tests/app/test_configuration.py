"""The configuration as a whole: what it tells the user of the process it runs in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from app.configuration import Configuration
from app.doctor import find_facts
from app.environment import Environment
from app.paths import Folders
from app.secrets import SecretStore
from app.settings_store import SettingsStore
from gui.pages.pages import PAGES
from tests.app.shell import ROOT

ALLOWED = "tools: {may_run_as_root: true}\n"
CLAUDE = """providers:
  claude: {dialect: anthropic-messages, base_url: "https://api.anthropic.com", key: {env: THE_KEY}}
"""


def _made(home: Path, settings: str = "", *, is_elevated: bool) -> Configuration:
    folders = Folders(config=home, state=home, runtime=home / "run")
    folders.create()
    folders.settings_file.write_text(f"version: 1\n{settings}")
    environment = Environment(process={})
    return Configuration(
        folders,
        SettingsStore(folders.settings_file),
        SecretStore(environment, backend=lambda: None),
        environment,
        is_elevated=is_elevated,
    )


def test_as_root_the_user_is_told_what_is_off_and_how_to_allow_it(home: Path) -> None:
    made = _made(home, is_elevated=True)
    (problem,) = made.problems()
    assert problem.title == "Commands and MCP servers are off"
    assert "set `tools: {may_run_as_root: true}` in its settings" in problem.text
    assert not made.may_run_programs
    assert not made.proxy_config().tools.may_run_programs


def test_as_root_the_user_is_warned_also_where_it_is_allowed(home: Path) -> None:
    made = _made(home, ALLOWED, is_elevated=True)
    (problem,) = made.problems()
    assert problem.title == "Signalbox runs as root or administrator"
    assert made.may_run_programs
    assert made.proxy_config().tools.may_run_programs


def test_as_anybody_else_nothing_is_off_and_nothing_said(home: Path) -> None:
    made = _made(home, is_elevated=False)
    assert made.problems() == ()
    assert made.may_run_programs


def test_a_workspace_whose_folder_is_gone_leads_to_the_page_that_lists_workspaces(home: Path) -> None:
    made = _made(home, f"workspaces: {{here: {{root: {home / 'gone'}}}}}\n", is_elevated=False)
    made.reload()
    (problem,) = made.problems()
    assert (problem.title, problem.page) == ("The workspace here cannot be used", "tools")


def test_a_key_that_is_missing_is_told_in_a_whole_sentence(home: Path) -> None:
    made = _made(home, CLAUDE, is_elevated=False)
    made.find_keys()
    told = {each.title: each.text for each in made.problems()}
    assert told["claude: no key"] == (
        "Requests to claude are refused: the environment variable THE_KEY is not set."
    )


def _pages_named(source: str) -> Iterator[object]:
    tree = ast.parse(source)
    imported = {
        name.name
        for each in ast.walk(tree)
        if isinstance(each, ast.ImportFrom) and each.module == "gui.desk"
        for name in each.names
    }
    places = {"WatchedFile": 4} | ({"Problem": 2} if "Problem" in imported else {})
    for each in ast.walk(tree):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id in places:
            given = [*each.args[places[each.func.id] :], *(k.value for k in each.keywords if k.arg == "page")]
            yield from (one.value for one in given if isinstance(one, ast.Constant))


def test_every_page_that_a_problem_leads_to_is_one_of_the_windows() -> None:
    files = [path for folder in ("app", "gui") for path in (ROOT / folder).rglob("*.py")]
    named = {page for path in files for page in _pages_named(path.read_text("utf-8"))}
    assert named - {page for page, _title in PAGES} == set()
    assert {"home", "providers", "models", "tools", "mcp", "logs"} <= named


def test_doctor_says_what_is_off_as_root_and_how_to_allow_it(home: Path) -> None:
    folders = _made(home, is_elevated=True).folders

    def rights(settings: str) -> list[str]:
        folders.settings_file.write_text(f"version: 1\n{settings}")
        facts = find_facts(folders, Environment(process={}), is_elevated=True)
        return [each.text for each in facts if each.topic == "rights"]

    (off,) = rights("server: {port: 0}\n")
    assert "commands and MCP servers are off" in off
    assert "tools: {may_run_as_root: true}" in off
    (on,) = rights(f"server: {{port: 0}}\n{ALLOWED}")
    assert "run so too" in on
