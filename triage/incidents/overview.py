"""The open incidents on one page: the worst first, and those that one machine or one account explains together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from triage.findings import Severity
from triage.incidents.case import rank_of, severity_of
from triage.incidents.correlation import QUIET, Incident, Shape, is_quiet
from triage.incidents.escalation import MARK_FAIL_MINUTE
from triage.incidents.grouping import explained
from triage.rules.model import MARK_FAIL

AT_ONE_TIME = timedelta(minutes=5)
"""Alerts of several kinds that came within this time before the newest one tell of the same five minutes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An open incident as it is now."""

    incident: Incident
    severity: Severity
    rate: int | None
    """Failures in five minutes, as its newest alerts count them; None where it is quiet, or they do not say."""
    is_quiet: bool
    blocked_for: timedelta | None
    """How much longer the platform sends nothing to the callback, after a MarkFail; None where that is over."""


@dataclass(frozen=True, slots=True)
class Block:
    """Incidents that stand together: those that something shared explains, or a single one."""

    shape: Shape | None
    """`HOST`: several accounts fail on one machine; `CODE`: one account has several incidents; None for one alone."""
    shared: str
    """The machine's address or the AppID; `""` for a single one."""
    accounts: int
    """How many accounts they are of."""
    incidents: tuple[Incident, ...]
    """The worst first."""


def standing(incident: Incident, now: datetime, quiet: timedelta = QUIET) -> Standing:
    """How an open incident stands; of its alerts the first and the newest of each kind are enough."""
    silent = is_quiet(incident, now, quiet)
    return Standing(
        incident,
        severity_of(incident),
        None if silent else _rate(incident),
        silent,
        _blocked_for(incident, now),
    )


def overview(incidents: Sequence[Incident], now: datetime, quiet: timedelta = QUIET) -> tuple[Block, ...]:
    """The open incidents in blocks, the worst first; each block stands where its worst incident would."""
    ranked = sorted(incidents, key=lambda incident: _order(incident, now, quiet))
    groups, alone = explained(ranked)
    blocks = {incident.id: Block(None, "", 1, (incident,)) for incident in alone}
    for group in groups:
        blocks[group.incidents[0].id] = Block(group.shape, group.shared, group.accounts, group.incidents)
    return tuple(blocks[incident.id] for incident in ranked if incident.id in blocks)


def portion(blocks: Sequence[Block], skip: int, most: int) -> tuple[Block, ...]:
    """The blocks with the incidents from place `skip` on, at most so many; a block that is cut says so by its size."""
    found, before = [], 0
    for block in blocks:
        shown = block.incidents[max(0, skip - before) : max(0, skip + most - before)]
        if shown:
            found.append(Block(block.shape, block.shared, block.accounts, shown))
        before += len(block.incidents)
    return tuple(found)


def _order(incident: Incident, now: datetime, quiet: timedelta) -> tuple[int, int, datetime, int]:
    """Graver ones first, then those that fail more often, then the older ones."""
    rate = None if is_quiet(incident, now, quiet) else _rate(incident)
    return rank_of(incident), -(rate or 0), incident.opened_at, incident.id


def _rate(incident: Incident) -> int | None:
    """The counts of the newest alert of each kind, as far as they tell of the same minutes."""
    newest = {alert.kind: alert for alert in incident.sightings}
    counts = [
        alert.count
        for alert in newest.values()
        if alert.count is not None and incident.last_seen - alert.seen_at <= AT_ONE_TIME
    ]
    return sum(counts) if counts else None


def _blocked_for(incident: Incident, now: datetime) -> timedelta | None:
    if now - incident.last_seen >= MARK_FAIL_MINUTE:
        return None
    marks = [
        min(alert.first_seen or alert.seen_at, alert.seen_at)
        for alert in incident.sightings
        if alert.kind == MARK_FAIL
    ]
    left = max(marks) + MARK_FAIL_MINUTE - now if marks else timedelta()
    return left if left > timedelta() else None
