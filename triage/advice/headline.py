"""What stands above the steps of a checklist: an alert in a few masked lines, as values for the reply."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from triage.alerts.causes import Cause
from triage.alerts.parser import Alert
from triage.alerts.sample import Sample
from triage.findings import Severity
from triage.masking import mask, mask_appid
from triage.platform.limits import ALERT_THRESHOLD, ALERT_WINDOW, MARK_FAIL_SILENCE
from triage.rules.matching import UNKNOWN, Diagnosis
from triage.rules.parser import MARK_FAIL, Rule

_EXCERPT = 48
_TELLING = 6
"""Evidence shorter than this says nothing without the line it stands in."""
_TIME = slice(11, None)
"""The time of day in a moment as it is written here."""
ICONS = {
    Severity.CRITICAL: "🆘",
    Severity.HIGH: "🔴",
    Severity.MEDIUM: "🟠",
    Severity.LOW: "🟡",
    Severity.INFO: "🔎",
}


def headline(diagnosis: Diagnosis, rule: Rule) -> dict[str, Any]:
    """The values of templates/reply/alert.txt; an empty value leaves its line out."""
    alert, sample = diagnosis.alert, diagnosis.alert.sample
    return {
        "icon": ICONS[rule.severity],
        "title": rule.title,
        "volume": _volume(alert),
        "account": account(alert),
        "callback": mask(sample.callback_url or ""),
        "ip": mask(sample.ip or ""),
        "domain": mask(sample.host or ""),
        "window": _window(diagnosis),
        "blocked_until": _blocked_until(diagnosis),
        "pushed": _pushed(diagnosis),
        "causes": [
            {"meaning": mask(cause.meaning), "evidence": _evidence(cause, sample)}
            for cause in diagnosis.causes
        ],
        "description": excerpt(alert.description or "") if diagnosis.kind == UNKNOWN else "",
    }


_WRITTEN = {"http_code": "http code", "curl_error": "cURL Error", "event": "Event"}


def _evidence(cause: Cause, sample: Sample) -> str:
    """The words of the alert, unless the meaning repeats them."""
    if cause.field in ("decrypt_fail", "platform"):
        return "" if cause.field == "platform" else "[decrypt fail]"
    if cause.field in _WRITTEN:
        return f"{_WRITTEN[cause.field]}={cause.evidence}"
    if len(cause.evidence) >= _TELLING:
        return excerpt(cause.evidence)
    body: str = getattr(sample, cause.field)
    return excerpt(body[body.rfind("\n", 0, cause.span[0]) + 1 :].partition("\n")[0])


def _pushed(diagnosis: Diagnosis) -> str:
    """What was pushed, where no cause has said so already."""
    sample = diagnosis.alert.sample
    if any(cause.field == "event" for cause in diagnosis.causes):
        return ""
    return excerpt(sample.event or sample.msg or "")


def _blocked_until(diagnosis: Diagnosis) -> str:
    """MarkFail stops all pushes for a minute (guide P.7)."""
    first_seen = diagnosis.alert.first_seen
    return (
        _written(first_seen + MARK_FAIL_SILENCE)[_TIME] if first_seen and diagnosis.kind == MARK_FAIL else ""
    )


def account(alert: Alert) -> str:
    """Nickname and masked AppID, as far as they are known."""
    return " ".join(part for part in (excerpt(alert.nickname or ""), mask_appid(alert.appid or "")) if part)


def _volume(alert: Alert) -> str:
    if alert.count is None:
        return ""
    if not alert.window_minutes:
        return f"{alert.count} 次"
    per_minute = alert.count / alert.window_minutes
    rate = f"约 {per_minute / 60:.0f} 次/秒" if per_minute >= 60 else f"约 {per_minute:.1f} 次/分"
    text = f"{alert.window_minutes} 分钟 {alert.count} 次（{rate}"
    if timedelta(minutes=alert.window_minutes) == ALERT_WINDOW:
        text += f"，{_against_threshold(alert.count)}"
    return text + "）"


def _against_threshold(count: int) -> str:
    """How many failures compare with the threshold that an account has by default."""
    times = count / ALERT_THRESHOLD
    if times < 1:
        return f"低于默认阈值 {ALERT_THRESHOLD} 次，应是改过阈值"
    return "刚过默认阈值" if times < 1.5 else f"默认阈值的 {times:.0f} 倍"


def _window(diagnosis: Diagnosis) -> str:
    """From the first failure on; an alert that does not say how long has a beginning only."""
    facts, minutes = diagnosis.facts, diagnosis.alert.window_minutes
    start = str(facts.get("window_start", ""))
    if minutes is None or not start:
        return start
    end = str(facts["window_end"]) if minutes else start
    return f"{start} – {end[_TIME] if end[:10] == start[:10] else end[5:]}"


def _written(moment: datetime) -> str:
    """2024-05-01 18:31:00; many times faster than strftime."""
    return moment.isoformat(" ")[:19]


def excerpt(text: str) -> str:
    """One masked line of an alert's own words, cut to what a phone shows."""
    line = mask(text)
    if not line.isprintable():
        line = "".join(char if char.isprintable() else " " for char in line)
    line = " ".join(line.split())
    return line if len(line) <= _EXCERPT else line[:_EXCERPT] + "…"
