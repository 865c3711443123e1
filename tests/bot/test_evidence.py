"""Pasted output in chat: the verdict, the line that proves it, and what is kept at the incident that is spoken of."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.talk import NOW, ZHAO, Say, person
from triage.bot.evidence import EVIDENCE, PASTES_READ, parts_of
from triage.evidence.judgement import Finding, Verdict
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


@pytest.mark.parametrize(
    ("paste", "suspect"),
    [
        pytest.param("$ dig +short mp.example.cn\n198.51.100.7\n", True, id="another address"),
        pytest.param(
            "$ dig +short mp.example.cn\nmp.example.com.\n198.51.100.7\n",
            True,
            id="another address behind an alias",
        ),
        pytest.param("$ dig +short mp.example.cn\n198.51.100.7\n203.0.113.202\n", False, id="among others"),
        pytest.param("$ dig +short www.example.cn\n198.51.100.7\n", False, id="another host"),
        pytest.param("$ dig +short www.mp.example.cn\n198.51.100.7\n", False, id="a host below it"),
        pytest.param(
            "$ nslookup mp.example.cn\nServer:\t\t10.0.0.2\nAddress:\t10.0.0.2#53\n\n"
            "Non-authoritative answer:\nName:\tmp.example.cn\nAddress: 203.0.113.202\n",
            False,
            id="the server's address is no answer",
        ),
    ],
)
def test_an_answer_without_the_address_of_the_alert_is_suspect(
    paste: str, suspect: bool, say: Say, store: Store
) -> None:
    say(ALERT)
    answer = say(paste)
    assert ("结果里没有报警样例的 IP（样例 203.0.113.202，结果 198.51.100.7）" in answer) is suspect
    assert ("：正常" in answer) is not suspect
    assert ("没有报警样例的 IP" in say("状态 1")) is suspect


VMSTAT = """\
procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----
 r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st
 2  1 812340  91232   2100  80332   12   40   210   340  900 1200 20 10 60 10  0
 3  2 812900  90111   2090  80100  220  310   900  1400 1500 2100 22 14 44 20  0
 2  2 813400  90020   2080  80050  240  290   880  1300 1480 2050 21 15 45 19  0"""
FREE_LOW = (
    "              total        used        free      shared  buff/cache   available\n"
    "Mem:           3788        3601          61          14         125          98\n"
    "Swap:             0           0           0"
)


def test_a_members_paste_is_kept_at_the_incident(say: Say, store: Store) -> None:
    say(ALERT)
    reply = say(STATES)
    assert "记在事件 #1 上了" in reply
    kept = [parts_of(event) for event in store.timeline(1) if event.what == EVIDENCE]
    assert [[(part.tool, part.findings) for part in parts] for parts in kept] == [
        [("tcp_states", (Finding("close_wait", Verdict.SICK, "CLOSE_WAIT 911"),))]
    ]
    assert "贴了 tcp_states：有问题，程序不关连接（CLOSE_WAIT 911）" in say("状态 1")


def test_from_an_alert_to_a_cause_that_is_told_when_it_comes_again(say: Say) -> None:
    assert "请求超时" in say(ALERT)
    assert "1" in say("下一步")
    first = say(VMSTAT)
    assert "内存换页" in first
    assert "都指向" not in first
    second = say(FREE_LOW)
    assert "vmstat、free 都指向：内存不够，在换页" in second
    assert "「关闭 #1 内存不够，在换页」" in second
    assert "事件 #1 已关闭" in say("关闭 #1 内存不够，在换页")
    later = ALERT.replace("15:01:22", "16:20:22")
    assert "关闭时写：内存不够，在换页" in say(later, now=NOW + timedelta(hours=1))


def test_a_tool_that_is_well_again_speaks_for_nothing(say: Say) -> None:
    say(ALERT)
    say(FREE_LOW)
    say(FREE)
    assert "都指向" not in say(VMSTAT)


@pytest.mark.parametrize(("later", "adds_up"), [(PASTES_READ - 1, True), (PASTES_READ, False)])
def test_so_many_earlier_pastes_add_up_with_a_new_one(
    later: int, adds_up: bool, say: Say, store: Store
) -> None:
    say(ALERT)
    say(VMSTAT)
    store.add_note(1, person(ZHAO), NOW, "其他的话不算")
    for _ in range(later):
        say("请求超时。\n请求超时。\n请求超时。")
    assert ("都指向" in say(FREE_LOW)) == adds_up


def test_a_teammates_paste_adds_up_with_ours(say: Say, teammate: str) -> None:
    theirs = ALERT.replace("wx352e1c916f58ea3b", "wx014d339f79c92781")
    say(theirs)
    say(VMSTAT)
    say(theirs, teammate)
    assert "都指向：内存不够，在换页" in say(FREE_LOW, teammate)


def test_a_strangers_paste_leaves_nothing(say: Say, store: Store) -> None:
    say(ALERT)
    assert "记在" not in say(STATES, "oStranger", NOW)
    assert [event.what for event in store.timeline(1) if event.what == EVIDENCE] == []


def test_a_paste_is_kept_without_its_secrets(say: Say, tmp_path: Path) -> None:
    text = (
        "server {\n  listen 80;\n  location /wx {\n    proxy_pass http://bob:s3cr3tpass@10.0.0.1;\n"
        '    proxy_set_header Authorization "Basic s3cr3tpass";\n    fastcgi_param DB_PASSWORD s3cr3tpass;\n  }\n}'
    )
    assert say(text).startswith("nginx_config：可疑")
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"fastcgi_param DB_PASSWORD" in files
    assert b"s3cr3tpass" not in files
