"""What a question costs: with the bundled rules, beside 10,000 rules of a team, and at its worst.

The questions are those of tests/data; the hostile texts are as long as a question may be.
"""

from __future__ import annotations

import gc
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.generate import write_rules
from bench.table import Row
from triage.advice.query import MAX_QUERY, TopicIndex
from triage.rules.loader import load_rules
from triage.settings.directories import data_directory, load_sources

MANY = 10_000
_ROUNDS = 5
_DATA = Path(__file__).parents[1] / "tests/data"


def rows() -> list[Row]:
    """The index of the bundled rules and the one of 10,000 more, asked in turns."""
    with tempfile.TemporaryDirectory() as folder:
        write_rules(Path(folder), MANY)
        few, many = (
            TopicIndex(load_rules([data_directory("rules"), *more], load_sources().ids))
            for more in ((), (Path(folder),))
        )
    questions = [
        json.loads(line)["text"]
        for name in ("questions.jsonl", "other_questions.jsonl")
        for line in (_DATA / name).read_text(encoding="utf-8").splitlines()
    ]
    for text in questions:  # warm: the tables of pinyin and of spellings are made at first use
        few.ask(text)
        many.ask(text)
    gc.collect()
    gc.freeze()
    asked = [(_seconds(few, text), _seconds(many, text)) for _ in range(_ROUNDS) for text in questions]
    worst = max(min(_seconds(few, text) for _ in range(3)) for text in _hostile(questions))
    gc.unfreeze()
    small, large = (statistics.median(times) for times in zip(*asked, strict=True))
    return [
        ("a question, milliseconds", small * 1000, "at most 2", small <= 0.002),
        (
            "a question at 10,000 rules, in times of the bundled ones",
            large / small,
            "at most 1.5",
            large <= 1.5 * small,
        ),
        (
            f"the slowest hostile text of {MAX_QUERY:,} characters, milliseconds",
            worst * 1000,
            "at most 20",
            worst <= 0.02,
        ),
    ]


def _seconds(index: TopicIndex, text: str) -> float:
    start = time.perf_counter()
    index.ask(text)
    return time.perf_counter() - start


def _hostile(questions: list[str]) -> Iterator[str]:
    """Texts that are nothing but what some part of the index looks for, and all of it at once."""
    rng = random.Random(5)
    pieces = (
        *(
            "-1",
            "五百零二",
            "errcode 40",
            "托肯",
            "jiekouchaoshi",
            "连接超时",
            "curl: (",
            "e\u0301",
            "a ",
            "[",
            "：",
            "499元",
        ),
        *("invalid ", "close_wait ", "time-wait", "幺", "负", "_", "http code=", "\t", "４０１６４"),
    )
    characters = "".join(questions)
    yield from (piece * (MAX_QUERY // len(piece)) for piece in pieces)
    yield "".join(rng.choices(characters, k=MAX_QUERY))
    yield " ".join(str(rng.randrange(100_000)) for _ in range(MAX_QUERY))[:MAX_QUERY]
    for _ in range(20):
        yield " ".join(rng.sample(questions, len(questions)))[:MAX_QUERY]
        yield "".join(rng.choice(pieces) for _ in range(MAX_QUERY))[:MAX_QUERY]
