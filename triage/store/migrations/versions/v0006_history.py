"""The alerts and incidents of a time are found without a look at all the others."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Nothing that is kept changes."""
    op.create_index("alerts_seen_at", "alerts", ["seen_at"])
    op.create_index("incidents_guest_opened_at", "incidents", ["guest", "opened_at"])
