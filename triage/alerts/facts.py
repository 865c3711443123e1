"""The facts of an alert: what conditions test and templates print, under the names that rules use."""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter
from typing import NamedTuple
from urllib.parse import urlsplit

from triage.alerts.parser import Alert, Reading
from triage.alerts.sample import SAMPLE_KEYS
from triage.platform.limits import ALERT_WINDOW
from triage.platform.pushes import COMPONENT_INFO, push_of_alert

Fact = str | int | float | tuple[str, ...]


class FactType(enum.Enum):
    """What a fact holds; it decides which operators and filters apply."""

    TEXT = "text"
    NUMBER = "number"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class FactName:
    """What a fact of this name holds, and how a template shows that it is unknown."""

    type: FactType
    placeholder: str
    """The word that a template prints where the fact is unknown."""


def _facts(type_: FactType, **placeholders: str) -> dict[str, FactName]:
    return {name: FactName(type_, placeholder) for name, placeholder in placeholders.items()}


FACTS: Mapping[str, FactName] = {
    **_facts(
        FactType.TEXT,
        kind="报警类型",
        appid="APPID",
        nickname="公众号",
        description="内容",
        guide_url="指引链接",
        text="报警原文",
        openid="OPENID",
        outer_ip="微信出口IP",
        callback_url="回调地址",
        ip="服务器IP",
        host="回调域名",
        msg="消息类型",
        event="事件",
        wire_event="事件",
        response_content="回应",
        decrypt_fail="no",
        platform="第三方平台",
        transaction_id="支付单号",
        resp="回应",
        errcode="错误码",
        crypto_code="加解密错误码",
        tcp_state="TCP状态",
        scheme="https",
        domain="回调域名",
        port="443",
        path="回调路径",
        url="回调地址",
        openid_pattern="OPENID",
        log_minutes="报警时段",
        window_start="开始时间",
        window_end="结束时间",
    ),
    **_facts(
        FactType.NUMBER,
        window_minutes="分钟数",
        count="次数",
        rate="每分钟次数",
        stamp="时间戳",
        msg_type="MsgType",
        http_code="状态码",
        curl_error="cURL错误码",
        response_length="回应字节数",
    ),
    **_facts(FactType.LIST, cause="原因", phrase="原话", log_status="日志状态码"),
}

_MASKED = re.compile(r"(?i:^x+$|(?<![a-z0-9])xx+[.:/]|[.:/@]x+$|x{3,})")
_MASKED_PRECHECK = re.compile(r"[xX](?:[xX]|\n?\Z)")
"""A cheap pre-check: every value that `_MASKED` finds something in matches this too, and few others do."""
_OPENID = re.compile(r"[A-Za-z0-9_-]{12,64}")
_ALERT_FACTS = ("appid", "nickname", "description", "guide_url", "window_minutes", "count")
_DIRECT_FACTS = (*_ALERT_FACTS, *SAMPLE_KEYS)
_direct_values = attrgetter(*_ALERT_FACTS, *(f"sample.{key}" for key in SAMPLE_KEYS))
_MINUTE = timedelta(minutes=1)
_DEFAULT_WINDOW_MINUTES = ALERT_WINDOW // _MINUTE
_MAX_LOG_MINUTES = 60
"""A longer window is searched for in a log by its first hour only."""
_PORTS = {"http": "80", "https": "443"}
_PLAIN_URL = re.compile(
    r"(https?)://([a-z0-9._-]+)(?::([1-9][0-9]{0,3}))?(/[!-\"$->@-~]*)?(?:[?#]|\Z)",
)
"""A fast path for ordinary addresses; `urlsplit` gives the same parts and takes much longer."""

_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN_ADDRESS = re.compile(rf"(?:{_BYTE}\.){{3}}{_BYTE}")
"""A fast path for ordinary addresses; `ip_address` accepts the same and takes much longer."""


def facts_of(alert: Alert, kind: str, causes: Iterable[str], *, looks_back: bool = False) -> dict[str, Fact]:
    """The facts of an alert; a fact that is not known is not in it.

    A present but empty value is `""`. Numbers are int, `rate` (failures per minute) may be a float. `looks_back` says
    that the failures came before the time of the alert, as those that led to MarkFail.
    """
    facts: dict[str, Fact] = {"kind": kind, "cause": tuple(causes), "text": alert.text}
    facts |= {
        name: value
        for name, value in zip(_DIRECT_FACTS, _direct_values(alert), strict=True)
        if value is not None
    }
    if alert.sample.decrypt_fail:
        facts["decrypt_fail"] = "yes"
    if alert.sample.event:
        facts["wire_event"] = _wire_name(alert.sample.event)
    if alert.window_minutes and alert.count is not None:
        facts["rate"] = round(alert.count / alert.window_minutes, 2)
    facts |= _address_parts(alert.sample.callback_url or "", alert.sample.host or "")
    if alert.first_seen:
        minutes = alert.window_minutes or _DEFAULT_WINDOW_MINUTES
        facts |= _window(alert.first_seen, minutes, looks_back=looks_back)
    openid = alert.sample.openid or ""
    if _OPENID.fullmatch(openid) and not is_masked(openid):
        facts["openid_pattern"] = f"{openid[:4]}[A-Za-z0-9_-]{{{len(openid) - 8}}}{openid[-4:]}"
    return facts


def log_statuses(reading: Reading) -> tuple[str, ...]:
    """The HTTP statuses of access-log lines that were pasted beside the alerts, each once."""
    spans = [alert.span for alert in reading.alerts]
    found = {
        match[1]: None
        for match in islice(_LOG_STATUS.finditer(reading.text), _MAX_LOG_LINES)
        if not any(start <= match.start() < end for start, end in spans)
    }
    return tuple(found)


_LOG_STATUS = re.compile(r"HTTP/[12](?:\.[01])?\"\s{1,4}([1-9]\d\d)\b")
_MAX_LOG_LINES = 1_000


def _wire_name(event: str) -> str:
    """What code compares with: `[Event=Click Menu Url]` is `VIEW` in the push; an event not known stays as it is."""
    push = push_of_alert(event, None, None)
    return push.name if push and push is not COMPONENT_INFO else event


def is_masked(value: str) -> bool:
    """Whether a person has hidden the value (`xx`, `1.2.*.*`), so that no command can use it."""
    if not value or "*" in value or "…" in value or "..." in value:
        return True
    return bool(_MASKED_PRECHECK.search(value) and _MASKED.search(value))


def usable_facts(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts that may stand in a command: no masked value, no malformed IP, nothing that reads like an option."""
    kept = {
        name: value
        for name, value in facts.items()
        if not isinstance(value, str) or not (is_masked(value) or value.startswith("-"))
    }
    for name in ("ip", "outer_ip"):
        if name in kept and not _is_address(str(kept[name])):
            del kept[name]
    return kept


def _is_address(value: str) -> bool:
    if _PLAIN_ADDRESS.fullmatch(value):
        return True
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _address_parts(address: str, host: str) -> dict[str, Fact]:
    """The facts of the callback's address: scheme, domain, port, path, and the URL without query, user and password.

    Where the address is no URL, the domain alone, if the sample has one.
    """
    parts = _split(address)
    if parts is None:
        return {"domain": host} if host else {}
    scheme, hostname, port, path = parts
    netloc = f"[{hostname}]" if ":" in hostname else hostname
    return {
        "scheme": scheme,
        "domain": host or hostname,
        "port": port or _PORTS[scheme],
        "path": path or "/",
        "url": f"{scheme}://{netloc}:{port}{path}" if port else f"{scheme}://{netloc}{path}",
    }


class _Url(NamedTuple):
    """The parts of a web address, `""` for one that is not there."""

    scheme: str
    hostname: str
    port: str
    path: str


def _split(address: str) -> _Url | None:
    """The parts of a web address; None for anything else."""
    if plain := _PLAIN_URL.match(address):
        return _Url(*plain.groups(""))
    try:
        parts = urlsplit(address)
        hostname, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not hostname:
        return None
    return _Url(parts.scheme, hostname, str(port or ""), parts.path)


def _window(first_seen: datetime, minutes: int, *, looks_back: bool) -> dict[str, Fact]:
    """The window from the first failure on, or up to the alert, for people and for `grep -E` over an access log.

    Empty where the window would end after the year 9999.
    """
    try:
        start = first_seen - minutes * _MINUTE if looks_back else first_seen
        end = start + minutes * _MINUTE
        pattern = _log_minutes(start, start + min(minutes, _MAX_LOG_MINUTES) * _MINUTE)
    except OverflowError:
        return {}
    return {
        "window_start": start.isoformat(" ")[:19],
        "window_end": end.isoformat(" ")[:19],
        "log_minutes": pattern,
    }


_LOG_ZONES = (("08", timedelta(0)), ("00", timedelta(hours=-8)))
"""How offsets of logs begin, and their difference from Beijing time: hosts often run in it, containers in UTC."""
_BEFORE, _AFTER = timedelta(seconds=1), timedelta(seconds=6)
"""A line is written when its request ends: up to the platform's 5 s after the push was sent."""


def _log_minutes(start: datetime, end: datetime) -> str:
    """An expression for the minutes as `$time_local` and `$time_iso8601` write them, each with its own offset.

    The offset is part of it: 20:30 in a UTC log is another minute than 20:30 in Beijing.
    """
    hours = _hours(start - _BEFORE, end + _AFTER)
    days: dict[tuple[int, int, int], list[str]] = {}
    for zone, shift in _LOG_ZONES:
        times: dict[tuple[int, int, int], list[str]] = {}
        for hour, minutes in hours:
            there = hour + shift
            times.setdefault((there.year, there.month, there.day), []).append(f"{there.hour:02}:{minutes}")
        for day, found in times.items():
            days.setdefault(day, []).append(f"{_one_of(found)}.{{4,5}}{zone}")
    return "|".join(
        f"({day:02}/{_MONTHS[month - 1]}/{year}:|{year}-{month:02}-{day:02}T){_one_of(found)}"
        for (year, month, day), found in days.items()
    )


def _hours(first: datetime, last: datetime) -> list[tuple[datetime, str]]:
    """Each hour of a span with an expression for its minutes: `(2[8-9]|3[0-3])`."""
    hours = []
    moment = first.replace(second=0)
    while moment <= last:
        left = int((last - moment) / _MINUTE)
        end = min(moment.minute + left, 59)
        hours.append((moment, _one_of(list(_tens(moment.minute, end)))))
        moment += (end - moment.minute + 1) * _MINUTE
    return hours


def _tens(first: int, last: int) -> Iterator[str]:
    """Expressions for minutes of an hour, up to ten in each."""
    for tens in range(first // 10, last // 10 + 1):
        low, high = max(first - 10 * tens, 0), min(last - 10 * tens, 9)
        yield f"{tens}[{low}-{high}]" if low < high else f"{tens}{low}"


def _one_of(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({'|'.join(parts)})"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
