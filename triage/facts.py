"""What is known of one alert, under the names that rules use: the vocabulary of conditions and templates."""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from triage.alert import Alert

Fact = str | int | float | tuple[str, ...]


class FactType(enum.Enum):
    TEXT = "text"
    NUMBER = "number"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class FactName:
    """A fact's type, and the word that stands for it in a command when it is not known."""

    type: FactType
    placeholder: str


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
        response_content="回包",
        decrypt_fail="no",
        platform="第三方平台",
        transaction_id="支付单号",
        resp="回包",
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
        response_length="回包字节数",
    ),
    **_facts(FactType.LIST, cause="原因"),
}

_MASKED = re.compile(r"\*|…|\.\.\.|(?i:^x+$|(?<![a-z0-9])xx+[.:/]|[.:/@]x+$|x{3,})")
_OPENID = re.compile(r"[A-Za-z0-9_-]{12,64}")
_LONGEST_WINDOW = timedelta(minutes=60)


def facts_of(alert: Alert, kind: str, causes: Iterable[str]) -> dict[str, Fact]:
    """The facts of an alert; a fact that is not known is not in it.

    A present but empty value is `""`. Numbers are int, `rate` (failures per minute) may be a float.
    """
    sample = alert.sample.known()
    facts: dict[str, Fact] = {"kind": kind, "cause": tuple(causes), "text": alert.text}
    for name in ("appid", "nickname", "description", "guide_url", "window_minutes", "count"):
        value = getattr(alert, name)
        if value is not None:
            facts[name] = value
    facts.update(sample)
    if alert.sample.decrypt_fail:
        facts["decrypt_fail"] = "yes"
    if alert.window_minutes and alert.count is not None:
        facts["rate"] = round(alert.count / alert.window_minutes, 2)
    facts.update(_address_parts(str(sample.get("callback_url", "")), str(sample.get("host", ""))))
    if alert.first_seen:
        with suppress(OverflowError):  # a date at the end of the calendar has no window
            facts.update(_window(alert.first_seen, alert.window or timedelta(minutes=5)))
    openid = alert.sample.openid or ""
    if _OPENID.fullmatch(openid) and not is_masked(openid):
        facts["openid_pattern"] = f"{openid[:4]}[A-Za-z0-9_-]{{{len(openid) - 8}}}{openid[-4:]}"
    return facts


def is_masked(value: str) -> bool:
    """Whether a person has hidden the value (`xx`, `1.2.*.*`), so that no command can use it."""
    return not value or bool(_MASKED.search(value))


def usable(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts that a command can be filled with: no masked value, no address that is none, nothing like an option."""
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
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _address_parts(address: str, host: str) -> dict[str, Fact]:
    """Scheme, host, port, path and the URL without query, user or password; `{}` for what is no URL."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return {"domain": host} if host else {}
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return {"domain": host} if host else {}
    netloc = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    netloc += f":{parts.port}" if parts.port else ""
    return {
        "scheme": parts.scheme,
        "domain": host or parts.hostname,
        "port": str(port),
        "path": parts.path or "/",
        "url": f"{parts.scheme}://{netloc}{parts.path}",
    }


def _window(first_seen: datetime, window: timedelta) -> dict[str, Fact]:
    """The window from the first failure on, for people and for `grep -E` over an nginx access log in +0800."""
    minutes = int(min(window, _LONGEST_WINDOW).total_seconds()) // 60
    tens: dict[str, str] = {}
    for offset in range(minutes + 1):
        moment = first_seen + timedelta(minutes=offset)
        minute = f"{moment:%d}/{_MONTHS[moment.month - 1]}/{moment:%Y:%H:%M}"
        tens[minute[:-1]] = tens.get(minute[:-1], "") + minute[-1]
    return {
        "window_start": f"{first_seen:%Y-%m-%d %H:%M:%S}",
        "window_end": f"{first_seen + window:%Y-%m-%d %H:%M:%S}",
        "log_minutes": "|".join(f"{ten}{_digits(digits)}" for ten, digits in tens.items()),
    }


def _digits(digits: str) -> str:
    """The last digits of consecutive minutes as one character class."""
    return digits if len(digits) == 1 else f"[{digits[0]}-{digits[-1]}]"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
