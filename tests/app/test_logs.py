"""The log pipeline: one event is one line, nothing secret or invisible in it, and nobody waits for it."""

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
import structlog

from app.log_lines import MAX_FIELD_CHARACTERS
from app.logs import LogPipeline
from app.redaction import REDACTED, Redactor
from app.settings import RunMode
from gui.desk import LogLine

KEY = "sk-or-" + "v1-" + "0a1b2c3d" * 8


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "signalbox.jsonl"


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def pipeline(log_file: Path, stream: io.StringIO) -> Iterator[LogPipeline]:
    log_file.parent.mkdir()
    pipeline = LogPipeline(
        file=log_file, stream=stream, level="debug", redactor=Redactor(["stored-value-1"]), max_tail=100
    )
    pipeline.install()
    yield pipeline
    pipeline.close()


def _lines(log_file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in log_file.read_text(encoding="utf-8").splitlines()]


def test_an_event_is_one_json_line_with_context_in_file_stream_and_tail(
    pipeline: LogPipeline, log_file: Path, stream: io.StringIO
) -> None:
    structlog.contextvars.bind_contextvars(request_id="req_1", conversation_id="conv-1")
    structlog.get_logger("proxy.server").info("request_started", model="big", tries=2)
    assert pipeline.flush()

    (line,) = _lines(log_file)
    assert line.pop("timestamp").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "proxy.server",
        "event": "request_started",
        "model": "big",
        "tries": "2",
        "request_id": "req_1",
        "conversation_id": "conv-1",
    }
    (shown,) = pipeline.tail()
    assert (shown.component, shown.event, shown.request_id, shown.conversation_id, dict(shown.fields)) == (
        "proxy.server",
        "request_started",
        "req_1",
        "conv-1",
        {"model": "big", "tries": "2"},
    )
    assert stream.getvalue() == log_file.read_text() == shown.json + "\n"


@pytest.mark.expects_log("aiohttp.server", "openai", "httpx", "asyncio", "anything.else")
@pytest.mark.parametrize("name", ["aiohttp.server", "openai", "httpx", "asyncio", "anything.else"])
def test_the_standard_library_s_loggers_flow_into_the_same_file_without_their_secrets(
    pipeline: LogPipeline, log_file: Path, name: str
) -> None:
    structlog.contextvars.bind_contextvars(request_id="req_2")
    logging.getLogger(name).error("header %r with key %s", "x-api-key: hunter2-Hunter", KEY)
    pipeline.flush()

    (line,) = _lines(log_file)
    assert (line["logger"], line["level"], line["request_id"]) == (name, "error", "req_2")
    assert KEY[10:] not in line["event"]
    assert "hunter2" not in line["event"]


def test_secrets_are_taken_out_of_values_names_and_tracebacks_everywhere(
    pipeline: LogPipeline, log_file: Path, stream: io.StringIO
) -> None:
    def refuse() -> None:
        raise ValueError(f"refused: {KEY}")

    try:
        refuse()
    except ValueError:
        structlog.get_logger("x").exception(
            "failed " + KEY, api_key="anything", note="has stored-value-1 in it"
        )
    pipeline.flush()

    everything = log_file.read_text() + stream.getvalue() + repr(pipeline.tail())
    assert KEY[10:20] not in everything
    assert "stored-value-1" not in everything
    (line,) = _lines(log_file)
    assert line["api_key"] == REDACTED
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert f"ValueError: refused: {REDACTED}" in line["exception"]


def test_a_traceback_never_holds_the_values_of_variables(pipeline: LogPipeline, log_file: Path) -> None:
    secret_local = "value-of-a-" + "local-variable"
    try:
        _ = len(secret_local) // 0
    except ZeroDivisionError as exc:
        structlog.get_logger("x").error("failed", exc_info=exc)
    pipeline.flush()

    assert secret_local not in log_file.read_text()


@pytest.mark.expects_log("third")
@pytest.mark.parametrize(
    "hostile",
    [
        "line one\nline two",
        'end"}\n{"level":"info","event":"forged"}',
        "\r\x1b[2K\x1b[1Aover",
        "a\u2028b\u2029c",
        "\u202egnp.exe",
        "pass\u200bword",
        "\x00\x07\x9b31m",
        "\ud800 lone",
        "\U000e0041tag",
        "<b>bold</b> <img src=http://evil.example/x>",
    ],
)
def test_hostile_text_stays_inside_its_one_line(pipeline: LogPipeline, log_file: Path, hostile: str) -> None:
    structlog.get_logger("x").warning(hostile, field=hostile)
    logging.getLogger("third").warning(hostile.replace("%", "%%"))
    pipeline.flush()

    raw = log_file.read_bytes()
    assert raw.count(b"\n") == 2
    for line in raw.splitlines():
        parsed = orjson.loads(line)
        assert parsed["level"] == "warning"
        assert not any(
            each in parsed["event"] for each in "\n\r\x1b\x00\x07\x9b\u2028\u2029\u202e\u200b\U000e0041"
        )


def test_a_field_is_cut_at_its_limit_and_a_key_across_the_cut_is_not_left_in_part(
    pipeline: LogPipeline, log_file: Path
) -> None:
    structlog.get_logger("x").info("long", text="a " * (MAX_FIELD_CHARACTERS // 2 - 10) + KEY + " b" * 50_000)
    pipeline.flush()

    (line,) = _lines(log_file)
    assert len(line["text"]) <= MAX_FIELD_CHARACTERS
    assert KEY[9:17] not in line["text"]


def test_the_file_is_for_its_owner_only_and_rotates(tmp_path: Path) -> None:
    path = tmp_path / "signalbox.jsonl"
    path.write_text("old\n")
    path.chmod(0o644)
    pipeline = LogPipeline(file=path, file_bytes=2_000)
    pipeline.install()
    for number in range(40):
        structlog.get_logger("x").info("event", number=number)
    pipeline.close()

    files = sorted(tmp_path.iterdir())
    assert len(files) > 1
    assert {each.stat().st_mode & 0o777 for each in files} == {0o600}


def test_what_comes_too_fast_is_dropped_and_counted_and_never_waited_for(tmp_path: Path) -> None:
    entered, gate = threading.Event(), threading.Event()
    seen: list[tuple[int, int]] = []

    def listen(lines: tuple[LogLine, ...], dropped: int) -> None:
        seen.append((len(lines), dropped))
        entered.set()
        gate.wait(20)

    pipeline = LogPipeline(level="info", max_queued=100)
    pipeline.install()
    pipeline.listen(listen)
    log = structlog.get_logger("x")
    log.info("first")
    assert entered.wait(10)
    for _ in range(1_000):
        log.info("more")
    gate.set()
    pipeline.close()

    assert sum(lines for lines, _ in seen) == 101
    assert sum(dropped for _, dropped in seen) == 900


@pytest.mark.parametrize(
    ("pipeline_of", "numbers"), [(lambda: LogPipeline(max_tail=3), "234"), (LogPipeline, "")]
)
def test_the_tail_keeps_the_newest_lines_and_none_where_nobody_shows_them(
    pipeline_of: Callable[[], LogPipeline], numbers: str
) -> None:
    pipeline = pipeline_of()
    pipeline.install()
    for number in range(5):
        structlog.get_logger("x").info("event", number=number)
    pipeline.flush()

    assert "".join(line.fields["number"] for line in pipeline.tail()) == numbers
    pipeline.close()


def test_a_level_can_be_changed_while_it_runs(pipeline: LogPipeline, log_file: Path) -> None:
    log = structlog.get_logger("x")
    pipeline.set_level("error")
    log.info("hidden")
    logging.getLogger("third").warning("hidden")
    pipeline.set_level("debug")
    log.debug("shown")
    pipeline.flush()

    assert [line["event"] for line in _lines(log_file)] == ["shown"]


def test_development_shows_readable_lines_and_tracebacks_and_production_keeps_those_in_the_file(
    tmp_path: Path,
) -> None:
    shown: dict[str, tuple[str, LogLine]] = {}
    modes: tuple[RunMode, ...] = ("development", "production")
    for mode in modes:
        stream = io.StringIO()
        pipeline = LogPipeline(stream=stream, mode=mode, max_tail=1)
        pipeline.install()
        structlog.get_logger("comp").error("failed", reason="why", exc_info=ValueError("inner"))
        pipeline.flush()
        shown[mode] = (stream.getvalue(), pipeline.tail()[0])
        pipeline.close()

    text, line = shown["development"]
    assert "error    comp: failed  reason=why\nValueError: inner" in text
    assert line.fields["exception"] == "ValueError: inner"
    text, line = shown["production"]
    assert json.loads(text)["exception"] == "ValueError: inner"
    assert "exception" not in line.fields


def test_a_reader_of_standard_error_that_is_gone_harms_nothing(log_file: Path) -> None:
    log_file.parent.mkdir()
    closed = io.StringIO()
    closed.close()
    pipeline = LogPipeline(file=log_file, stream=closed)
    pipeline.install()
    structlog.get_logger("x").info("one")
    structlog.get_logger("x").info("two")
    pipeline.close()

    assert [line["event"] for line in _lines(log_file)] == ["one", "two"]


def test_a_file_that_cannot_be_written_is_named_and_the_program_goes_on(tmp_path: Path) -> None:
    pipeline = LogPipeline(file=tmp_path / "no" / "such" / "folder.jsonl")

    assert pipeline.file_problem is not None
    assert "cannot be written" in pipeline.file_problem
    pipeline.close()


def test_fields_cannot_take_the_place_of_the_line_s_own_keys(pipeline: LogPipeline, log_file: Path) -> None:
    structlog.get_logger("x").info("real", level="forged", timestamp="never")
    pipeline.flush()

    (line,) = _lines(log_file)
    assert (line["level"], line["level_"], line["timestamp_"]) == ("info", "forged", "never")
