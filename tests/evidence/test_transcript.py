"""What the doctor prints for the chat is read back as it was, also out of a chat."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from triage.evidence.findings import FINDINGS
from triage.evidence.judge import judge
from triage.evidence.judgement import Finding, Part, Verdict
from triage.evidence.transcript import read_line, write, write_line

FOUND = st.builds(
    Finding,
    st.sampled_from(sorted(FINDINGS)),
    st.sampled_from(Verdict),
    st.sampled_from(["", "id 1 2", "1 分钟负载 8.1 4 核"]),
)
PARTS = st.lists(
    st.builds(
        Part,
        st.sampled_from(["vmstat", "free", "kernel", "access_log"]),
        st.lists(FOUND, max_size=4).map(tuple),
        st.just(()),
    ),
    min_size=1,
    max_size=6,
)


@given(PARTS)
def test_what_was_written_is_read_back(parts: list[Part]) -> None:
    read = judge(write("web-1 · 2026-11-28 19:04 · 4 核", parts))
    assert [(part.tool, part.findings) for part in read] == [(part.tool, part.findings) for part in parts]


def test_a_chat_s_quotes_and_heads_do_no_harm() -> None:
    text = write(
        "web-1", [Part("vmstat", (Finding("swapping", Verdict.SICK, "si+so 12"),), ()), Part("df", (), ())]
    )
    quoted = "老李  20:15\n" + "\n".join(f"> {line}" for line in text.splitlines()) + "\n大家看看"
    assert [(part.tool, part.verdict) for part in judge(quoted)] == [
        ("vmstat", Verdict.SICK),
        ("df", Verdict.HEALTHY),
    ]


def test_marks_without_the_title_are_no_evidence() -> None:
    assert judge("✓ vmstat\n✗ swapping\n") == ()


@given(PARTS)
def test_the_line_of_the_timeline_is_read_back(parts: list[Part]) -> None:
    line = write_line(parts)
    assert "\n" not in line
    assert read_line(line) == tuple(parts)


def test_a_line_that_was_cut_gives_what_is_whole() -> None:
    line = write_line(
        [Part("vmstat", (Finding("swapping", Verdict.SICK, "si+so 12"),), ()), Part("df", (), ())]
    )
    assert [part.tool for part in read_line(line[:-4])] == ["vmstat"]
    assert read_line("") == ()
