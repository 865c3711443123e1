"""What a paste costs: every sample of the 42 tools, and texts of 1 MB of nothing but what the readers look for."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from bench.table import Row
from triage.evidence.judge import MAX_TEXT, judge

_ROUNDS = 3
_SAMPLES = Path(__file__).parents[1] / "tests/data/evidence/tools.jsonl"


def rows() -> list[Row]:
    """The median over the samples, and the worst of the hostile texts."""
    texts = [json.loads(line)["text"] for line in _SAMPLES.read_text(encoding="utf-8").splitlines()]
    for text in texts:  # warm: the readers are imported, and their expressions compiled, at first use
        judge(text)
    median = statistics.median(_seconds(text) for _ in range(_ROUNDS) for text in texts)
    worst = max(_seconds(text) for text in _hostile(texts))
    return [
        ("a paste judged, milliseconds", median * 1000, "at most 5", median <= 0.005),
        (
            f"the slowest hostile paste of {MAX_TEXT:,} characters, seconds",
            worst,
            "below 1",
            worst < 1,
        ),
    ]


def _seconds(text: str) -> float:
    start = time.perf_counter()
    judge(text)
    return time.perf_counter() - start


def _hostile(texts: list[str]) -> Iterator[str]:
    """A sample again and again; all of them in one; one line without an end; brackets, signs and digits alone."""
    pieces = (
        "\n".join(texts),
        "\n".join(reversed(texts)),
        "a {",
        "{",
        "1 ",
        "100% ",
        "=",
        "0.000 ",
        "[[[",
        "\n",
    )
    for piece in (
        *pieces,
        *(text + "\n" for text in texts),
        *(text.replace("\n", " ") for text in texts[::7]),
    ):
        yield (piece * (MAX_TEXT // len(piece) + 1))[:MAX_TEXT]
