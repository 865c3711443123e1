"""What a reader of pictures confuses is put right where one reading is possible; what is not is marked, not guessed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.paths import ROOT
from triage.alerts.ocr_damage import parse_picture, repair
from triage.alerts.parser import Alert, parse

HEAD = """\
Appid: wx45df475afda51efd
时间: 2023-07-09 22:48:30
内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回
次数: 5分钟 48次
"""
TAIL = "\n报警排查指引，请见: https://mmbizurl.cn/s/MpkaZb8yg"
ALERTS = [
    json.loads(line)["text"]
    for line in (ROOT / "tests/data/alerts/alerts.jsonl").read_text(encoding="utf-8").splitlines()
]


def read(sample: str) -> Alert:
    (alert,) = parse_picture(f"{HEAD}错误样例: {sample}{TAIL}").alerts
    return alert


@pytest.mark.parametrize(
    "sample",
    [
        "[IP=203.0.113.159][Event=Click]",
        "[1P=203.0.113.159][Event=Click]",
        "[lP=203.0.113.159][Event=Click]",
        "[IP=203.0.113.159J[Event=Click]",
        "[IP=203.0.113.159l[Event=Click]",
        "[IP=203.0.113.159j[Event=Click]",
        "[0uter]P=198.51.100.8][]P=203.0.113.159][Event=Click]",
        "[IP=203.0.113.159]Event=Click]",
        "[IP=203.0.113.159]IEvent=Click]",
        "[IP=203.0.113.159][IEvent=Click]",
        "[IP=203.0.113.1591[Event=Click]",
        "【IP=203.0.113.159】【Event=Click】",
        "[IP=2O3.O.ll3.I59][Event=Click]",
        "[IP=203.0.113. 159][Event=Click]",
        "1IP=203.0.113.159][Event=Click]",
        "IP=203.0.113.159][Event=Click]",
        "[IP=203.0.113.159][Event=ClickJ",
        "[IP=203.0.113.159][Event=Click",
        "[IP=203.0.113.159] [Event = Click]",
        "[IP=203.0.113.159]\n[Event=Click]",
    ],
)  # fmt: skip
def test_an_address_and_an_event_are_read_through_damaged_brackets(sample: str) -> None:
    alert = read(sample)
    assert (alert.sample.ip, alert.sample.event, alert.doubtful) == ("203.0.113.159", "Click", ())


@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        ("[0penID=oST8aew][Stamp=1706507196]", "stamp", 1706507196),
        ("[OpenlD=oST8aew][5tamp=l7O65O7I96]", "stamp", 1706507196),
        ("[0uterlP=198.51.100.128][IP=]", "outer_ip", "198.51.100.128"),
        ("[0uterlP=198.51.100.128][IP=]", "ip", ""),
        ("[IP=J[Event=Click]", "ip", ""),
        ("[MsgType=200oo][Event=Click]", "msg_type", 20000),
        ("[httpcode=4O4]", "http_code", 404),
        ("[cURLError=52]", "curl_error", 52),
        ("[responselength=253][responsecontent=ok]", "response_length", 253),
        ("[transaction id=42000126372O2009061507717805]", "transaction_id", "4200012637202009061507717805"),
        ("[Event=TemplateSendJob Finish]", "event", "Template Send Job Finish"),
        ("[Event=ScanQRCode][IP=xx]", "event", "Scan QRCode"),
        ("[3rdUrl=http:/wx.shop.example.c0m/a][IP=xx]", "callback_url", "http://wx.shop.example.com/a"),
        (
            "[3rdUrl=https://wx.shop.example.cn/a b/c][IP=xx]",
            "callback_url",
            "https://wx.shop.example.cn/ab/c",
        ),
        ("[Event=Click]I第三方平台：灯塔营销］", "platform", "灯塔营销"),
    ],
)
def test_keys_and_values_have_the_shape_that_the_platform_gives_them(
    written: str, field: str, value: object
) -> None:
    assert getattr(read(written).sample, field) == value


@pytest.mark.parametrize(
    ("written", "doubtful"),
    [
        ("[IP=203.0.113.59]", ()),
        ("[IP=203.0.113.S9]", ("ip",)),
        ("[IP=203.0.113.591]", ("ip",)),
        ("[IP=xx]", ()),
        ("[Event=Cilck][IP=xx]", ("event",)),
        ("[3rdUrl=http://wx.shop-12.example.cn/index.php][IP=xx]", ()),
        ("[3rdUrl=http://wx.shop-l.example.cn/index.php][IP=xx]", ("callback_url",)),
        ("[3rdUrl=http://wx.shop.example.cn/t0ken1][IP=xx]", ("callback_url",)),
        ("[response_length=3][response_content=abc]", ("response_content",)),
    ],
)
def test_what_may_have_been_read_wrong_is_marked(written: str, doubtful: tuple[str, ...]) -> None:
    assert read(written).doubtful == doubtful


@pytest.mark.parametrize(
    ("line", "appid", "doubtful"),
    [
        ("Appid: wx45df475afda51efd", "wx45df475afda51efd", ()),
        ("Appld: Wx45df475afda51efd", "wx45df475afda51efd", ()),
        ("App1d：wx45df475afdaSlefd", "wx45df475afdaSlefd", ("appid",)),
        ("Appid: wx45df475afda5lefd", "wx45df475afda51efd", ()),
        ("Appid: wx45df475afda51e", "wx45df475afda51e", ("appid",)),
        ("Appid: xxxxxxx", "xxxxxxx", ()),
    ],
)
def test_an_appid_is_sixteen_hexadecimal_digits(line: str, appid: str, doubtful: tuple[str, ...]) -> None:
    (alert,) = parse_picture(
        HEAD.replace("Appid: wx45df475afda51efd", line) + "错误样例: [IP=][Event=Click]"
    ).alerts
    assert (alert.appid, alert.doubtful) == (appid, doubtful)


def test_a_date_and_a_count_are_read_through_lost_blanks_and_letters() -> None:
    text = HEAD.replace("2023-07-09 22:48:30", "2O23-07-0922：48：3O").replace("5分钟 48次", "5分钟l2次")
    (alert,) = parse_picture(text + "错误样例: [IP=][Event=Click]").alerts
    assert alert.first_seen is not None
    assert (alert.first_seen.isoformat(), alert.count) == ("2023-07-09T22:48:30+08:00", 12)


@pytest.mark.parametrize("end", ["Url]", "Ur]", "Urj", "Ur1]", "UrI"])
def test_an_event_is_known_where_its_last_letter_went_with_the_bracket(end: str) -> None:
    alert = read(f"[IP=203.0.113.159][Event=Click Menu {end}")
    assert (alert.sample.event, alert.doubtful) == ("Click Menu Url", ())


def test_a_count_glued_to_the_sentence_before_it_is_read() -> None:
    """`屏蔽次数` would be a word."""
    glued = HEAD.replace("5秒内没有返回\n次数: ", "5秒内没有返回，一分钟后解除屏蔽次数：")
    (alert,) = parse_picture(glued + "错误样例：[Event=Click]" + TAIL).alerts
    assert (alert.window_minutes, alert.count) == (5, 48)


def test_a_body_keeps_its_keys_and_gets_its_cdata_back() -> None:
    body = "<xml> <Content><[CDATAlIP=1 Event=2ll></Content> </xml>"
    alert = read(f"[ip=203.0.113.9][response_length=253][response_content={body}]")
    assert alert.sample.response_content == "<xml> <Content><![CDATA[IP=1 Event=2]]></Content> </xml>"
    assert alert.sample.event is None


@pytest.mark.parametrize("text", ALERTS)
def test_an_undamaged_alert_is_read_as_it_would_be_as_text(text: str) -> None:
    """But for what the mode must not trust: its doubts are marks, not values."""
    for as_picture, as_text in zip(parse_picture(text).alerts, parse(text).alerts, strict=True):
        assert (as_picture.appid, as_picture.first_seen, as_picture.count) == (
            as_text.appid, as_text.first_seen, as_text.count,
        )  # fmt: skip


@pytest.mark.parametrize("text", ALERTS)
def test_text_is_repaired_once(text: str) -> None:
    assert repair(repair(text)) == repair(text)


@given(
    st.text(alphabet="[]Il1J|=:：IPEventOpenIDStamp 错误样例第三方平台response_content0.9\n", max_size=200)
)
def test_any_text_is_read_without_an_error(text: str) -> None:
    parse_picture("错误样例: " + text)
