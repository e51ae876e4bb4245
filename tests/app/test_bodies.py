"""What is kept of requests: none, the failed ones or all; in memory and, for some days, as files."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import MappingProxyType

import pytest

from app.bodies import Bodies
from app.exchange_folder import ExchangeFolder
from app.redaction import Redactor
from app.settings import BodySettings
from proxy.events import Exchange, RequestFinished, ToolResult, UpstreamExchange
from tests.proxy.scripted import delta

SECRET = "correct horse battery"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bodies"


def _bodies(folder: Path, **settings: object) -> Bodies:
    return Bodies(Redactor([SECRET]), BodySettings.model_validate(settings), folder, lambda: 1.7e9)


async def _settled() -> None:
    """Waits for what goes on in the background."""
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


async def _got(bodies: Bodies, request_id: str = "req_1") -> Exchange | None:
    """What is kept of a request, with the client's bodies."""
    return (await bodies.read(request_id, 0)).exchange


def _only_file(folder: Path) -> Path:
    (file,) = folder.glob("*/*.json")
    return file


def _finished(outcome: str, request_id: str = "req_1") -> RequestFinished:
    return RequestFinished(request_id, 0.0, outcome, 200, 1.0)  # pyright: ignore[reportArgumentType] - of the table


@pytest.mark.parametrize(
    ("keep", "outcome", "is_kept"),
    [
        ("all", "ok", True),
        ("errors", "ok", False),
        ("errors", "error", True),
        ("errors", "cancelled", True),
        ("off", "error", False),
    ],
)
async def test_the_settings_say_which_are_kept(folder: Path, keep: str, outcome: str, is_kept: bool) -> None:
    bodies = _bodies(folder, keep=keep)
    bodies.finished(_finished(outcome))

    assert bodies.keep(Exchange("req_1", client_request="hello")) is is_kept
    assert ((await _got(bodies)) is not None) is is_kept


async def test_without_a_window_they_go_to_the_disk_only(folder: Path) -> None:
    bodies = Bodies(Redactor(), BodySettings(days=1), folder, lambda: 1.7e9, in_memory=False)
    assert bodies.keep(Exchange("req_1", client_request="hello"))
    await _settled()
    assert await _got(bodies) is not None
    _only_file(folder).unlink()
    assert await _got(bodies) is None


async def test_switching_it_off_forgets_at_once(folder: Path) -> None:
    bodies = _bodies(folder)
    bodies.keep(Exchange("req_1", client_request="hello"))
    bodies.apply(BodySettings(keep="off"))
    await _settled()
    assert await _got(bodies) is None


def _is_private_and_clean(folder: Path) -> None:
    file = _only_file(folder)
    assert SECRET not in file.read_text()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_on_disk_they_outlive_the_program_and_hold_no_secret(folder: Path) -> None:
    first = _bodies(folder, days=2)
    result = ToolResult("call_1", "Read", f"c {SECRET}")
    attempts = (
        UpstreamExchange(1, 1, "one", "m", "why", 1.5, results=(result,)),
        UpstreamExchange(
            2, 2, "one", "m", "why", 2.5, request=f"b {SECRET}", reply_headers={"retry-after": "1"}
        ),
    )
    first.keep(
        Exchange(
            "req_1",
            client_request=f"a {SECRET}",
            client_headers=MappingProxyType({"x": "y"}),
            upstream=attempts,
            is_cut=True,
        )
    )
    await _settled()

    _is_private_and_clean(folder)
    read = await _bodies(folder, days=2).read("req_1", None)
    assert read.n == 2
    assert read.exchange is not None
    attempts = read.exchange.upstream
    assert [(each.n, each.request) for each in attempts] == [(1, ""), (2, "b [redacted]")]
    assert attempts[0].results == (ToolResult("call_1", "Read", "c [redacted]"),)
    assert attempts[1].reply_headers == {"retry-after": "1"}
    assert (read.exchange.client_headers, read.exchange.is_cut) == ({"x": "y"}, True)
    client = await _got(_bodies(folder, days=2))
    assert client is not None
    assert client.client_request == "a [redacted]"


@pytest.mark.parametrize(("days", "left"), [(0, []), (1, ["2023-11-14"]), (3, ["2023-11-13", "2023-11-14"])])
def test_old_days_are_deleted_and_other_files_are_not(folder: Path, days: int, left: list[str]) -> None:
    for name in ("2023-11-01", "2023-11-13", "2023-11-14", "notes"):
        (folder / name).mkdir(parents=True)
    ExchangeFolder(folder, Redactor(), lambda: 1.7e9).sweep(days)
    assert sorted(each.name for each in folder.iterdir()) == [*left, "notes"]


@pytest.mark.parametrize("request_id", ["../x", "a/b", "", "x" * 81])
def test_only_an_id_names_a_file(folder: Path, request_id: str) -> None:
    files = ExchangeFolder(folder, Redactor(), lambda: 1.7e9)
    files.write(Exchange(request_id, client_request="hello"), is_failed=False)
    assert (files.read(request_id), folder.exists()) == (None, False)


@pytest.mark.expects_log("body_not_kept")
def test_a_folder_that_cannot_be_written_costs_the_file_only(folder: Path) -> None:
    folder.write_text("in the way")
    ExchangeFolder(folder, Redactor(), lambda: 1.7e9).write(Exchange("req_1"), is_failed=False)
    assert folder.read_text() == "in the way"


def _names(folder: Path) -> list[str]:
    return [each.name for each in folder.glob("*/*")]


async def test_from_all_to_errors_what_went_well_goes_from_the_disk_too(folder: Path) -> None:
    bodies = _bodies(folder, days=2)
    for request_id, outcome in (("req_1", "ok"), ("req_2", "error")):
        bodies.finished(_finished(outcome, request_id))
        bodies.keep(Exchange(request_id, client_request="hello"))
    await _settled()
    bodies.apply(BodySettings(keep="errors", days=2))
    await _settled()
    assert _names(folder) == ["req_2.failed.json"]
    assert await _got(bodies) is None
    assert await _got(_bodies(folder, keep="errors", days=2), "req_2") is not None


async def test_an_attempts_answer_is_read_as_a_message_and_holds_no_secret_that_came_in_pieces(
    folder: Path,
) -> None:
    bodies = _bodies(folder)
    reply = "".join(
        delta(finish, content=piece).decode()
        for piece, finish in ((SECRET[:9], None), (SECRET[9:], None), ("", "stop"))
    )
    attempt = UpstreamExchange(
        1, 1, "one", "m", "why", 1.5, dialect="openai-chat", status=200, reply=reply + "data: [DONE]\n\n"
    )
    bodies.keep(Exchange("req_1", client_request="{}", upstream=(attempt,)))
    read = await bodies.read("req_1", 1)
    message = json.loads(read.answer)
    assert message["content"] == [{"type": "text", "text": "[redacted]"}]
    assert message["stop_reason"] == "end_turn"
    assert (await bodies.read("req_1", 0)).answer == ""


class Hours:
    """Stands where the program waits from sweep to sweep."""

    def __init__(self) -> None:
        self.now = 1.7e9
        self.waits: asyncio.Queue[tuple[float, asyncio.Event]] = asyncio.Queue()

    async def sleep(self, seconds: float) -> None:
        over = asyncio.Event()
        self.waits.put_nowait((seconds, over))
        await over.wait()


async def test_a_program_that_runs_for_days_deletes_what_grows_too_old(folder: Path) -> None:
    hours = Hours()
    bodies = Bodies(Redactor(), BodySettings(days=1), folder, lambda: hours.now, sleep=hours.sleep)
    bodies.begin()
    (folder / "2023-11-14").mkdir(parents=True)
    seconds, over = await hours.waits.get()
    assert (folder / "2023-11-14").exists()
    assert 0 < seconds <= 86_400

    hours.now += 86_400
    over.set()
    await hours.waits.get()
    assert not (folder / "2023-11-14").exists()
    await bodies.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}
