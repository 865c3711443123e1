"""Facts: what is known of an alert, and what of it a command may be filled with."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from triage.alerts.facts import FACTS, Fact, FactType, facts_of, is_masked, usable_facts
from triage.alerts.parser import parse

HEAD = (
    "Appid: wx352e1c916f58ea3b\n昵称: 样例\n时间: {time}\n"
    "内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回\n次数: {count}\n错误样例: "
)
OPENID = "oQ7dXk2VbnTzLr5WfGh8JmPs3YcA"


def facts(sample: str, time: str = "2024-04-21 18:31:15", count: str = "5分钟 1272次") -> dict[str, Fact]:
    (alert,) = parse(HEAD.format(time=time, count=count) + sample).alerts
    return facts_of(alert, "request_timeout", ("provider_side",))


def test_the_facts_are_those_of_the_list_and_of_their_type() -> None:
    types: dict[FactType, tuple[type, ...]] = {
        FactType.TEXT: (str,),
        FactType.NUMBER: (int, float),
        FactType.LIST: (tuple,),
    }
    found = facts(
        f"[OpenID={OPENID}][Stamp=1713695475][OuterIP=198.51.100.1][3rdUrl=https://u:p@wx.example.com:8443/a/b?token=1]"
        "[Host=wx.example.com][IP=203.0.113.9][MsgType=1][Msg=Text][Event=Click][http code=500][cURL Error=7]"
        "[decrypt fail][response_length=2][response_content=ok][第三方平台:甲]"
    )
    assert found.keys() <= FACTS.keys()
    typed = {"errcode", "crypto_code", "tcp_state", "phrase", "log_status"}
    assert FACTS.keys() - found.keys() <= {"guide_url", "transaction_id", "resp"} | typed
    assert all(isinstance(value, types[FACTS[name].type]) for name, value in found.items())


def test_what_the_alert_does_not_say_is_no_fact() -> None:
    found = facts("[IP=203.0.113.9]")
    assert (
        not {"openid", "url", "domain", "path", "http_code", "decrypt_fail", "openid_pattern"} & found.keys()
    )


ADDRESSES = {
    "no scheme": ("wx.example.com/a", {}),
    "another scheme": ("ftp://wx.example.com/a", {}),
    "a port that is none": ("https://wx.example.com:port/a", {}),
    "an unclosed bracket": ("http://[2001:db8::1/a", {}),
    "no host": ("http:///a", {}),
    "query, user and password are dropped": (
        "https://u:p@wx.example.com:8443/a/b?token=1#x",
        {"url": "https://wx.example.com:8443/a/b", "port": "8443", "path": "/a/b", "scheme": "https"},
    ),
    "the port of the scheme": (
        "http://wx.example.com",
        {"port": "80", "path": "/", "domain": "wx.example.com"},
    ),
    "a port that is written out": (
        "https://wx.example.com:443/a?b#c",
        {"url": "https://wx.example.com:443/a", "port": "443", "path": "/a"},
    ),
    "port nought": ("https://wx.example.com:0/a", {"url": "https://wx.example.com/a", "port": "443"}),
    "a port with a nought in front": (
        "http://wx.example.com:080/",
        {"url": "http://wx.example.com:80/", "port": "80"},
    ),
    "a port beyond the last": ("http://wx.example.com:65536/", {}),
    "a query behind the host": (
        "http://wx.example.com?a/b",
        {"url": "http://wx.example.com", "path": "/", "domain": "wx.example.com"},
    ),
    "an @ behind the host": ("http://wx.example.com/@a:9", {"domain": "wx.example.com", "path": "/@a:9"}),
    "a path in Chinese": ("http://wx.example.com/回调?a", {"path": "/回调", "port": "80"}),
    "capitals": ("HTTPS://WX.Example.com/A", {"scheme": "https", "domain": "wx.example.com", "path": "/A"}),
}


@pytest.mark.parametrize(("address", "parts"), ADDRESSES.values(), ids=ADDRESSES)
def test_an_address_is_taken_apart(address: str, parts: dict[str, str]) -> None:
    found = facts(f"[3rdUrl={address}][IP=203.0.113.9]")
    names = parts or {"scheme", "domain", "port", "path", "url"}
    assert {name: found.get(name) for name in names} == (parts or dict.fromkeys(names))


def test_the_domain_is_the_host_where_there_is_no_address() -> None:
    assert facts("[Host=wx.example.com]")["domain"] == "wx.example.com"


def test_an_ipv6_address_keeps_its_brackets() -> None:
    (alert,) = parse(HEAD.format(time="2024-04-21 18:31:15", count="5分钟 3次") + "[IP=203.0.113.9]").alerts
    sample = replace(alert.sample, callback_url="http://[2001:db8::1]:8080/a?b=c")
    found = facts_of(replace(alert, sample=sample), "request_timeout", ())
    assert found["url"] == "http://[2001:db8::1]:8080/a"
    assert found["domain"] == "2001:db8::1"


MINUTES = {
    "the minute before the window": (False, "21/Apr/2024:18:30:59 +0800"),
    "the minute after the window": (False, "21/Apr/2024:18:37:00 +0800"),
    "another hour": (False, "21/Apr/2024:19:31:15 +0800"),
    "another day": (False, "20/Apr/2024:18:31:15 +0800"),
    "the same digits in UTC, eight hours later": (False, "21/Apr/2024:18:31:15 +0000"),
    "the digits of UTC in Beijing, eight hours earlier": (False, "21/Apr/2024:10:31:15 +0800"),
    "the same digits in UTC as ISO writes them": (False, "2024-04-21T18:31:15+00:00"),
    "the first failure": (True, "21/Apr/2024:18:31:15 +0800"),
    "the last minute": (True, "21/Apr/2024:18:36:15 +0800"),
    "the first failure in a UTC log": (True, "21/Apr/2024:10:31:15 +0000"),
    "the last minute in a UTC log": (True, "21/Apr/2024:10:36:15 +0000"),
    "the first failure as ISO writes it": (True, "2024-04-21T18:31:15+08:00"),
    "the first failure as ISO writes it in UTC": (True, "2024-04-21T10:31:15+00:00"),
}


@pytest.mark.parametrize(("inside", "stamp"), MINUTES.values(), ids=MINUTES)
def test_the_window_finds_its_log_lines(inside: bool, stamp: str) -> None:
    pattern = str(facts("[IP=203.0.113.9]")["log_minutes"])
    line = f'198.51.100.1 - - [{stamp}] "POST / HTTP/1.1" 200 7'
    assert bool(re.search(pattern, line)) is inside


def test_a_push_that_ended_five_seconds_after_the_window_is_in_it() -> None:
    pattern = str(facts("[IP=203.0.113.9]", "2024-04-21 18:31:56", "5分钟 3次")["log_minutes"])
    assert re.search(pattern, "21/Apr/2024:18:37:01 +0800")


NIGHTS = {
    "over midnight and new year in Beijing": "2024-12-31 23:58:00",
    "over midnight and new year in UTC": "2025-01-01 07:58:00",
}


@pytest.mark.parametrize("start", NIGHTS.values(), ids=NIGHTS)
@pytest.mark.parametrize("hours", [0, -8], ids=["in Beijing", "in UTC"])
def test_a_window_finds_both_days_and_no_other_minute(start: str, hours: int) -> None:
    found = facts("[IP=203.0.113.9]", start, "5分钟 3次")
    pattern = str(found["log_minutes"])
    first = datetime.fromisoformat(start) - timedelta(minutes=1)  # a push of the second before may be in it
    offset = "+0800" if hours == 0 else "+0000"
    for minute in range(-30, 40):
        moment = first + timedelta(minutes=minute, hours=hours)
        stamp = f"{moment:%d/%b/%Y:%H:%M:%S} {offset}"
        assert bool(re.search(pattern, stamp)) is (0 <= minute <= 6), stamp
    assert len(pattern) < 130


WIRE = {
    "the receipt of a template message": ("Template Send Job Finish", "TEMPLATESENDJOBFINISH"),
    "a fan who leaves": ("UnSubscribe", "unsubscribe"),
    "a menu that opens a page": ("Click Menu Url", "VIEW"),
    "a menu that pulls a message": ("Click", "CLICK"),
    "a code that is scanned": ("Scan QRCode", "SCAN"),
    "a place that is reported": ("Location Report", "LOCATION"),
    "a ticket": ("Component Ticket", "component_verify_ticket"),
    "an event of which alerts do not tell the InfoType": ("Component Info", "Component Info"),
    "an event nobody knows": ("Moon Phase", "Moon Phase"),
}


@pytest.mark.parametrize(("word", "name"), WIRE.values(), ids=WIRE)
def test_an_event_has_the_name_that_code_compares_with(word: str, name: str) -> None:
    found = facts(f"[IP=203.0.113.9][Event={word}]")
    assert (found["event"], found["wire_event"]) == (word, name)


def test_no_event_has_no_name() -> None:
    assert "wire_event" not in facts("[IP=203.0.113.9][Msg=Text]")


@pytest.mark.parametrize(
    ("time", "count"),
    [
        pytest.param("9999-12-31 23:59:59", "5分钟 3次", id="the last second of the calendar"),
        pytest.param("2024-04-21 18:31:15", "999999分钟 3次", id="a window of two years"),
        pytest.param("2024-04-21 18:31:15", "0分钟 3次", id="a window of nothing"),
        pytest.param("0001-01-01 00:00:00", "5分钟 3次", id="the first second of the calendar"),
    ],
)
def test_an_impossible_window_is_borne(time: str, count: str) -> None:
    found = facts("[IP=203.0.113.9]", time, count)
    assert len(str(found.get("log_minutes", ""))) < 2_000


OPENIDS = {
    "masked with stars": "oQ7dXk2V********",
    "masked with dots": "oQ7dXk2V...3YcA",
    "too short": "oQ7dXk2",
    "no OpenID": "o+((((((((((((((",
}


@pytest.mark.parametrize("openid", OPENIDS.values(), ids=OPENIDS)
def test_what_is_no_openid_has_no_pattern(openid: str) -> None:
    assert "openid_pattern" not in facts(f"[OpenID={openid}][IP=203.0.113.9]")


def test_the_pattern_finds_the_openid_without_spelling_it_out() -> None:
    pattern = str(facts(f"[OpenID={OPENID}]")["openid_pattern"])
    assert OPENID[6:20] not in pattern
    assert re.fullmatch(pattern, OPENID)


MASKED = {
    "two x as a part": (True, "203.0.xx.xx"),
    "one x at the end": (True, "203.0.113.x"),
    "stars": (True, "203.0.*.*"),
    "dots": (True, "https://..."),
    "an ellipsis": (True, "wx.exa…"),
    "capital X": (True, "203.0.113.X"),
    "one x and a line break": (True, "203.0.113.x\n"),
    "three x": (True, "https://xxx.com/wx"),
    "nothing but x": (True, "xx"),
    "nothing": (True, ""),
    "an address": (False, "203.0.113.9"),
    "a name that ends in xx": (False, "maxx.example.com"),
    "a name with one x": (False, "x.example.com"),
    "dots that are no ellipsis": (False, "/a/../b"),
    "wx": (False, "https://wx.example.com/wx/"),
}


@pytest.mark.parametrize(("masked", "value"), MASKED.values(), ids=MASKED)
def test_a_value_that_a_person_has_hidden_is_told_from_a_real_one(masked: bool, value: str) -> None:
    assert is_masked(value) is masked


UNUSABLE = {
    "a masked address": ("ip", "203.0.*.*"),
    "an address that is none": ("ip", "203.0.113"),
    "an exit address that is none": ("outer_ip", "localhost"),
    "a masked domain": ("domain", "xxx.com"),
    "an empty value": ("host", ""),
    "a value that a command would read as an option": ("domain", "-oProxyCommand=x"),
}


@pytest.mark.parametrize(("name", "value"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_command_is_not_filled_with(name: str, value: str) -> None:
    assert usable_facts({name: value, "count": 3, "cause": ()}) == {"count": 3, "cause": ()}


def test_a_command_is_filled_with_what_is_real() -> None:
    real: dict[str, Fact] = {"ip": "203.0.113.9", "domain": "wx.example.com", "path": "/wx", "count": 3}
    assert usable_facts(real) == real


NO_IPS = [
    "256.1.1.1",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "1.2.3.04",
    "1.2.3.４",
    "1.2.3.4\n",
    ".1.2.3.4",
]
IPS = ["0.0.0.1", "9.10.99.100", "199.200.249.250", "255.255.255.255", "2001:db8::9", "fe80::1%eth0"]


@pytest.mark.parametrize("address", NO_IPS + IPS)
def test_an_address_is_what_the_standard_library_takes_for_one(address: str) -> None:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        assert usable_facts({"ip": address}) == {}
    else:
        assert usable_facts({"ip": address}) == {"ip": address}
