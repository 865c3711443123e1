"""What an alert makes one look for in a log: when, which path, whose push."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from triage.alerts.facts import facts_of, is_masked
from triage.alerts.parser import Alert
from triage.logs.files import Span
from triage.platform.limits import ALERT_WINDOW

LEAD = 10.0
"""Seconds before the first failure from which requests count: it is noted when its 5 s are over, by another clock."""
_LOOKS_BACK = re.compile("暂时不推送|解除屏蔽")
"""MarkFail comes after the failures that led to it."""
_LATE = re.compile("秒内没有返回")
_OPENID = re.compile(r"[\w-]{12,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """Which requests are looked for, and what the platform says of them."""

    span: Span
    """When they came in."""
    path: str | None = None
    """The callback's path; None where every request may be one."""
    openid: str | None = None
    """The follower of the alert's sample, whole."""
    failures: int | None = None
    """How many the platform counted."""
    http_code: int | None = None
    """The status that the platform got for the sample."""
    has_answer: bool = False
    """The platform got an answer, and shows it."""
    is_late: bool = False
    """The platform waited 5 s for an answer."""

    @property
    def beginnings(self) -> tuple[str, ...]:
        """How the requests of the path begin, as request lines and where a log has their address alone."""
        if self.path is None:
            return ("",)
        return tuple(
            f"{method}{path}{end}"
            for path in self.spellings
            for method in ("POST ", "GET ", "")
            for end in "? "
        )

    @property
    def spellings(self) -> frozenset[str]:
        """The path with and without a slash at its end."""
        bare = (self.path or "").rstrip("/")
        return frozenset(filter(None, (bare, f"{bare}/")))


def target_of(alert: Alert) -> Target | None:
    """What an alert makes one look for; None where it has no time."""
    if alert.first_seen is None:
        return None
    length = timedelta(minutes=alert.window_minutes) if alert.window_minutes else ALERT_WINDOW
    try:
        looks_back = _LOOKS_BACK.search(alert.description or "")
        start = alert.first_seen - length if looks_back else alert.first_seen
        span = Span(start.timestamp() - LEAD, (start + length).timestamp())
    except OverflowError:
        return None
    path = facts_of(alert, "", ()).get("path")
    openid = alert.sample.openid or ""
    return Target(
        span,
        str(path) if path and not is_masked(str(path)) else None,
        openid if _OPENID.fullmatch(openid) and not is_masked(openid) else None,
        alert.count,
        alert.sample.http_code,
        bool(alert.sample.response_content or alert.sample.resp),
        bool(_LATE.search(alert.description or "")),
    )
