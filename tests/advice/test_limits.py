"""Every threshold of questions and every limit of pages, one step on either side of it."""

from __future__ import annotations

import json

import pytest

from triage.advice.adviser import Adviser
from triage.advice.headline import excerpt
from triage.advice.query import Asked, TopicIndex
from triage.advice.rendering import Renderer
from triage.advice.sources import Source, Sources
from triage.advice.ticks import Lines
from triage.rules.joining import join
from triage.rules.lexicon import Lexicon
from triage.rules.model import RuleFile
from triage.rules.parser import parse_rules

WORDS = "".join(chr(code) for code in range(0x9100, 0x9200))
"""Characters that no rule, no filler and no question uses."""
ALERT = (
    "Appid: wx{number:016x}\n时间: 2025-04-15 17:22:13\n内容: {sentence}\n次数: 5分钟 30次\n"
    "错误样例: [3rdUrl=https://a.example.cn/cb][IP=203.0.113.9]{more}"
)
REQUEST = "微信服务器向公众号推送消息或事件后，开发者5秒内没有返回"
BLOCKED = "微信服务器向公众号推送消息或事件发生多次失败后，暂时不推送消息，一分钟后解除屏蔽"
RESPONSE = "微信服务器向公众号推送消息或事件后，得到的回应不合法"


def rules_called(*aliases: str, sentence: str = "", everyday: tuple[str, ...] = ()) -> TopicIndex:
    """An index over the topics r0, r1 … that are called by the aliases."""
    rules = [
        {
            "id": f"r{number}",
            "title": f"题目{number}",
            "severity": "high",
            "meaning": "一句话",
            "aliases": [alias],
            **({"sentences": [sentence]} if sentence else {}),
            "steps": [{"id": "first", "do": "看日志", "source": "field"}],
            "examples": {"match": [{"query": "样例"}], "ignore": [{"query": "吃什么"}]},
        }
        for number, alias in enumerate(aliases)
    ]
    parsed, findings = parse_rules(json.dumps({"rules": rules}), "x.yml")
    assert findings == ()
    rule_set, _ = join([RuleFile(parsed, lexicon=Lexicon({}, everyday))], "test")
    return TopicIndex(rule_set)


def ids(asked: Asked) -> list[str]:
    return [candidate.rule.id for candidate in asked.candidates]


def asked(text: str, *aliases: str, sentence: str = "") -> list[str]:
    """The ids of the topics that a text asks for."""
    return ids(rules_called(*aliases, sentence=sentence).ask(text))


NAME, OTHER = WORDS[:4], WORDS[100:]


@pytest.mark.parametrize(
    ("text", "name", "topics"),
    [
        pytest.param("怎么 wxyz " + OTHER[:2], "wxyz", ["r0"], id="a question may hold another word"),
        pytest.param("怎么 wxyz " + OTHER[:3], "wxyz", [], id="but not two strange ones beside four letters"),
        pytest.param(NAME + OTHER[:2], NAME, ["r0"], id="what does not ask may hold less"),
        pytest.param(NAME + OTHER[:3], NAME, [], id="three other characters are too many there"),
        pytest.param("怎么谁" + NAME + OTHER[:4], NAME, ["r0"], id="a question about somebody may hold four"),
        pytest.param("怎么谁" + NAME + OTHER[:5], NAME, [], id="but not five"),
        pytest.param(OTHER[:40] + "怎么" + NAME, NAME, ["r0"], id="a name of four is enough in any question"),
        pytest.param(OTHER[:40] + "怎么" + NAME[:3], NAME[:3], [], id="one of three is not"),
        pytest.param(NAME[:3] + OTHER[0], NAME, ["r0"], id="one of four characters may be wrong"),
        pytest.param(NAME[:2] + OTHER[:2], NAME, [], id="two of four may not be wrong"),
    ],
)
def test_how_much_of_a_text_a_name_must_be(text: str, name: str, topics: list[str]) -> None:
    assert asked(text, name) == topics


@pytest.mark.parametrize(("everyday", "topics"), [(OTHER[:2], []), (OTHER[3:5], ["r0"])])
def test_a_name_beside_a_word_of_ordinary_talk_is_not_asked_for(everyday: str, topics: list[str]) -> None:
    index = rules_called(WORDS[:6], everyday=(everyday,))
    assert ids(index.ask("怎么" + WORDS[:6] + OTHER[:3])) == topics


@pytest.mark.parametrize(
    ("typed", "is_clear"),
    [
        pytest.param("", False, id="1.65 points for words of its text"),
        pytest.param(" a", True, id="2.05 points with a letter that is its name"),
    ],
)
def test_a_topic_of_few_points_is_offered_and_not_asserted(typed: str, is_clear: bool) -> None:
    answer = rules_called("a").ask(f"怎么一句话看日志{typed}")
    assert (ids(answer), answer.is_clear) == (["r0"], is_clear)


@pytest.mark.parametrize(
    ("length", "topics"),
    [
        pytest.param(4, ["r0", "r1"], id="equal points make a choice"),
        pytest.param(5, ["r0"], id="five sixths of the best score do not"),
    ],
)
def test_a_close_second_topic_is_offered_beside_the_best(length: int, topics: list[str]) -> None:
    best, close = WORDS[:length], WORDS[30:34]
    assert asked(f"怎么 {best} {close}", best, close) == topics


@pytest.mark.parametrize(("topics", "offered"), [(4, 4), (5, 4)])
def test_four_topics_are_offered_at_most(topics: int, offered: int) -> None:
    assert len(asked("怎么" + NAME + OTHER[0], *[NAME] * topics)) == offered


@pytest.mark.parametrize(
    ("common", "name", "typed", "topics"),
    [
        pytest.param(10, 14, 13, ["r0"], id="74.1 percent alike"),
        pytest.param(14, 19, 19, [], id="73.7 percent alike"),
    ],
)
def test_how_alike_a_misspelt_name_must_be(common: int, name: int, typed: int, topics: list[str]) -> None:
    written = WORDS[:common] + OTHER[: typed - common]
    assert asked(written, WORDS[:name]) == topics


@pytest.mark.parametrize(
    ("typed", "topics"),
    [
        pytest.param("abcdefgxyz", [], id="seven of ten letters are not enough"),
        pytest.param("abcdefghyz", ["r0"], id="eight of ten are"),
    ],
)
def test_a_misspelt_latin_name_must_be_more_alike(typed: str, topics: list[str]) -> None:
    assert asked(typed, "abcdefghij") == topics


@pytest.mark.parametrize(("length", "topics"), [(24, ["r0"]), (25, [])])
def test_a_typing_error_is_looked_for_in_twenty_four_characters(length: int, topics: list[str]) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    assert asked(letters[: length - 1] + "9", letters[:length]) == topics


@pytest.mark.parametrize(
    ("name", "typed", "topics"), [("爱", "ai", []), ("连超时", "lian chao shi", ["r0"]), ("发他", "fata", [])]
)
def test_a_name_in_pinyin_has_six_letters(name: str, typed: str, topics: list[str]) -> None:
    assert asked(f"{typed} de", name) == topics


@pytest.mark.parametrize(("name", "topics"), [("stuvwxyz", []), ("rstuvwxyz", ["r0"])])
def test_a_short_ascii_name_must_be_a_word_of_its_own(name: str, topics: list[str]) -> None:
    assert asked(f"怎么看日志 qqqq{name}qq", name) == topics


@pytest.mark.parametrize(("length", "topics"), [(7, ["r0"]), (6, [])])
def test_a_long_part_of_a_sentence_is_a_name(length: int, topics: list[str]) -> None:
    part = WORDS[:length]
    assert asked("怎么" + part + OTHER[20:28], NAME[::-1], sentence=f"{part}…{OTHER[:9]}") == topics


@pytest.mark.parametrize(("length", "topics"), [(2_000, ["r0"]), (2_001, [])])
def test_a_query_has_two_thousand_characters_at_most(length: int, topics: list[str]) -> None:
    assert asked("x" * length, "x" * length) == topics


@pytest.mark.parametrize(("length", "is_found"), [(24, True), (25, False)])
def test_a_cited_item_is_typed_in_twenty_four_characters(length: int, is_found: bool) -> None:
    sources = Sources([Source("R4", "success 不加修饰", "一句话", "一页", None)])
    assert (sources.typed("什么是R4".ljust(length, "？")) is not None) == is_found


# -- pages


@pytest.mark.parametrize(("length", "shown"), [(48, "长" * 48), (49, "长" * 48 + "…")])
def test_an_excerpt_has_forty_eight_characters(length: int, shown: str) -> None:
    assert excerpt("长" * length) == shown


@pytest.mark.parametrize(
    ("body", "evidence"),
    [("db Error in line 3", "db Error in line 3"), ("db failed in line 3", "failed")],
    ids=["five characters are shown with their line", "six characters stand alone"],
)
def test_short_evidence_is_shown_with_its_line(body: str, evidence: str, adviser: Adviser) -> None:
    text = ALERT.format(number=1, sentence=RESPONSE, more=f"[response_content={body}]")
    assert f"（依据 {evidence}）" in adviser.answer(text).pages[0]


@pytest.mark.parametrize(
    ("count", "said"),
    [(29, "低于默认阈值"), (30, "刚过默认阈值"), (44, "刚过默认阈值"), (45, "默认阈值的 2 倍")],
)
def test_a_count_is_compared_with_the_default_threshold(count: int, said: str, adviser: Adviser) -> None:
    text = ALERT.format(number=1, sentence=REQUEST, more="").replace("30次", f"{count}次")
    assert said in adviser.answer(text).pages[0]


def test_the_first_page_has_three_steps(renderer: Renderer) -> None:
    pages = list(renderer.fit("头", Lines(5, str), str))
    assert [page.shown for page in pages] == [3, 5]


@pytest.mark.parametrize(("alerts", "listed", "rest"), [(10, 10, 0), (11, 10, 1)])
def test_ten_of_several_alerts_are_listed(alerts: int, listed: int, rest: int, adviser: Adviser) -> None:
    text = "\n".join(ALERT.format(number=number, sentence=REQUEST, more="") for number in range(alerts))
    pages = adviser.answer(text).pages
    assert sum(" 请求超时 · " in line for line in pages[0].splitlines()) == listed
    assert (f"另有 {rest} 条未列出" in pages[0]) == bool(rest)
    assert sum("先做" in page for page in pages) == listed


def test_three_steps_of_the_alert_that_led_to_this_one_come_first(adviser: Adviser) -> None:
    text = ALERT.format(number=1, sentence=BLOCKED, more="")
    lead, own = (adviser.steps(ALERT.format(number=1, sentence=REQUEST, more="")), adviser.steps(text))
    led = adviser.steps(text, "request_timeout")
    assert lead
    assert own
    assert led
    first = [[steps.line(index).partition("\n")[0] for index in range(3)] for steps in (led, lead)]
    assert first[0] == first[1]
    assert led.line(3).partition(" ")[2] == own.line(1).partition(" ")[2], "nobody is asked what led to it"
