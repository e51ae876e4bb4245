"""`signalbox requests`: past requests, and one request with its attempts, its tools and both its sides.

The ledger's file is read, and what is kept of bodies on the disk, so that it works beside a running Signalbox
and without one; what ended in the last second may not be there yet.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from app.exchange_folder import ExchangeFolder
from app.exit_codes import FAILED, OK
from app.paths import Folders
from app.redaction import Redactor
from app.terminal import failed, tell
from gui.wording import cost_words
from proxy.events import Exchange, ToolDecided, UpstreamExchange
from proxy.mcp.invisible import spelt_out
from proxy.store.ledger_reader import LedgerReader
from proxy.store.ledger_values import AttemptRow, RequestRow
from proxy.store.values import StoreError

_BODIES = frozenset({"request", "reply"})
_NOT_TOLD = frozenset({"at", "results", "request_headers", "reply_headers"})
_TOLD_OF_TOOLS = (
    "call_id",
    "tool",
    "arguments",
    "runner",
    "decision",
    "reason",
    "rule",
    "decided_by",
    "ran",
    "is_error",
    "exit_code",
    "result_bytes",
    "duration_s",
)


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


def show_request(folders: Folders, request_id: str, *, as_json: bool, with_bodies: bool = False) -> int:
    """Prints one request with its attempts and why each was made; returns the exit status.

    Args:
        folders: Where the ledger and the bodies are.
        request_id: Which request.
        as_json: As one JSON object.
        with_bodies: All that was sent and came back too, where it is kept on the disk.
    """
    reader = LedgerReader(folders.store)
    try:
        row = reader.request(request_id)
        if row is None:
            text = f"there is no request '{request_id}' in the ledger; see: signalbox requests"
            return failed(text, FAILED)
        attempts, decisions = reader.attempts(request_id), reader.decisions(request_id)
    except StoreError as error:
        return failed(error.message, FAILED)
    clock = time.time  # noqa: TID251 - the real clock is handed in here
    kept = ExchangeFolder(folders.bodies, Redactor(), clock).read(request_id)
    past = _Past(row, tuple(attempts), tuple(map(_clean, decisions)), kept)
    if as_json:
        sys.stdout.write(json.dumps(_all_facts(past, with_bodies=with_bodies)) + "\n")
        return OK
    for title, text in _sheet(past):
        sys.stdout.write(f"{title + ':':<14}{_harmless(text)}\n")
    if with_bodies:
        for title, text in _bodies(kept):
            sys.stdout.write(f"\n--- {title}\n{spelt_out(text)}\n")
    return OK


@dataclass(frozen=True, slots=True)
class _Past:
    """What the disk has of a request."""

    row: RequestRow
    attempts: tuple[AttemptRow, ...]
    decisions: tuple[ToolDecided, ...]
    kept: Exchange | None

    def seen(self, attempt: AttemptRow) -> UpstreamExchange | None:
        """Returns an attempt with its two sides, where they are kept."""
        found = () if self.kept is None else self.kept.upstream
        return next((each for each in found if each.n == attempt.n), None)

    def result(self, decision: ToolDecided) -> str:
        """Returns the beginning of what a call gave back, where it is kept."""
        found = () if self.kept is None else self.kept.upstream
        results = (one for each in found for one in each.results)
        return next((one.text for one in results if one.call_id == decision.call_id), "")


def _clean(decision: ToolDecided) -> ToolDecided:
    text = Redactor().text
    return replace(decision, arguments=text(decision.arguments), reason=text(decision.reason))


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


def _sheet(past: _Past) -> Iterator[tuple[str, str]]:
    row = past.row
    yield "request", row.id
    yield "began", _time(row)
    yield "client", row.client
    yield "token", row.token
    yield "asked for", f"{row.model_asked} ({row.path})"
    if row.alias is not None:
        yield "alias", row.alias
    yield from _steps(past)
    if not past.attempts:
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
    yield "bodies", "not kept on the disk" if past.kept is None else "kept; --bodies prints them"


def _steps(past: _Past) -> Iterator[tuple[str, str]]:
    """The attempts, and between them the tools, as far as it is known when each attempt began."""
    left = list(past.decisions)
    for each in past.attempts:
        seen = past.seen(each)
        while left and seen is not None and left[0].at < seen.at:
            decision = left.pop(0)
            yield from _tool_lines(decision, past.result(decision))
        yield f"attempt {each.n}", f"{each.provider} / {each.model}: {each.outcome}, {each.duration_ms} ms"
        yield "  why", each.reason
        if seen is not None:
            yield from _seen_lines(seen)
    for decision in left:
        yield from _tool_lines(decision, past.result(decision))


def _seen_lines(seen: UpstreamExchange) -> Iterator[tuple[str, str]]:
    if seen.status is None:
        yield "  answered", "no" if seen.request or seen.is_dropped else "not asked"
    else:
        first = seen.first_byte_s
        came = "" if first is None else f", first byte after {first:.2f} s, all after {seen.duration_s:.2f} s"
        yield "  answered", f"{seen.status}{came}"
    if seen.key:
        yield "  key", seen.key
    if seen.error_message:
        yield "  error", seen.error_message
    if seen.round > 1:
        yield "  round", f"{seen.round}: asked again after tools ran"
    if seen.input_tokens or seen.output_tokens:
        cached = f"{seen.cache_read_tokens} read from cache, {seen.cache_write_tokens} written"
        yield "  tokens", f"{seen.input_tokens} in, {seen.output_tokens} out, {cached}"
    if seen.stop_reason:
        yield "  stopped by", seen.stop_reason


def _tool_lines(decision: ToolDecided, result: str) -> Iterator[tuple[str, str]]:
    words = {"allow": "allowed", "deny": "denied"}[decision.decision]
    end = ""
    if decision.ran:
        how = f"exit {decision.exit_code}" if decision.exit_code is not None else "done"
        how = "failed" if decision.is_error and decision.exit_code is None else how
        end = f", {how} after {decision.duration_s:.2f} s, {decision.result_bytes} bytes"
    yield "tool", f"{decision.tool}: {words} by {decision.rule or decision.decided_by}{end}"
    yield "  call", decision.arguments
    if result:
        yield "  result", result


def _bodies(kept: Exchange | None) -> Iterator[tuple[str, str]]:
    if kept is None:
        return
    yield "client request", kept.client_request
    for each in kept.upstream:
        gone = "\n(not kept: those of later attempts took the room)" if each.is_dropped else ""
        yield f"attempt {each.n}: sent", each.request + gone
        yield f"attempt {each.n}: came back", each.reply + gone
    yield "client reply", kept.client_reply


def _all_facts(past: _Past, *, with_bodies: bool) -> dict[str, Any]:
    facts = _facts(past.row)
    facts["attempts"] = [
        _attempt_facts(each, past.seen(each), with_bodies=with_bodies) for each in past.attempts
    ]
    facts["tools"] = [{**_tool_facts(each), "result": past.result(each)} for each in past.decisions]
    facts["bodies_kept"] = past.kept is not None
    if with_bodies and past.kept is not None:
        facts["client_request"], facts["client_reply"] = past.kept.client_request, past.kept.client_reply
    return facts


def _facts(row: RequestRow) -> dict[str, Any]:
    facts: dict[str, Any] = row._asdict()
    facts["cost_usd"] = facts.pop("cost_micro_usd") / 1e6
    facts["started"] = datetime.fromtimestamp(facts.pop("started_us") / 1e6).astimezone().isoformat()
    return facts


def _attempt_facts(
    attempt: AttemptRow, seen: UpstreamExchange | None, *, with_bodies: bool
) -> dict[str, Any]:
    facts: dict[str, Any] = attempt._asdict()
    del facts["request_id"]
    if seen is not None:
        hidden = _NOT_TOLD if with_bodies else _NOT_TOLD | _BODIES
        names = [each.name for each in fields(seen) if each.name not in hidden and each.name not in facts]
        facts |= {name: getattr(seen, name) for name in names}
    return facts


def _tool_facts(decision: ToolDecided) -> dict[str, Any]:
    return {name: getattr(decision, name) for name in _TOLD_OF_TOOLS}


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
