"""Which bodies of programs are read, and how each is answered."""

from __future__ import annotations

import json

import pytest

from triage.channels.hook.bodies import Dialect, not_taken, read_body, taken
from triage.errors import BadMessageError

WORDS = "内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回"
POST = [
    [{"tag": "text", "text": "Appid: wx1"}],
    [{"tag": "text", "text": WORDS}, {"tag": "at", "user_id": "all"}],
]
CARD = {
    "header": {"title": {"tag": "plain_text", "content": "报警"}},
    "elements": [
        {"tag": "markdown", "content": "Appid: wx1"},
        {"tag": "div", "text": {"tag": "lark_md", "content": WORDS}},
    ],
}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="half of an object"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b'{"a": ' * 100_000, id="deep nesting"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b'{"msgtype": "image", "image": {"base64": ""}}', id="an image"),
        pytest.param(b'{"msgtype": "text"}', id="a text without itself"),
        pytest.param(b'{"msgtype": "text", "text": "content"}', id="a text that is no object"),
        pytest.param(b'{"msgtype": "text", "text": {"content": 7}}', id="a content that is a number"),
        pytest.param(b'{"msgtype": ["text"], "text": {"content": "x"}}', id="a kind that is a list"),
        pytest.param(b'{"msg_type": "text"}', id="Feishu without content"),
        pytest.param(b'{"msg_type": "image", "content": {"image_key": "x"}}', id="a picture on Feishu"),
    ],
)
def test_what_has_no_words_is_refused(body: bytes) -> None:
    with pytest.raises(BadMessageError):
        read_body(body)


@pytest.mark.parametrize(
    ("body", "text", "dialect"),
    [
        pytest.param(WORDS, WORDS, Dialect.PLAIN, id="plain text"),
        pytest.param(f"\ufeff\n {WORDS}\n", WORDS, Dialect.PLAIN, id="with a byte order mark and blanks"),
        pytest.param("", "", Dialect.PLAIN, id="nothing"),
        pytest.param(
            {"msgtype": "text", "text": {"content": WORDS, "mentioned_list": ["@all"]}}, WORDS, Dialect.ROBOT,
            id="a text of WeCom",
        ),
        pytest.param(
            {"msgtype": "text", "text": {"content": WORDS}, "at": {"isAtAll": True}}, WORDS, Dialect.ROBOT,
            id="a text of DingTalk",
        ),
        pytest.param(
            {"msgtype": "markdown", "markdown": {"content": WORDS}}, WORDS, Dialect.ROBOT, id="WeCom's Markdown",
        ),
        pytest.param(
            {"msgtype": "markdown_v2", "markdown_v2": {"content": WORDS}}, WORDS, Dialect.ROBOT,
            id="WeCom's second Markdown",
        ),
        pytest.param(
            {"msgtype": "markdown", "markdown": {"title": "报警", "text": WORDS}}, WORDS, Dialect.ROBOT,
            id="DingTalk's Markdown",
        ),
        pytest.param({"msg_type": "text", "content": {"text": WORDS}}, WORDS, Dialect.FEISHU, id="a text of Feishu"),
        pytest.param(
            {"msg_type": "post", "content": {"post": {"zh_cn": {"title": "报警", "content": POST}}}},
            f"Appid: wx1\n{WORDS}", Dialect.FEISHU, id="rich text of Feishu",
        ),
        pytest.param(
            {"msg_type": "interactive", "card": CARD}, f"报警\nAppid: wx1\n{WORDS}", Dialect.FEISHU,
            id="a card of Feishu",
        ),
        pytest.param(
            {"msgtype": "text", "text": {"content": "a\ud800\x00b"}}, "ab", Dialect.ROBOT, id="what no text can carry",
        ),
    ],
)  # fmt: skip
def test_the_words_are_read(body: object, text: str, dialect: Dialect) -> None:
    posted = read_body((body if isinstance(body, str) else json.dumps(body)).encode())
    assert (posted.text, posted.dialect) == (text, dialect)


@pytest.mark.parametrize(
    ("dialect", "name"),
    [(Dialect.ROBOT, "errcode"), (Dialect.FEISHU, "code"), (Dialect.FEISHU, "StatusCode")],
)
def test_a_robot_s_answer_says_0_for_success(dialect: Dialect, name: str) -> None:
    assert json.loads(taken(dialect, "先做").body)[name] == 0
    assert "先做" not in taken(dialect, "先做").body.decode()


@pytest.mark.parametrize("dialect", [Dialect.ROBOT, Dialect.FEISHU, None])
def test_a_robot_s_answer_says_no_0_for_what_was_not_recorded(dialect: Dialect | None) -> None:
    said = json.loads(not_taken(dialect).body)
    assert (said["errcode"], said["code"]) == (-1, -1)


def test_plain_text_is_answered_in_plain_text() -> None:
    assert taken(Dialect.PLAIN, "先做").body.decode() == "先做\n"
    assert not_taken(Dialect.PLAIN).status == 503
