"""What closed incidents may have in common with others, noted when they are closed."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, insert

from triage.incidents.likeness import traits_of
from triage.store.columns import index_key
from triage.store.reading import incidents
from triage.store.schema import TRAITS
from triage.store.session import Session
from triage.store.statements import ONE_INCIDENT

_ADD = insert(TRAITS).inline()
_FORGET = delete(TRAITS).where(TRAITS.c.incident_id == bindparam("incident"))


def keep_traits(session: Session, closed: int) -> None:
    """Note of an incident that was closed what others may have in common with it."""
    session.run(_FORGET, {"incident": closed})
    for incident in incidents(session.all(ONE_INCIDENT, {"incident": closed})):
        keys = dict.fromkeys(index_key(str(trait)) for trait in traits_of(incident))
        if keys:
            session.run_all(_ADD, [{"incident_id": closed, "trait": key} for key in keys])
