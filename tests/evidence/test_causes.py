"""Findings that agree name a cause."""

from __future__ import annotations

from triage.evidence.causes import CAUSES, name_cause
from triage.evidence.findings import FINDINGS
from triage.evidence.judgement import Part, sick, suspect


def test_every_sign_of_a_cause_is_a_finding() -> None:
    assert {sign for signs in CAUSES.values() for sign in signs} <= FINDINGS.keys()


def test_two_tools_agree_and_one_is_a_hint() -> None:
    vmstat, free = Part("vmstat", (sick("swapping"),), ()), Part("free", (sick("mem_low"),), ())
    alone, both = name_cause([vmstat]), name_cause([vmstat, free])
    assert alone is not None
    assert not alone.is_agreed
    assert both is not None
    assert (both.name, both.tools, both.is_agreed) == ("内存不够，在换页", ("vmstat", "free"), True)


def test_what_is_only_suspect_or_healthy_speaks_for_nothing() -> None:
    assert name_cause([Part("free", (suspect("mem_low"),), ()), Part("df", (), ())]) is None


def test_the_last_judgement_of_a_tool_counts() -> None:
    before, after = Part("free", (sick("mem_low"),), ()), Part("free", (), ())
    assert name_cause([before, after]) is None


def test_of_two_causes_the_one_with_more_tools_is_named() -> None:
    parts = [
        Part("vmstat", (sick("cpu_saturated"), sick("io_wait")), ()),
        Part("iostat", (sick("disk_slow"),), ()),
    ]
    cause = name_cause(parts)
    assert cause is not None
    assert cause.name == "磁盘慢"
