"""Several alerts of one text: their order, which of them get pages of their own, and a line for each."""

from __future__ import annotations

from collections.abc import Iterable

from triage.advice.headline import ICONS, account
from triage.findings import Severity
from triage.masking import mask
from triage.rules.matching import Diagnosis

MAX_LISTED = 10
"""Alerts on a page of the list, and alerts with pages of their own."""
_UNKNOWN = "没有规则认得"
"""What a line calls an alert that no rule names."""


def worst_first(diagnoses: Iterable[Diagnosis]) -> list[Diagnosis]:
    """The order in which several alerts are shown and explained: by severity, then by the number of failures."""
    return sorted(diagnoses, key=_urgency)


def worst(diagnoses: Iterable[Diagnosis]) -> Diagnosis:
    """The alert to look at first."""
    return worst_first(diagnoses)[0]


def with_own_checklist(diagnoses: Iterable[Diagnosis]) -> list[Diagnosis]:
    """The alerts that get pages of their own, worst first: one of each kind, account, address and set of causes."""
    seen: dict[tuple[object, ...], Diagnosis] = {}
    for diagnosis in worst_first(diagnoses):
        alert = diagnosis.alert
        key = (
            diagnosis.kind,
            alert.appid,
            alert.sample.callback_url,
            tuple(cause.id for cause in diagnosis.causes),
        )
        seen.setdefault(key, diagnosis)
    return list(seen.values())[:MAX_LISTED]


def summary_line(diagnosis: Diagnosis, number: int, is_account_known: bool, note: str) -> str:
    """An alert in the list, `1 🆘 MarkFail · 时令果蔬 wx01…2781 · 04-21 18:40:00 · 86 次`, and a note behind it."""
    rule, alert = diagnosis.best, diagnosis.alert
    parts = [
        f"{number} {ICONS[rule.severity]} {diagnosis.title}" if rule else f"{number} {_UNKNOWN}",
        "" if is_account_known else account(alert),
        f"{alert.first_seen:%m-%d %H:%M:%S}" if alert.first_seen else "",
        f"{alert.count} 次" if alert.count is not None else "",
        diagnosis.causes[0].meaning if diagnosis.causes else "",
        note,
    ]
    return " · ".join(mask(part) for part in parts if part)


def _urgency(diagnosis: Diagnosis) -> tuple[int, int]:
    rule = diagnosis.best
    return rule.severity.rank if rule else len(Severity), -(diagnosis.alert.count or 0)
