"""`signalbox permissions judge`: calls in, verdicts out, line by line; nothing runs or is written."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from app.cli import run
from app.exit_codes import BROKEN_SETTINGS, FAILED, OK
from app.paths import Folders
from app.permission_commands import MAX_LINE_BYTES, JudgeOptions, judge_command

_RULES = """
permissions:
  allow: ["Bash(npm test)", "Read(./**)", "Edit(./**)", "WebFetch(domain:a.test)"]
  deny: ["Read(.env)", "Bash(rm:*)"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "area" / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "app.py").write_text("x")
    (folder / ".env").write_text("x")
    (tmp_path / "rules.yaml").write_text(_RULES)
    return folder


def _own(folder: Path) -> Folders:
    return Folders(config=folder / "own", state=folder / "own", runtime=folder / "own" / "run")


def _judged(project: Path, *calls: Any, **changes: Any) -> list[dict[str, Any]]:
    rules = changes.pop("rules", project.parents[1] / "rules.yaml")
    options = JudgeOptions(rules, project, **changes)
    lines = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in calls)
    target = io.StringIO()
    assert judge_command(options, _own(project.parents[1]), io.BytesIO(lines.encode()), target) == OK
    return [json.loads(line) for line in target.getvalue().splitlines()]


def _bash(command: str, **more: Any) -> dict[str, Any]:
    return {"id": command, "tool": "Bash", "input": {"command": command}, **more}


def _read(path: str, **more: Any) -> dict[str, Any]:
    return {"id": path, "tool": "Read", "input": {"file_path": path}, **more}


def _decisions(answers: list[dict[str, Any]]) -> list[str]:
    return [answer["decision"] for answer in answers]


def test_every_line_gets_its_verdict_in_its_order(project: Path) -> None:
    answers = _judged(project, _bash("npm test"), _bash("rm x"), _bash("curl x"), {**_bash("ls"), "id": 7})

    assert [(each["id"], each["decision"], each["rule"]) for each in answers] == [
        ("npm test", "allow", "Bash(npm test)"),
        ("rm x", "deny", "Bash(rm:*)"),
        ("curl x", "ask", None),
        (7, "allow", None),
    ]
    assert all(each["reason"] and each["ms"] >= 0 for each in answers)
    assert set(answers[0]) == {"id", "decision", "rule", "reason", "ms"}


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        "{}",
        '{"id": "x"}',
        '{"tool": "Bash", "input": "ls"}',
        '{"tool": "Bash", "input": {}, "cwd": 1}',
        "[" * 50_000,
        '{"tool": "Bash", "input": {"command": "' + "x" * MAX_LINE_BYTES + '"}}',
    ],
)
def test_a_line_that_holds_no_call_is_denied_and_the_next_one_judged(project: Path, line: str) -> None:
    answers = _judged(project, line, "", _bash("npm test"))

    assert _decisions(answers) == ["deny", "allow"]
    assert answers[0]["reason"].startswith("no call that could be judged")


def test_bytes_that_are_no_text_are_denied(project: Path) -> None:
    target = io.StringIO()
    options = JudgeOptions(project.parents[1] / "rules.yaml", project)

    judge_command(options, _own(project), io.BytesIO(b"\xff\xfe\n"), target)

    assert json.loads(target.getvalue())["decision"] == "deny"


def test_the_policy_and_the_mode_are_those_that_were_given(project: Path) -> None:
    calls = (
        _bash("ls"),
        _bash("ls > x"),
        {"tool": "Write", "input": {"file_path": "src/new", "content": ""}},
    )

    assert _decisions(_judged(project, *calls)) == ["allow", "allow", "allow"]
    assert _decisions(_judged(project, *calls, policy="strict")) == ["ask", "ask", "allow"]
    assert _decisions(_judged(project, *calls, mode="plan")) == ["allow", "allow", "deny"]
    assert _decisions(_judged(project, *calls, policy="strict", mode="dontAsk")) == ["deny", "deny", "allow"]


def test_a_mode_that_the_file_forbids_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = project.parents[1] / "rules.yaml"
    rules.write_text("permissions: {disableBypassPermissionsMode: disable}\n")
    target = io.StringIO()
    options = JudgeOptions(rules, project, mode="bypassPermissions")

    status = judge_command(options, _own(project), io.BytesIO(b"{}\n"), target)

    assert (status, target.getvalue()) == (BROKEN_SETTINGS, "")
    assert "forbids the mode bypassPermissions" in capsys.readouterr().err


def test_the_files_own_mode_counts_where_none_was_given(project: Path) -> None:
    rules = project.parents[1] / "plan.json"
    rules.write_text('\ufeff{\n\t"permissions": {"defaultMode": "plan"}}')
    call = {"tool": "Write", "input": {"file_path": "x", "content": ""}}

    assert _decisions(_judged(project, call, rules=rules)) == ["deny"]
    assert _decisions(_judged(project, call, rules=rules, mode="acceptEdits")) == ["allow"]


def test_paths_begin_where_the_line_says_and_read_only_folders_are_not_written(project: Path) -> None:
    shared = project.parent / "shared"
    shared.mkdir()
    (shared / "a.md").write_text("x")
    calls = (
        _read("app.py", cwd=str(project / "src")),
        _read(str(shared / "a.md")),
        {"tool": "Write", "input": {"file_path": str(shared / "a.md"), "content": ""}},
        _read("../x"),
    )

    answers = _judged(project, *calls, policy="strict", read_only=(shared,))

    assert _decisions(answers) == ["allow", "allow", "deny", "deny"]


def test_our_own_files_are_denied(project: Path) -> None:
    own = project.parents[1] / "own"
    own.mkdir()
    (own / "settings.yaml").write_text("x")

    assert _decisions(_judged(project, _read(str(own / "settings.yaml")))) == ["deny"]


def test_another_platforms_rules_of_names_can_be_tried(project: Path) -> None:
    windows = {"context": {"platform": "windows"}, "cwd": r"C:\work\project"}
    calls = (
        _read(r"C:\work\project\src\app.py", **windows),
        _read(r"C:\work\project\.ENV", **windows),
        _read(r"C:\work\project\.env::$DATA", **windows),
        _read(r"\\192.0.2.10\share\x", **windows),
        _read("C:/area/project/src/app.py", **windows),
        _read(str(project / ".Env"), context={"platform": "macos"}),
        _read(str(project / ".Env"), context={"platform": "linux"}),
        _read("src/app.py", context="nothing"),
    )

    assert _decisions(_judged(project, *calls, policy="strict")) == [
        *("allow", "deny", "deny", "deny", "allow"),
        *("deny", "allow", "allow"),
    ]


def test_look_ups_redirects_and_answers_are_taken_from_the_line_where_asked(project: Path) -> None:
    def fetch(context: dict[str, Any]) -> dict[str, Any]:
        return {"tool": "WebFetch", "input": {"url": "https://a.test/", "prompt": "p"}, "context": context}

    calls = (
        fetch({}),
        fetch({"dns": {"a.test": ["10.0.0.1"]}}),
        fetch({"dns": {"a.test": ["203.0.113.1"]}}),
        fetch({"redirects": ["https://b.test/"]}),
        {"tool": "WebFetch", "input": {"url": "http://127.0.0.1/"}},
        {"tool": "WebFetch", "input": {"url": 1}},
    )

    assert _decisions(_judged(project, *calls)) == ["allow", "allow", "allow", "allow", "deny", "deny"]
    assert _decisions(_judged(project, *calls, names_from_input=True)) == [
        *("allow", "deny", "allow"),
        *("ask", "deny", "deny"),
    ]
    assert _decisions(_judged(project, calls[3], names_from_input=True, mode="dontAsk")) == ["deny"]


def test_rules_that_are_odd_are_told_and_unreadable_ones_make_everything_ask(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = project.parents[1] / "odd.yaml"
    rules.write_text('permissions: {deny: ["Bash(rm"], allow: ["Write(x)", "Bash(npm run a*)", "Bash(ls)"]}')

    assert _decisions(_judged(project, _bash("ls"), rules=rules)) == ["ask"]

    told = capsys.readouterr().err
    assert "only Edit(path) rules are" in told
    assert "Use Bash(npm run a:*)." in told
    assert "until then everything asks" in told


def test_the_object_itself_is_taken_too(project: Path) -> None:
    rules = project.parents[1] / "bare.yaml"
    rules.write_text("allow: [WebSearch]")

    assert _decisions(_judged(project, {"tool": "WebSearch", "input": {}}, rules=rules)) == ["allow"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "rules"),
        ("permissions: [", "line 1"),
        ("- a", "keys with values"),
        ('{"deny": [], "deny": []}', "stands twice"),
        ('{"deny": [', "line 1"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_and_nothing_is_judged(
    project: Path, text: str | None, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = project.parents[1] / "bad.rules"
    if text is not None:
        rules.write_text(text)
    target = io.StringIO()

    status = judge_command(JudgeOptions(rules, project), _own(project), io.BytesIO(b"{}\n"), target)

    assert (status, target.getvalue()) == (BROKEN_SETTINGS, "")
    assert words in capsys.readouterr().err


def test_a_workspace_that_is_not_there_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (project / "nowhere", project / ".env"):
        options = JudgeOptions(project.parents[1] / "rules.yaml", wrong)
        assert judge_command(options, _own(project), io.BytesIO(), io.StringIO()) == FAILED
        assert wrong.name in capsys.readouterr().err


def test_the_command_line_leads_here(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(project.parents[1].rglob("*"))
    calls = io.TextIOWrapper(io.BytesIO(json.dumps(_bash("npm test")).encode()))
    monkeypatch.setattr("sys.stdin", calls)

    status = run(
        [
            *("permissions", "judge", "--rules", str(project.parents[1] / "rules.yaml")),
            *("--workspace", str(project), "--read-only", str(project.parent), "--policy", "strict"),
            *("--mode", "dontAsk", "--names-from-input"),
        ]
    )

    assert status == OK
    assert json.loads(capsys.readouterr().out)["decision"] == "allow"
    assert sorted(project.parents[1].rglob("*")) == before


def test_a_path_under_another_tools_name_for_it_is_judged_all_the_same(project: Path) -> None:
    answers = _judged(
        project,
        {"id": 1, "tool": "LS", "input": {"file_path": "/etc"}},
        {"id": 2, "tool": "Glob", "input": {"path": "../*"}},
        {"id": 3, "tool": "Read", "input": {"path": "src/app.py"}},
        {"id": 4, "tool": "Grep", "input": {"path": "src", "pattern": "x"}},
        policy="strict",
    )
    assert _decisions(answers) == ["deny", "deny", "allow", "allow"]


def test_an_id_that_json_has_no_form_for_becomes_null(project: Path) -> None:
    (answer,) = _judged(project, '{"id": NaN, "tool": "Bash", "input": {"command": "npm test"}}')
    assert (answer["id"], answer["decision"]) == (None, "allow")
