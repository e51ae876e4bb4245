"""The audit in the database: every decision about a tool call, appended and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, or_, select, update

from proxy.config import LedgerPolicy
from proxy.events import ToolDecided
from proxy.store.database import Database
from proxy.store.decisions_schema import DECISIONS, OLDEST_KEPT
from proxy.store.schema import META

_D = DECISIONS.c
_SEARCHED = (_D.tool, _D.arguments, _D.client, _D.reason, _D.decided_by, _D.rule, _D.request_id)
_DAY_US = 86_400 * 10**6


class DecisionStore:
    """Decisions, on the disk."""

    def __init__(self, database: Database) -> None:
        self._run = database.run

    async def append(self, decisions: Sequence[ToolDecided]) -> None:
        """Writes decisions in one transaction, durable when it returns."""
        rows = [_row_of(each) for each in decisions]

        def work(connection: Connection) -> None:
            connection.execute(insert(DECISIONS), rows)

        if rows:
            await self._run(work)

    async def latest(self, text: str = "", limit: int = 500) -> list[ToolDecided]:
        """Returns the latest decisions, newest first.

        Args:
            text: Stands in the tool, the call, the client, the reason, who decided or the rule; case does not
                matter.
            limit: The most to return.
        """
        query = select(DECISIONS).order_by(_D.number.desc()).limit(limit)
        if text:
            query = query.where(or_(*(column.icontains(text, autoescape=True) for column in _SEARCHED)))
        return await self._read(query)

    async def of_request(self, request_id: str) -> list[ToolDecided]:
        """Returns the decisions about one request's calls, in order."""
        return await self._read(select(DECISIONS).where(_D.request_id == request_id).order_by(_D.number))

    async def counts(self, since_us: int) -> list[tuple[str, str, str, int]]:
        """Returns how often each tool was allowed and denied by whom: tool, decision, decided by, count."""
        query = (
            select(_D.tool, _D.decision, _D.decided_by, func.count())
            .where(_D.at_us >= since_us)
            .group_by(_D.tool, _D.decision, _D.decided_by)
            .order_by(_D.tool, _D.decision, _D.decided_by)
        )
        return await self._run(
            lambda connection: [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]
        )

    async def hits(self, since_us: int) -> dict[tuple[str, str], int]:
        """Returns how many calls each rule decided, by the rule's source and text."""
        query = (
            select(_D.source, _D.rule, func.count())
            .where(_D.at_us >= since_us, _D.rule.is_not(None))
            .group_by(_D.source, _D.rule)
        )
        return await self._run(
            lambda connection: {(row[0] or "", row[1]): row[2] for row in connection.execute(query)}
        )

    async def prune(self, policy: LedgerPolicy, now_us: int) -> int:
        """Drops decisions that are too old or too many; returns how many."""
        oldest_us = now_us - policy.keep_days * _DAY_US

        def work(connection: Connection) -> int:
            last = _last_to_drop(connection, oldest_us, policy.keep_rows)
            if last is None:
                return 0
            _keep_from(connection, last + 1)
            return connection.execute(delete(DECISIONS).where(_D.number <= last)).rowcount

        return await self._run(work)

    async def _read(self, query: Select[Any]) -> list[ToolDecided]:
        return await self._run(
            lambda connection: [event_of(row) for row in connection.execute(query).mappings()]
        )


def _last_to_drop(connection: Connection, oldest_us: int, keep_rows: int) -> int | None:
    """Returns the number up to which rows go; one whose time is wrong takes no newer ones along."""
    young = connection.execute(select(func.min(_D.number)).where(_D.at_us >= oldest_us)).scalar_one()
    newest = connection.execute(select(func.max(_D.number))).scalar_one()
    if newest is None:
        return None
    too_old = newest if young is None else young - 1
    too_many = select(_D.number).order_by(_D.number.desc()).offset(keep_rows).limit(1)
    last = max(too_old, connection.execute(too_many).scalar_one_or_none() or 0)
    return last if connection.execute(select(func.count()).where(_D.number <= last)).scalar_one() else None


def _keep_from(connection: Connection, number: int) -> None:
    mark = str(number)
    changed = connection.execute(update(META).where(META.c.key == OLDEST_KEPT).values(value=mark))
    if not changed.rowcount:
        connection.execute(insert(META).values(key=OLDEST_KEPT, value=mark))


def _row_of(decided: ToolDecided) -> dict[str, Any]:
    return {
        "at_us": round(decided.at * 1e6),
        "request_id": decided.request_id,
        "call_id": decided.call_id,
        "tool": decided.tool,
        "arguments": decided.arguments,
        "runner": decided.runner,
        "decision": decided.decision,
        "reason": decided.reason,
        "rule": decided.rule,
        "source": decided.source,
        "decided_by": decided.decided_by,
        "conversation": decided.conversation_id,
        "client": decided.client,
        "workspace": decided.workspace,
        "ran": decided.ran,
        "is_error": decided.is_error,
        "exit_code": decided.exit_code,
        "result_bytes": decided.result_bytes,
        "duration_us": round(decided.duration_s * 1e6),
    }


def event_of(row: RowMapping) -> ToolDecided:
    """Returns the decision that a row holds."""
    return ToolDecided(
        request_id=row["request_id"],
        at=row["at_us"] / 1e6,
        call_id=row["call_id"],
        tool=row["tool"],
        arguments=row["arguments"],
        runner=row["runner"],
        decision=row["decision"],
        reason=row["reason"],
        rule=row["rule"],
        source=row["source"],
        decided_by=row["decided_by"],
        conversation_id=row["conversation"],
        client=row["client"],
        workspace=row["workspace"],
        ran=row["ran"],
        is_error=row["is_error"],
        exit_code=row["exit_code"],
        result_bytes=row["result_bytes"],
        duration_s=row["duration_us"] / 1e6,
    )
