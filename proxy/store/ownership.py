"""`context.Owner.has` as a condition on rows; the two must say the same."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, and_, or_

from proxy.context import Owner


def is_of(table: Table, owner: Owner) -> ColumnElement[bool]:
    """Returns the condition that a row of batches or files is there for `owner`."""
    own = and_(table.c.workspace.is_(None), table.c.token == owner.token)
    return own if owner.workspace is None else or_(own, table.c.workspace == owner.workspace)
