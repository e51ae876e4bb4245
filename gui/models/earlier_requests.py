"""Requests of earlier sessions, as rows of the requests' table."""

from __future__ import annotations

from gui.models.requests import RequestRow
from proxy.events import Outcome, RequestFinished, RequestRouted
from proxy.store.ledger_values import RequestRow as LedgerRow


def earlier_row(kept: LedgerRow) -> RequestRow:
    """Returns what the ledger keeps of a request; who was asked, and why, is read on demand."""
    at = kept.started_us / 1e6
    first_token_s = None if kept.first_token_ms is None else kept.first_token_ms / 1000
    duration_s = (kept.total_ms or 0) / 1000
    finished = RequestFinished(
        kept.id,
        at + duration_s,
        _outcome(kept.outcome),
        kept.status or 0,
        duration_s,
        first_token_s,
        kept.stop_reason,
        kept.error_type,
        input_tokens=kept.input_tokens,
        output_tokens=kept.output_tokens,
        cache_read_tokens=kept.cache_read_tokens,
        cache_write_tokens=kept.cache_write_tokens,
        cost_usd=None if kept.cost_source == "unknown" else kept.cost_micro_usd / 1e6,
    )
    row = RequestRow(
        kept.id,
        at,
        kept.client,
        kept.conversation,
        kept.path,
        kept.model_asked,
        first_token_s=first_token_s,
        finished=finished,
        earlier=kept,
    )
    if kept.provider is not None and kept.model_used is not None:
        row.routes.append(RequestRouted(kept.id, kept.alias, kept.provider, kept.model_used, ""))
    return row


def _outcome(kept: str) -> Outcome:
    return "ok" if kept == "ok" else "cancelled" if kept == "cancelled" else "error"
