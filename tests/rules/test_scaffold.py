"""A rule started from an alert is clean, and wins that alert, whichever of its lines are there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain, combinations

import pytest

from tests.support.paths import DATA
from tests.support.rules import with_added
from triage.alerts.parser import Alert, parse
from triage.rules.matching import UNKNOWN, Matcher
from triage.rules.model import RuleSet
from triage.rules.parser import parse_rules
from triage.rules.scaffold import write_scaffold

LINES = {
    "appid": "Appid: wx352e1c916f58ea3b",
    "nickname": "昵称: 样例商城",
    "time": "时间: 2025-09-25 15:01:22",
    "description": "内容: 微信服务器向公众号推送消息或事件时，发生了没见过的事",
    "count": "次数: 5分钟 30次",
    "sample": "错误样例: [OpenID=oAdFXedIqWRgfr63S568PiXzSAYS][3rdUrl=https://a.cn/wx][Event=Foo]",
    "tail": "报警排查指引，请见: https://mmbizurl.cn/s/x",
}
ODD = {
    "a quote in every value": "昵称: 'it''s'\n内容: 推送'消息'时出了新错\n次数: 5分钟 3次\n"
    "错误样例: [OpenID=o'1][Event=a'b]",
    "a value that looks like a list": "昵称: $pay\n次数: 5分钟 3次\n错误样例: [Event=$pay][IP=192.0.2.1][OpenID=o1]",
    "control characters": "昵称: a\x07b\n次数: 5分钟 3次\n错误样例: [Event=x\x1fy][IP=192.0.2.1][OpenID=o\x00]",
    "a sentence of two words": f"Appid: wx352e1c916f58ea3b\n内容: 失败\n次数: 5分钟 3次\n{LINES['tail']}",
    "words that YAML reads as more": f"{LINES['appid']}\n昵称: no # not yet: {{x}}\n内容: - 推送: 失败了吗\n"
    "次数: 5分钟 3次",
    "a masked sample": "次数: 5分钟 3次\n错误样例: [OpenID=xxx][3rdUrl=http://xx/xx][IP=1.2.*.*][Msg=Text]",
    "no value that a condition can hold": f"错误样例: [第三方平台:$a]\n{LINES['tail']}",
    "nothing but a count and the tail": f"{LINES['count']}\n{LINES['tail']}",
    "an alert longer than a text of a rule": "次数: 5分钟 3次\n"
    f"错误样例: [OpenID=oA1][Event={'长' * 4_000}][Msg={'长' * 4_000}][response_content={'长' * 16_000}]",
    "a long reply": "次数: 5分钟 3次\n错误样例: [OpenID=oA1][Event=Foo][response_length=14000]"
    f"[response_content={'长' * 14_000}]",
}


def _subsets() -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(LINES, size) for size in range(2, len(LINES) + 1))


def _wins(alert: Alert, rules: RuleSet) -> None:
    kind = Matcher(rules).match(alert).kind
    together, findings = with_added(rules, write_scaffold(alert, kind))
    assert findings == ()
    own = together.get("my_rule")
    assert own
    (again,) = parse(own.match[0].text).alerts
    assert Matcher(together).match(again).best is own


def test_a_rule_from_any_lines_of_an_alert_is_clean_and_wins_it(rules: RuleSet) -> None:
    tried = 0
    for names in _subsets():
        for alert in parse("\n".join(LINES[name] for name in names)).alerts:
            _wins(alert, rules)
            tried += 1
    assert tried > 60


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_a_rule_from_an_odd_alert_is_clean_and_wins_it(text: str, rules: RuleSet) -> None:
    (alert,) = parse(text).alerts
    _wins(alert, rules)


OPENID = "oAdFXedIqWRgfr63S568PiXzSAYS"
PERSONAL = {
    "an OpenID": OPENID,
    "an OpenID that is too short for one": OPENID[:14],
    "a payment": "4200002291202405011234567890",
    "a token in the address": "Zm9vYmFyMTIz",
    "a mobile number": "13800138000",
    "an identity card": "11010519491231002X",
    "an address of mail": "li.lei@mail.example.cn",
}


@pytest.mark.parametrize("kind", [UNKNOWN, "request_timeout"])
@pytest.mark.parametrize("description", ["", LINES["description"]], ids=["without 内容", "with it"])
@pytest.mark.parametrize("openid", [OPENID, OPENID[:14]], ids=["an OpenID", "a short one"])
def test_what_is_one_person_s_is_not_in_the_rule(openid: str, description: str, kind: str) -> None:
    text = (
        f"{LINES['appid']}\n{LINES['time']}\n{description}\n{LINES['count']}\n错误样例: [OpenID={openid}]"
        "[3rdUrl=https://a.cn/wx?access_token=Zm9vYmFyMTIz][transaction_id=4200002291202405011234567890]"
        f"[response_content=<xml><ToUserName><![CDATA[{openid}]]></ToUserName><Content><![CDATA[13800138000 "
        "11010519491231002X li.lei@mail.example.cn 1758783682000]]></Content></xml>]"
    )
    (alert,) = parse(text).alerts
    rule = write_scaffold(alert, kind)
    assert [name for name, value in PERSONAL.items() if value in rule] == []
    assert "1758783682000" in rule
    assert "wx352e1c916f58ea3b" in rule


def test_a_value_that_a_person_has_masked_is_no_sign() -> None:
    (alert,) = parse(
        "次数: 5分钟 3次\n错误样例: [OpenID=oA1][Event=**][IP=1.2.*.*][3rdUrl=http://a.cn/]"
    ).alerts
    assert "  domain: 'a.cn'\n" in write_scaffold(alert, UNKNOWN)


def test_a_rule_from_any_alert_of_the_corpus_is_clean() -> None:
    for line in (DATA / "alerts/alerts.jsonl").read_text(encoding="utf-8").splitlines():
        for alert in parse(json.loads(line)["text"]).alerts:
            for kind in (UNKNOWN, "bad_response"):
                assert parse_rules(write_scaffold(alert, kind), "my_rule.yml")[1] == ()
