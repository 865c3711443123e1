"""What a chat does to a paste changes neither the tool nor the verdict, and no text takes long."""

from __future__ import annotations

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
}
LAYOUT = {"php_fpm_status", "openssl", "jstack", "dig", "nginx_config"}
"""Tools whose own marks need their blanks or begin like a quote."""


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
