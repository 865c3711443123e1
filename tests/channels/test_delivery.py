"""What every class of a platform's answer means, and what stands in the reason for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from triage.channels.answers import Codes, error_code, judge_answer
from triage.channels.delivery import Button, Delivery, Result
from triage.channels.dingtalk_webhook.codes import CODES as DINGTALK
from triage.channels.feishu_webhook.codes import CODES as FEISHU
from triage.channels.wechat.codes import CODES as WECHAT
from triage.channels.wecom_app.codes import CODES as WECOM
from triage.channels.wecom_webhook.codes import CODES as ROBOT

MINUTE = timedelta(minutes=1)
CLASSES: Mapping[str, tuple[Codes, Mapping[Result, tuple[int, ...]]]] = {
    "wecom_app": (
        WECOM,
        {
            Result.TOKEN_REFUSED: (40014, 42001),
            Result.LATER: (-1, 45009, 45033),
            Result.OTHER_WAY: (81013, 60111),
            Result.SETTING_WRONG: (40001, 40013, 40056, 60011, 60020, 301002),
            Result.OUR_TEXT: (45002, 40058, 40008),
        },
    ),
    "wecom_webhook": (
        ROBOT,
        {
            Result.LATER: (-1, 45009),
            Result.SETTING_WRONG: (93000,),
            Result.OUR_TEXT: (45002, 40058, 40008),
        },
    ),
    "dingtalk_webhook": (
        DINGTALK,
        {Result.LATER: (-1, 130101), Result.SETTING_WRONG: (310000, 300001)},
    ),
    "feishu_webhook": (
        FEISHU,
        {Result.LATER: (9499, 11232), Result.SETTING_WRONG: (19001, 19021, 19024)},
    ),
    "wechat": (
        WECHAT,
        {
            Result.TOKEN_REFUSED: (40001, 40014, 42001),
            Result.LATER: (-1, 45009, 45011),
            Result.OTHER_WAY: (45015, 45047, 48001),
            Result.SETTING_WRONG: (40013, 40125, 40164, 40243, 61004, 89503),
            Result.OUR_TEXT: (45002,),
        },
    ),
}
EVERY_CODE = [
    pytest.param(codes, code, result, id=f"{channel} {code} {result}")
    for channel, (codes, classes) in CLASSES.items()
    for result, members in classes.items()
    for code in members
]


def judged(code: int, said: str = "…", codes: Codes = WECOM) -> Delivery:
    return judge_answer(200, {"errcode": code, "errmsg": said}, codes)


@pytest.mark.parametrize(("codes", "code", "result"), EVERY_CODE)
def test_a_code_is_of_its_class_and_says_what_to_do(codes: Codes, code: int, result: Result) -> None:
    delivery = judged(code, "words of the platform", codes)
    assert delivery.result is result
    assert delivery.reason.startswith(f"errcode {code}（words of the platform）：")
    assert not delivery.reason.endswith("：")


@pytest.mark.parametrize(("codes", "classes"), CLASSES.values(), ids=CLASSES)
def test_no_code_is_known_that_this_table_does_not_hold(
    codes: Codes, classes: Mapping[Result, tuple[int, ...]]
) -> None:
    assert set(codes) == {code for members in classes.values() for code in members}


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        pytest.param(200, None, Result.LATER, id="a 200 that is no JSON is no success"),
        pytest.param(200, {"data": {}}, Result.LATER, id="a 200 without a code is no success"),
        pytest.param(200, {"errcode": "0"}, Result.LATER, id="a code that is text is none"),
        pytest.param(200, {"errcode": False}, Result.LATER, id="a code that is false is none"),
        pytest.param(502, {"errcode": 0}, Result.LATER, id="a 502 that says 0 is no success"),
        pytest.param(500, None, Result.LATER, id="the platform is down"),
        pytest.param(429, None, Result.LATER, id="a gateway finds it too fast"),
        pytest.param(302, None, Result.SETTING_WRONG, id="a login page"),
        pytest.param(404, None, Result.SETTING_WRONG, id="a wrong address"),
        pytest.param(403, None, Result.SETTING_WRONG, id="a proxy refuses"),
        pytest.param(413, None, Result.OUR_TEXT, id="too long for a gateway"),
        pytest.param(200, {"errcode": 99999, "errmsg": "?"}, Result.LATER, id="a code that nobody knows"),
        pytest.param(400, {"code": 19021, "msg": "sign"}, Result.SETTING_WRONG, id="a code beside a 400"),
        pytest.param(200, {"errcode": 0, "errmsg": "ok"}, Result.SENT, id="sent by WeCom and DingTalk"),
        pytest.param(200, {"code": 0, "msg": "success"}, Result.SENT, id="sent by Feishu"),
        pytest.param(200, {"StatusCode": 0, "StatusMessage": ""}, Result.SENT, id="sent by Feishu, old form"),
    ],
)
def test_success_is_read_from_the_body(
    status: int, body: Mapping[str, object] | None, result: Result
) -> None:
    assert judge_answer(status, body, FEISHU).result is result


@pytest.mark.parametrize(
    ("codes", "code", "after"),
    [
        pytest.param(ROBOT, 45009, timedelta(seconds=65), id="a robot of WeCom is free after a minute"),
        pytest.param(DINGTALK, 130101, 10 * MINUTE, id="one of DingTalk is blocked for ten"),
        pytest.param(FEISHU, 11232, MINUTE, id="one of Feishu is free after one"),
        pytest.param(WECOM, 45009, timedelta(seconds=65), id="an app of WeCom is free after a minute"),
        pytest.param(WECHAT, 45009, timedelta(days=1), id="the calls of a day are there again tomorrow"),
        pytest.param(WECHAT, 45011, MINUTE, id="those of a minute in a minute"),
        pytest.param(WECOM, -1, None, id="a busy platform tells no time"),
    ],
)
def test_the_platform_s_rules_tell_when_to_try_again(
    codes: Codes, code: int, after: timedelta | None
) -> None:
    assert judged(code, codes=codes).retry_after == after


@pytest.mark.parametrize(
    ("codes", "code", "said", "advice"),
    [
        pytest.param(
            WECOM, 60020, "not allow to access from your ip, from ip: 203.0.113.9, more info", "加上 203.0.113.9",
            id="the address to enter stands in the words alone",
        ),
        pytest.param(WECOM, 60020, "not allow to access", "加上 本机出口 IP", id="and may be missing"),
        pytest.param(DINGTALK, 310000, "keywords not in content", "keyword", id="310000 is the keyword"),
        pytest.param(
            DINGTALK, 310000, "description:关键词不匹配;solution:…", "keyword", id="the keyword in Chinese"
        ),
        pytest.param(DINGTALK, 310000, "sign not match", "加签", id="or the signature"),
        pytest.param(DINGTALK, 310000, "invalid timestamp", "时钟", id="or the clock"),
        pytest.param(DINGTALK, 310000, "ip 203.0.113.9 not in whitelist", "IP 段", id="or the address"),
    ],
)  # fmt: skip
def test_the_advice_follows_the_platform_s_words(codes: Codes, code: int, said: str, advice: str) -> None:
    assert advice in judged(code, said, codes).reason.rpartition("）：")[2]


def test_a_reason_is_one_line_without_a_secret() -> None:
    reason = judged(40014, f"invalid\naccess_token=abcd1234efgh {'x' * 5000}").reason
    assert "abcd1234" not in reason
    assert "\n" not in reason
    assert len(reason) < 300


def test_a_button_names_the_incident_it_is_about() -> None:
    assert [(button.key(12), button.label) for button in Button] == [
        ("claim:12", "认领"), ("steps:12", "看步骤"), ("close:12", "关闭"),
    ]  # fmt: skip


def test_an_answer_without_a_body_has_no_code() -> None:
    assert error_code(None) is None
