"""Pastes of every tool: recognised, judged, and nothing else taken for one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.paths import DATA
from triage.evidence.findings import FINDINGS
from triage.evidence.judge import judge
from triage.evidence.judgement import Verdict
from triage.evidence.tools import TOOL_IDS

RECORDS: list[dict[str, Any]] = [
    json.loads(line)
    for name in ("tools", "variants")  # the second: other versions, languages and damage of the same tools
    for line in (DATA / f"evidence/{name}.jsonl").read_text(encoding="utf-8").splitlines()
]
NEGATIVES = [record for record in RECORDS if not record["parts"]]
POSITIVES = [record for record in RECORDS if {part["tool"] for part in record["parts"]} <= {*TOOL_IDS}]
POSITIVES = [record for record in POSITIVES if record["parts"]]


@pytest.mark.parametrize("record", NEGATIVES, ids=lambda record: record["id"])
def test_what_no_tool_printed_is_no_evidence(record: dict[str, Any]) -> None:
    assert judge(record["text"]) == ()


@pytest.mark.parametrize("record", POSITIVES, ids=lambda record: record["id"])
def test_a_paste_is_judged(record: dict[str, Any]) -> None:
    wanted = [(part["tool"], part["verdict"], sorted(part["findings"])) for part in record["parts"]]
    judged = [part.as_json() for part in judge(record["text"])]
    assert [(part["tool"], part["verdict"], part["findings"]) for part in judged] == wanted


@pytest.mark.parametrize("record", POSITIVES, ids=lambda record: record["id"])
def test_every_finding_has_words(record: dict[str, Any]) -> None:
    for part in judge(record["text"]):
        assert {finding.id for finding in part.findings} <= FINDINGS.keys()
        assert all(finding.proof for finding in part.findings if finding.verdict is not Verdict.HEALTHY)
