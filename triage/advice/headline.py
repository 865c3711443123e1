"""The head of a checklist: an alert in a few masked lines, as values for templates/reply/alert.txt."""

from __future__ import annotations

from datetime import datetime, timedelta

from triage.alerts.causes import Cause
from triage.alerts.parser import Alert
from triage.alerts.sample import Sample
from triage.findings import Severity
from triage.masking import mask, mask_appid
from triage.platform.limits import ALERT_THRESHOLD, ALERT_WINDOW, MARK_FAIL_SILENCE
from triage.rules.matching import UNKNOWN, Diagnosis
from triage.rules.model import MARK_FAIL, Rule
from triage.times import ago

_MAX_EXCERPT = 48
"""Characters of an alert's own words that a phone shows on two lines."""
_MAX_URL = 200
"""Characters of a callback's address; real ones are far shorter."""
_MAX_DOMAIN = 253
"""https://datatracker.ietf.org/doc/html/rfc1035#section-2.3.4 allows 255 octets, with those of the lengths."""
_MIN_EVIDENCE = 6
"""Shorter evidence is shown with the whole line that holds it."""
_TIME_OF_DAY = slice(11, None)
"""In a time as `_written` gives it."""
ICONS = {
    Severity.CRITICAL: "🆘",
    Severity.HIGH: "🔴",
    Severity.MEDIUM: "🟠",
    Severity.LOW: "🟡",
    Severity.INFO: "🔎",
}


_DOUBTED = {
    "appid": "AppID",
    "first_seen": "时间",
    "count": "次数",
    "ip": "IP",
    "event": "事件",
    "msg": "消息",
    "callback_url": "回调地址",
    "response_content": "回应内容",
    "resp": "回应内容",
}
"""What the fields that a picture leaves in doubt are called."""


def headline(diagnosis: Diagnosis, rule: Rule, now: datetime | None = None) -> dict[str, object]:
    """The values of templates/reply/alert.txt but `unread` and `story`; an empty value leaves its line out.

    Without `now` it is not said how long ago the first failure was.
    """
    alert, sample = diagnosis.alert, diagnosis.alert.sample
    return {
        "icon": ICONS[rule.severity],
        "title": diagnosis.title,
        "ago": ago(alert.first_seen, now) if alert.first_seen and now else "",
        "volume": _volume(alert),
        "account": account(alert),
        "callback": excerpt(sample.callback_url or "", _MAX_URL),
        "ip": excerpt(sample.ip or ""),
        "domain": excerpt(sample.host or "", _MAX_DOMAIN),
        "window": _window(diagnosis),
        "blocked_until": _blocked_until(diagnosis),
        "pushed": _pushed(diagnosis),
        "causes": [
            {"meaning": mask(cause.meaning), "evidence": _evidence(cause, sample)}
            for cause in diagnosis.causes
        ],
        "description": excerpt(alert.description or "") if diagnosis.kind == UNKNOWN else "",
        "is_picture": alert.doubtful is not None,
        "doubtful": [_DOUBTED[name] for name in alert.doubtful or ()],
    }


_SAMPLE_KEYS = {"http_code": "http code", "curl_error": "cURL Error", "event": "Event"}


def _evidence(cause: Cause, sample: Sample) -> str:
    """The words that prove a cause, as the alert has them; `""` where its meaning repeats them."""
    if cause.field in ("decrypt_fail", "platform"):
        return "" if cause.field == "platform" else "[decrypt fail]"
    if cause.field in _SAMPLE_KEYS:
        return f"{_SAMPLE_KEYS[cause.field]}={cause.evidence}"
    if len(cause.evidence) >= _MIN_EVIDENCE:
        return excerpt(cause.evidence)
    body: str = getattr(sample, cause.field)
    return excerpt(body[body.rfind("\n", 0, cause.span[0]) + 1 :].partition("\n")[0])


def _pushed(diagnosis: Diagnosis) -> str:
    """What was pushed; `""` where a cause names it already."""
    sample = diagnosis.alert.sample
    if any(cause.field == "event" for cause in diagnosis.causes):
        return ""
    return excerpt(sample.event or sample.msg or "")


def _blocked_until(diagnosis: Diagnosis) -> str:
    """The earliest end of the minute for which MarkFail stops all pushes; `""` for other kinds."""
    first_seen = diagnosis.alert.first_seen
    return (
        _written(first_seen + MARK_FAIL_SILENCE)[_TIME_OF_DAY]
        if first_seen and diagnosis.kind == MARK_FAIL
        else ""
    )


def account(alert: Alert) -> str:
    """The account's nickname and masked AppID, without what the alert does not have."""
    return " ".join(
        part for part in (excerpt(alert.nickname or ""), mask_appid(excerpt(alert.appid or ""))) if part
    )


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
    """The window from the first failure on; its beginning alone where the alert does not say how long it is."""
    facts, minutes = diagnosis.facts, diagnosis.alert.window_minutes
    start = str(facts.get("window_start", ""))
    if minutes is None or not start:
        return start
    end = str(facts["window_end"]) if minutes else start
    return f"{start} – {end[_TIME_OF_DAY] if end[:10] == start[:10] else end[5:]}"


def _written(moment: datetime) -> str:
    """The time as `2024-05-01 18:31:00`; strftime is many times slower."""
    return moment.isoformat(" ")[:19]


def excerpt(text: str, limit: int = _MAX_EXCERPT) -> str:
    """The text masked, on one line, cut to `limit` characters."""
    line = mask(text)
    if not line.isprintable():
        line = "".join(char if char.isprintable() else " " for char in line)
    line = " ".join(line.split())
    return line if len(line) <= limit else line[:limit] + "…"
