"""Questions of every kind find their topic, ordinary talk finds none, and a typed code gets its own line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.paths import DATA
from triage.advice.adviser import Adviser
from triage.advice.query import Asked, TopicIndex
from triage.advice.question import read_question
from triage.alerts.facts import FACTS
from triage.rules.codes import Code
from triage.rules.model import Rule, RuleSet

Record = dict[str, Any]


def _records(name: str) -> list[Record]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


QUESTIONS, OTHERS, BETWEEN_PEOPLE = map(_records, ("questions.jsonl", "other_questions.jsonl", "talk.jsonl"))
AT_NIGHT = _records("asked_at_night.jsonl")


@pytest.fixture(scope="module")
def topics(rules: RuleSet) -> TopicIndex:
    return TopicIndex(rules)


def _ids(asked: Asked) -> list[str]:
    return [candidate.rule.id for candidate in asked.candidates]


def _share(records: list[Record], fits: Callable[[Record], bool]) -> float:
    return sum(map(fits, records)) / len(records)


# -- collections of questions; the second one was not looked at while weights were chosen


@pytest.mark.parametrize(
    ("records", "right", "asserted", "quiet"),
    [
        pytest.param(QUESTIONS, 0.97, 0.85, 0.95, id="questions of public threads"),
        pytest.param(OTHERS, 0.9, 0.85, 0.93, id="other questions of the same kinds"),
        pytest.param(AT_NIGHT, 0.97, 0.85, 0.97, id="statements of trouble in plain words"),
    ],
)
def test_most_questions_get_the_right_topic_and_most_talk_gets_none(
    records: list[Record], right: float, asserted: float, quiet: float, topics: TopicIndex
) -> None:
    asked = {record["id"]: topics.ask(record["text"]) for record in records}

    def is_right(record: Record) -> bool:
        return _ids(asked[record["id"]])[:1] in [[topic] for topic in record["topics"]]

    questions = [record for record in records if record["topics"]]
    talk = [record for record in records if not record["topics"]]
    assert _share(questions, is_right) >= right
    assert _share(questions, lambda record: is_right(record) and asked[record["id"]].is_clear) >= asserted
    assert _share(talk, lambda record: not asked[record["id"]].candidates) >= quiet


def test_talk_between_people_that_holds_a_word_of_ours_is_left_alone(topics: TopicIndex) -> None:
    assert _share(BETWEEN_PEOPLE, lambda record: not topics.ask(record["text"]).candidates) >= 37 / 40


@pytest.mark.parametrize(
    "record", [item for item in (*QUESTIONS, *OTHERS) if "shows" in item], ids=lambda item: item["text"][:40]
)
def test_a_typed_code_stands_on_the_first_page(record: Record, adviser: Adviser) -> None:
    page = adviser.answer(record["text"]).pages[0]
    assert all(word in page for word in record["shows"])


def test_no_question_of_the_corpus_is_a_name_of_a_rule(rules: RuleSet) -> None:
    asked = {record["text"] for record in QUESTIONS if record["topics"]}
    named = {name for rule in rules.rules for name in rule.aliases if len(name) > 8}
    official = {"verify token fail", "component_verify_ticket", "gunicorn worker timeout"}
    assert asked & named - official == set()


# -- what company a technical word keeps


def test_a_statement_all_in_our_words_needs_no_question(topics: TopicIndex) -> None:
    text = "后台配置 url 80 端口"
    assert not read_question(text, {}).has_company
    assert _ids(topics.ask(text))[:1] == ["url_verification"]
    assert _ids(topics.ask("配置我家厨房 80 英寸的端口")) == []


SHORT_TALK = (
    "什么时候 可以的 重启了 恢复了 太多了 太慢了 太大了吧 停了 换一个 这个不行 哪个 收不到 看不到 打不开"
    " 回不来 没收到 没返回 第一张 第二天 两个 一样 不一样的 还没有 没有人 正常了 被挡了 写错了 来不及了 频繁吗"
    " 对不对 行不行 可以吗 一直在 一直都是 停止 again later login"
)


@pytest.mark.parametrize("text", SHORT_TALK.split())
def test_a_few_common_words_lead_nowhere_unless_a_topic_is_named(text: str, topics: TopicIndex) -> None:
    assert _ids(topics.ask(text)) == []


@pytest.mark.parametrize("text", ["证书", "内存满了", "连不上", "DNS", "超时", "timeout", "解析不到域名"])
def test_a_short_question_that_tells_enough_is_answered(text: str, topics: TopicIndex) -> None:
    assert _ids(topics.ask(text))


def test_a_name_that_was_not_enough_is_no_misspelling_of_itself(topics: TopicIndex) -> None:
    assert _ids(topics.ask("有事 ping")) == []
    assert _ids(topics.ask("markfial")) == ["mark_fail"]


def test_a_part_of_sentences_leads_to_every_rule_that_has_it(topics: TopicIndex) -> None:
    asked = topics.ask("推送第三方平台消息")
    assert {"component_message_failure", "component_message_timeout"} <= set(_ids(asked))
    assert _ids(topics.ask("第三方平台消息 没有返回success"))[:1] == ["component_message_failure"]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("third party platform message timeout", "component_message_timeout"),
        ("redis keys 太多", "database"),
        ("谁有空帮忙看看 502", "nginx_status_502"),
        ("家里的电脑 ping 不通", "network_check"),
    ],
)
def test_a_question_may_hold_words_that_talk_holds(text: str, topic: str, topics: TopicIndex) -> None:
    assert _ids(topics.ask(text))[:1] == [topic]


# -- codes

CODES_IN_FRAMES = {
    "errcode": (
        "{code}",
        "errcode {code}",
        "报{code}",
        "错误代码：{code}",
        '{{"errcode":{code},"errmsg":"{message} rid: 66aa11bb-22cc33dd-44ee55ff"}}',
        "{code} {message}",
        "errcode={code}, errmsg={message}",
        "接口返回 errcode:{code} 是怎么回事",
        "errcode {code} 怎么处理，先看什么",
        "微信 api 返回错误码{code}",
    ),
    "crypto_code": ("{code}", "{code} {message}", "解密报 {code}", "加解密返回 {code} 怎么办"),
    "http_code": (
        "{code}",
        "状态码 {code}",
        "http code={code}",
        "回调返回{code}",
        "HTTP/1.1 {code} {message}",
        "HTTP {code} 是什么意思",
        "nginx 返回 {code} 怎么查",
        "curl -I 看到 HTTP/2 {code}",
    ),
    "curl_error": (
        "cURL Error={code}",
        "curl: ({code}) {message}",
        "CURL错误码：{code}",
        "curl error {code}",
        "curl: ({code})",
        "报 curl: ({code}) 是什么原因，先查哪一步",
        "libcurl 错误 {code}",
    ),
    "tcp_state": ("{code}", "{code} 太多", "netstat 里好多 {code}"),
}
HARMLESS = {"200", "0"}


def _codes(rules: RuleSet) -> Iterator[Code]:
    yield from (code for table in rules.tables for code in table.codes if code.code not in HARMLESS)


def test_every_family_has_frames(rules: RuleSet) -> None:
    assert {code.family for code in _codes(rules)} == CODES_IN_FRAMES.keys()


def test_every_code_gets_its_own_line_and_its_topic_however_it_is_asked(
    rules: RuleSet, adviser: Adviser
) -> None:
    wrong = []
    for code in _codes(rules):
        for frame in CODES_IN_FRAMES[code.family]:
            if len(code.code) < 3 and frame == "{code}":
                continue
            text = frame.format(code=code.code, message=code.message or "")
            answer = adviser.answer(text)
            if (answer.topic, answer.pages[0].partition(" · ")[0]) != (code.topic, code.code):
                wrong.append((text, answer.topic, answer.pages[0][:40]))
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("errcode 61099", "没有 61099 的资料"),
        ("61099", "没有 61099 的资料"),
        ('{"errcode":49999,"errmsg":"x"}', "没有 49999 的资料"),
    ],
)
def test_an_unknown_code_says_so_and_offers_its_family(text: str, said: str, adviser: Adviser) -> None:
    answer = adviser.answer(text)
    assert said in answer.pages[0]
    assert "1 接口错误码" in answer.pages[0]
    assert answer.topic is None


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        pytest.param("1", "dns_failure", id="one is a number of the guide"),
        pytest.param("errcode -1", "access_token", id="minus one is a code"),
        pytest.param("40001", "access_token", id="without the sign it is about tokens"),
        pytest.param("-40001", "encryption_errors", id="with it about encryption"),
        pytest.param("负四零零零一", "encryption_errors", id="also when spoken"),
    ],
)
def test_the_minus_sign_belongs_to_the_code(text: str, topic: str, adviser: Adviser) -> None:
    assert adviser.answer(text).topic == topic


@pytest.mark.parametrize("text", ["499 元", "403 房间没人", "他 40001 年才来", "5分钟 405 次"])
def test_a_number_that_counts_something_is_no_code(text: str, topics: TopicIndex) -> None:
    assert not topics.ask(text).is_clear or "次" in text


def test_what_was_typed_is_a_fact_of_its_type(topics: TopicIndex) -> None:
    facts = topics.ask("errcode 48001，curl error 35，状态码 405，TIME_WAIT 很多，no live upstreams").facts
    assert facts == {
        "errcode": "48001",
        "curl_error": 35,
        "http_code": 405,
        "tcp_state": "TIME_WAIT",
        "phrase": ("no live upstreams",),
    }
    assert facts.keys() <= FACTS.keys()


@pytest.mark.parametrize("code", [401, 403, 404, 405, 500])
def test_a_typed_status_gets_the_first_step_of_an_alert_with_it(code: int, adviser: Adviser) -> None:
    alert = (
        "时间: 2024-05-20 09:21:44\n内容: 微信服务器向公众号推送消息或事件后，得到的回应不合法\n次数: 5分钟 41次\n"
        f"错误样例: [OpenID=oemNy9TLICzlHcujWNbhDhiYVnlv][http code={code}]"
    )
    (diagnosis,) = adviser.diagnose(alert)[1]
    assert diagnosis.kind == "bad_response"
    asked = adviser.answer(f"http code={code}")
    if asked.topic == "bad_response":
        steps = adviser.steps(f"http code={code}")
        led = adviser.steps(alert)
        assert steps
        assert led
        assert (
            steps.line(0).partition("\n")[0].split()[1][:6] == led.line(0).partition("\n")[0].split()[1][:6]
        )


# -- names, phrases, talk

WORDINGS = ("{}", "{}怎么办", "请问{}是什么原因", "{}了，该查哪里？", "帮我看下{}", "我们这边老是{}，求助")


def _names(rule: Rule) -> list[str]:
    names = (name.replace("…", "今天") for name in (rule.title, *rule.aliases))
    return [name for name in names if len(name) >= 4 and not name.isascii()]


def test_a_long_name_is_found_in_any_wording(rules: RuleSet, topics: TopicIndex) -> None:
    asked = [
        (rule.id, wording.format(name))
        for rule in rules.rules
        for name in _names(rule)
        for wording in WORDINGS
    ]
    lost = [(id_, text) for id_, text in asked if id_ not in _ids(topics.ask(text))]
    assert len(asked) > 2_000
    assert len(lost) <= 0.06 * len(asked), lost[:20]


FRAMES = (
    "2024/09/18 10:05:31 [error] 7#7: *12 {}, client: 198.51.100.33, server: wx.example.com",
    'Traceback (most recent call last):\n  File "app.py", line 3, in post\nRuntimeError: {}',
    "Sep 18 10:05:31 web1 app[211]: ERROR {} (request 8f3a)",
    "昨晚日志里有这个：{}",
)


def test_a_phrase_is_found_inside_a_pasted_line(rules: RuleSet, topics: TopicIndex) -> None:
    asked = [
        (rule.id, frame.format(phrase)) for rule in rules.rules for phrase in rule.phrases for frame in FRAMES
    ]
    lost = [(id_, text) for id_, text in asked if id_ not in _ids(topics.ask(text))]
    assert len(asked) > 500
    assert len(lost) <= 0.03 * len(asked), lost[:20]


TRIGGERS = (
    "token",
    "ticket",
    "502",
    "nginx",
    "证书",
    "内存",
    "超时",
    "白名单",
    "数据库",
    "磁盘",
    "redis",
    "备案",
)
TALK = (
    "中午一起吃饭，顺便聊聊{}",
    "{}那本书我还没看完，下周还你",
    "周末打游戏别提{}",
    "我把{}的发票贴好了，等报销",
    "生日快乐！{}也祝你快乐",
)


def test_a_trigger_word_in_ordinary_talk_is_left_alone(topics: TopicIndex) -> None:
    texts = [talk.format(word) for talk in TALK for word in TRIGGERS]
    disturbed = [text for text in texts if topics.ask(text).candidates]
    assert len(disturbed) <= 0.05 * len(texts), disturbed


# -- scripts and speech


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("連線逾時怎麼辦", "connect_timeout"),
        ("lian jie chao shi", "connect_timeout"),
        ("四九九是什么", "nginx_status_499"),
        ("五百零四", "nginx_status_504"),
        ("托肯过期", "access_token"),
        ("马克fail", "mark_fail"),
        ("请求 超 时", "request_timeout"),
        ("how do I fix a request timeout", "request_timeout"),
        ("資料庫連線太多", "database"),
        ("記憶體不足", "memory"),
        ("硬碟滿了", "disk_io"),
    ],
)
def test_a_question_may_be_written_or_spoken_otherwise(text: str, topic: str, topics: TopicIndex) -> None:
    assert _ids(topics.ask(text))[:1] == [topic]


@pytest.mark.parametrize("text", ["[图片]", "[捂脸]", "好的，收到", "thanks", "嗯嗯"])
def test_what_says_nothing_gets_nothing(text: str, topics: TopicIndex) -> None:
    assert topics.ask(text).candidates == ()
