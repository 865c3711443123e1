"""Pasted output in chat: the verdict, the line that proves it, and a note in the incident that is spoken of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.talk import NOW, Say
from triage.store import Store

ALERT = (
    "Appid: wx352e1c916f58ea3b\n昵称: 示例商城\n时间: 2025-09-25 15:01:22\n"
    "内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回\n次数: 5分钟 30次\n"
    "错误样例: [3rdUrl=https://mp.example.cn/wx][IP=203.0.113.202][Event=Subscribe]"
)
STATES = "CLOSE_WAIT 911\nESTABLISHED 88\nTIME_WAIT 12"
FREE = (
    "              total        used        free      shared  buff/cache   available\n"
    "Mem:           3788        1601         981          14        1205        2098\n"
    "Swap:             0           0           0"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            STATES, ["tcp_states：有问题", "程序不关连接（CLOSE_WAIT 911）", "能引起 请求超时"], id="sick"
        ),
        pytest.param(FREE, ["free：正常"], id="healthy"),
        pytest.param(
            "请求超时。\n请求超时。\n请求超时。", ["ping：看不出"], id="lines of ping are no alert kind"
        ),
    ],
)
def test_pasted_output_is_judged(text: str, said: list[str], say: Say) -> None:
    reply = say(text)
    assert [words for words in said if words not in reply] == []


def test_a_line_of_an_error_stays_a_question(say: Say) -> None:
    assert "52 ·" in say("curl: (52) Empty reply from server")


def test_a_members_paste_is_noted_in_the_incident(say: Say, store: Store) -> None:
    say(ALERT)
    reply = say(STATES)
    assert "记在事件 #1 上了" in reply
    notes = [event.detail for event in store.timeline(1) if event.what == "note"]
    assert notes == ["tcp_states：有问题，程序不关连接"]


def test_a_strangers_paste_leaves_nothing(say: Say, store: Store) -> None:
    say(ALERT)
    assert "记在" not in say(STATES, "oStranger", NOW)
    assert [event.what for event in store.timeline(1) if event.what == "note"] == []


def test_a_paste_is_kept_without_its_secrets(say: Say, tmp_path: Path) -> None:
    text = (
        "server {\n  listen 80;\n  location /wx {\n    proxy_pass http://bob:s3cr3tpass@10.0.0.1;\n"
        '    proxy_set_header Authorization "Basic s3cr3tpass";\n    fastcgi_param DB_PASSWORD s3cr3tpass;\n  }\n}'
    )
    assert say(text).startswith("nginx_config：可疑")
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"fastcgi_param DB_PASSWORD" in files
    assert b"s3cr3tpass" not in files
