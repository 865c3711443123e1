"""A message that may have arrived counts where a destination takes only so many in a time."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, String, column, table, update

from triage.store.migrations.types_v1 import number

revision = "0008"
down_revision = "0007"

_OUTBOX = table("outbox", column("messages"), column("reason", String), column("sent_at", String))


def upgrade() -> None:
    """What has a reason though it was sent went out in the message of another row, or in a reply."""
    op.add_column("outbox", Column("messages", number(), nullable=False, server_default="0"))
    was_one = _OUTBOX.c.sent_at.is_not(None) & _OUTBOX.c.reason.is_(None)
    op.execute(update(_OUTBOX).where(was_one).values(messages=1))
