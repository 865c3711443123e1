"""What a chat does to a paste changes neither the tool nor the verdict, and no text takes long."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.paths import DATA
from triage.evidence.judge import judge
from triage.evidence.paste import MAX_LINES, read_paste

RECORDS: list[dict[str, Any]] = [
    record
    for line in (DATA / "evidence/tools.jsonl").read_text(encoding="utf-8").splitlines()
    if (record := json.loads(line))["parts"] and len(record["parts"]) == 1
]
DAMAGE: dict[str, Callable[[str], str]] = {
    "line ends of Windows": lambda text: text.replace("\n", "\r\n"),
    "a quote": lambda text: "\n".join(f"> {line}" for line in text.split("\n")),
    "a fence": lambda text: f"```\n{text}\n```",
    "heads of a chat": lambda text: f"老李  20:15\n\n{text}\n\n小王  20:16\n这个正常吗",
    "runs of blanks to one": lambda text: "\n".join(
        re.sub(r"(?<=\S) {2,}", " ", line) for line in text.split("\n")
    ),
    "no-break spaces": lambda text: text.replace(" ", "\xa0"),
    "invisible characters": lambda text: "\n".join(f"\u200b{line}" for line in text.split("\n")),
    "entities of a web page": html.escape,
    "an indentation": lambda text: "\n".join(f"    {line}" for line in text.split("\n")),
    "a quote in a chat's brackets": lambda text: f"「老李：{text}」\n- - - - - - - - - - - - - - -\n看下",
    "a bar before each line": lambda text: "\n".join(f"│ {line}" for line in text.split("\n")),
}
BROKEN: dict[str, Callable[[str], str]] = {
    "lines of 60 columns": lambda text: _broken_at(text, 60),
    "lines of 80 columns": lambda text: _broken_at(text, 80),
    "one line": lambda text: re.sub(r"\s+", " ", text),
    "the numbers of an editor": lambda text: "\n".join(
        f"{number:>4}  {line}" for number, line in enumerate(text.split("\n"), 1)
    ),
}
"""Damage that loses more than blanks: a few pastes are no longer recognised."""
LAYOUT = {"php_fpm_status", "openssl", "jstack", "dig", "nginx_config"}
"""Tools whose own marks need their blanks or begin like a quote."""


def _broken_at(text: str, width: int) -> str:
    return "\n".join(
        line[at : at + width] for line in text.split("\n") for at in range(0, max(len(line), 1), width)
    )


def _told(text: str) -> list[tuple[str, str]]:
    return [(part.tool, part.verdict.value) for part in judge(text)]


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_by_a_chat_changes_no_verdict(damage: Callable[[str], str]) -> None:
    changed = [
        record["id"]
        for record in RECORDS
        if record["parts"][0]["tool"] not in LAYOUT and _told(damage(record["text"])) != _told(record["text"])
    ]
    assert len(changed) <= 0.05 * len(RECORDS), changed


@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN)
def test_broken_lines_make_nothing_sick_healthy(damage: Callable[[str], str]) -> None:
    told = {record["id"]: (_told(record["text"]), _told(damage(record["text"]))) for record in RECORDS}
    hidden = [
        id_
        for id_, (((tool, verdict), *_), after) in told.items()
        if verdict == "sick" and (tool, "healthy") in after and (tool, "sick") not in after
    ]
    assert not hidden
    assert sum(before == after for before, after in told.values()) >= 0.8 * len(told)


def test_a_paste_without_a_tool_stays_one_when_its_lines_are_joined() -> None:
    talk = "磁盘 95% 了，load average 一直 20 多，帮看下是不是要清一下日志，还是先扩容到 8 核的机器，昨天也是\n收到"
    assert judge(talk) == ()


def test_lines_of_another_reading_are_those_of_the_paste() -> None:
    row = (
        "tcp        0      0 0.0.0.0:80              0.0.0.0:*               LISTEN      811/nginx: master pr"
    )
    head = "Proto Recv-Q Send-Q Local Address           Foreign Address         State"
    (part,) = judge("好的\n" + _broken_at(f"{head}\n{row}\n{row}", 60))
    assert part.lines == (1, 2, 3, 4, 5, 6)


@given(st.text(alphabet=st.sampled_from("ab 0123\n:%|[]-*>「」()/.,PIN"), max_size=300))
@settings(derandomize=True, deadline=None, max_examples=150)
def test_whatever_is_pasted_is_borne(text: str) -> None:
    assert all(part.lines for part in judge(text))


def test_a_paste_is_read_so_far_and_no_further() -> None:
    assert len(read_paste("x\n" * (MAX_LINES + 5)).lines) == MAX_LINES


@pytest.mark.parametrize("text", ["[" * 50_000, '{"dns":[' * 5_000, '{"time":' * 5_000])
def test_deep_nesting_is_no_evidence(text: str) -> None:
    assert judge(text) == ()


def test_the_number_of_processors_may_stand_anywhere_in_the_paste() -> None:
    load = "20:15:03 up 88 days, load average: 6.20, 6.11, 6.40"
    assert [part.verdict.value for part in judge(f"{load}\n$ nproc\n2")] == ["sick"]
    assert [part.verdict.value for part in judge(f"这台 16 核\n{load}")] == ["healthy"]
    assert [part.verdict.value for part in judge(load)] == ["suspect"]


def test_secrets_stay_out_of_the_proof() -> None:
    line = (
        "2026/11/27 20:13:25 [error] 1#1: *5 connect() failed (111: Connection refused) while connecting to upstream, "
        'client: 198.51.100.31, request: "POST /wx?access_token=SECRETSECRETSECRET HTTP/1.0"'
    )
    (part,) = judge(line)
    assert "SECRET" not in "".join(finding.proof for finding in part.findings)
