"""`signalbox requests`: past requests, and one request's attempts with their reasons and cost.

The ledger's file is read, so that it works beside a running Signalbox and without one; what ended in the last
second may not be there yet.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from app.exit_codes import FAILED, OK
from app.paths import Folders
from app.terminal import failed, tell
from gui.wording import cost_words
from proxy.mcp.invisible import spelt_out
from proxy.store.ledger_reader import LedgerReader
from proxy.store.ledger_values import AttemptRow, RequestRow
from proxy.store.values import StoreError


def list_requests(folders: Folders, limit: int, *, as_json: bool) -> int:
    """Prints the requests that began last, oldest first, a line each; returns the exit status."""
    try:
        rows = LedgerReader(folders.store).requests(limit)
    except StoreError as error:
        return failed(error.message, FAILED)
    for row in reversed(rows):
        sys.stdout.write((json.dumps(_facts(row)) if as_json else _line(row)) + "\n")
    if not rows:
        tell("No request was kept yet.")
    return OK


def show_request(folders: Folders, request_id: str, *, as_json: bool) -> int:
    """Prints one request with its attempts and why each was made; returns the exit status."""
    reader = LedgerReader(folders.store)
    try:
        row, attempts = reader.request(request_id), reader.attempts(request_id)
    except StoreError as error:
        return failed(error.message, FAILED)
    if row is None:
        return failed(f"there is no request '{request_id}' in the ledger; see: signalbox requests", FAILED)
    if as_json:
        facts = {**_facts(row), "attempts": [_attempt_facts(each) for each in attempts]}
        sys.stdout.write(json.dumps(facts) + "\n")
        return OK
    for title, text in _sheet(row, attempts):
        sys.stdout.write(f"{title + ':':<14}{_harmless(text)}\n")
    return OK


def _line(row: RequestRow) -> str:
    used = f"{row.provider}/{row.model_used}" if row.provider else "-"
    tokens = (
        f"{row.input_tokens + row.cache_read_tokens + row.cache_write_tokens} in, {row.output_tokens} out"
    )
    columns = (
        _time(row),
        row.id,
        row.token,
        f"{row.model_asked} -> {used}",
        _status(row),
        tokens,
        _dollars(row),
        _duration(row.total_ms),
    )
    return "\t".join(map(_harmless, columns))


def _sheet(row: RequestRow, attempts: list[AttemptRow]) -> Iterator[tuple[str, str]]:
    yield "request", row.id
    yield "began", _time(row)
    yield "client", row.client
    yield "token", row.token
    yield "asked for", f"{row.model_asked} ({row.path})"
    if row.alias is not None:
        yield "alias", row.alias
    for each in attempts:
        yield f"attempt {each.n}", f"{each.provider} / {each.model}: {each.outcome}, {each.duration_ms} ms"
        yield "  why", each.reason
    if not attempts:
        yield "attempts", "none: no provider was asked"
    yield "ended", _status(row)
    if row.stop_reason is not None:
        yield "stopped by", row.stop_reason
    yield "tokens", f"{row.input_tokens} in, {row.output_tokens} out"
    yield "cache", f"{row.cache_read_tokens} read, {row.cache_write_tokens} written"
    yield "cost", cost_words(row, _dollars(row))
    if row.first_token_ms is not None:
        yield "first token", _duration(row.first_token_ms)
    yield "took", _duration(row.total_ms)
    if row.conversation is not None:
        yield "conversation", row.conversation


def _facts(row: RequestRow) -> dict[str, Any]:
    facts: dict[str, Any] = row._asdict()
    facts["cost_usd"] = facts.pop("cost_micro_usd") / 1e6
    facts["started"] = datetime.fromtimestamp(facts.pop("started_us") / 1e6).astimezone().isoformat()
    return facts


def _attempt_facts(attempt: AttemptRow) -> dict[str, Any]:
    facts: dict[str, Any] = attempt._asdict()
    del facts["request_id"]
    return facts


def _time(row: RequestRow) -> str:
    return datetime.fromtimestamp(row.started_us / 1e6).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _status(row: RequestRow) -> str:
    told = (row.outcome if row.status is None else str(row.status), row.error_type or "")
    return " ".join(filter(None, told))


def _dollars(row: RequestRow) -> str:
    return f"${row.cost_micro_usd / 1e6:.6f}"


def _duration(milliseconds: int | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds / 1000:.2f} s"


def _harmless(text: str) -> str:
    """Returns a client's or model's words without what a terminal, or a reader of columns, would obey."""
    return spelt_out(text).replace("\r", "<U+000D>").replace("\n", " ").replace("\t", " ")
