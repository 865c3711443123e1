"""docs/judgement.md carries an alert through the whole judgement: every value on it is what the program makes."""

from __future__ import annotations

import json
import os
import re
from datetime import timedelta

import yaml

from tests.support.paths import ROOT
from triage.advice.adviser import Adviser
from triage.advice.rendering import Page
from triage.alerts.causes import Cause
from triage.alerts.parser import BEIJING, Alert
from triage.findings import Finding
from triage.incidents.correlation import Incident, State, correlate, key_of, sighting_of
from triage.message import Person, Reply
from triage.rules.matching import Diagnosis, Match

FILE = ROOT / "docs/judgement.md"
BLOCK = re.compile(r"(?ms)^```(\w+)\n(.*?)^```$")
MARK_FAIL = """\
Appid: wx2b80e6f19d53c7a4
时间: 2024-06-18 20:35:10
内容: 微信服务器向公众号推送消息或事件发生多次失败后，暂时不推送消息，一分钟后解除屏蔽
次数: 5分钟 6020次
错误样例: [3rdUrl=http://api.bus.example.com/api/v2/mp/receive]
"""


def _values(adviser: Adviser, text: str) -> list[str]:
    """What stands in the page's blocks behind the pasted text, in order."""
    reading, (diagnosis,) = adviser.diagnose(text)
    pages = adviser.alert_pages(reading, (diagnosis,))
    facts = {name: _plain(value) for name, value in diagnosis.facts.items() if name != "text"}
    (because,) = diagnosis.matches[0].because
    return [
        reading.text.rstrip(),
        json.dumps(diagnosis.as_json(), ensure_ascii=False, indent=2),
        f"{diagnosis.kind}: {because.test.removeprefix('内容: ')}",
        "\n".join(f"{cause.id}: {cause.meaning}，因为 {cause.evidence}" for cause in diagnosis.causes),
        yaml.safe_dump(facts, allow_unicode=True, sort_keys=False, width=1000).rstrip(),
        "\n".join(_shown_matches(diagnosis)),
        _incident(adviser, diagnosis),
        next(pages).text,
        adviser.why(text)[0],
    ]


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _shown_matches(diagnosis: Diagnosis) -> list[str]:
    return [
        f"{match.rule.id}: {because.test} at {'–'.join(map(str, because.span or ()))}"
        for match in diagnosis.matches
        for because in match.because
    ]


def _incident(adviser: Adviser, diagnosis: Diagnosis) -> str:
    """The verdict on the alert, on the same one again, and on the MarkFail that it led to."""
    assert diagnosis.alert.first_seen
    now = diagnosis.alert.first_seen.astimezone(BEIJING) + timedelta(minutes=6)
    wang, li = (Person("wechat", "wx1", id_) for id_ in ("wang", "li"))
    sighting = sighting_of(diagnosis, wang, now)
    key = key_of(sighting)
    opened = correlate(sighting, (), now)
    incident = Incident(
        1, key, sighting.appid, sighting.callback, State.OPEN, now, now, sightings=(sighting,)
    )
    later = now + timedelta(minutes=6)
    again = correlate(sighting_of(diagnosis, li, later), (incident,), later)
    _, (blocked,) = adviser.diagnose(MARK_FAIL)
    joined = correlate(sighting_of(blocked, li, later), (incident,), later)
    assert joined.root
    return (
        f"key: {key}\n{diagnosis.kind}: {opened.reason}\n{diagnosis.kind} again: {again.reason}\n"
        f"{blocked.kind}: {joined.reason}, root {joined.root.kind}"
    )


def test_every_value_of_the_page_is_what_the_program_makes(adviser: Adviser) -> None:
    page = FILE.read_text(encoding="utf-8")
    pasted = BLOCK.findall(page)[0][1]
    values = iter([pasted.rstrip("\n"), *_values(adviser, pasted)])
    wanted = BLOCK.sub(lambda block: f"```{block[1]}\n{next(values)}\n```", page)
    assert next(values, None) is None
    if os.environ.get("UPDATE_GOLDEN"):
        FILE.write_text(wanted, encoding="utf-8")
    assert page == wanted


def test_the_glossary_is_in_order_and_has_the_words_of_the_steps() -> None:
    page = FILE.read_text(encoding="utf-8")
    words = re.findall(r"(?m)^\| ([a-z ]+) \|", page.partition("## Glossary")[2])[1:]
    assert words == sorted(set(words))
    types = {
        kind.__name__.lower() for kind in (Alert, Cause, Diagnosis, Finding, Incident, Match, Page, Reply)
    }
    assert types | {"account", "fact", "gap", "push", "topic", "verdict"} <= set(words)
