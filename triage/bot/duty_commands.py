"""What members type about being on call."""

from __future__ import annotations

from datetime import datetime

from triage.incidents.team import Override
from triage.store import Store


def overrides_of(store: Store, now: datetime) -> tuple[Override, ...]:
    """The shifts that somebody took over in chat and that are not over, the last one to hold. Raises StoreError."""
    return tuple(
        Override(each.rotation, each.teammate, each.starts_at, each.ends_at) for each in store.shifts(now)
    )
