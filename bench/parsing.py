"""Fields of real alerts read by this parser and by what one would take instead: `python -m bench.parsing`.

Two corpora of tests/data/alerts hold alerts as the platform posts them (in lines or glued into one) and as people
forward them (quoted, escaped, exported, retyped, several at once); a third holds talk without an alert. Our own tests
hold our parser to all three, so its share is no surprise. The others' shares say how far one gets with a general tool,
configured as well as its language allows.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from bench.readers import Fields, Reader, make_drain, make_pygrok, make_regexes, make_ttp, read_with_triage
from bench.table import compare

CORPUS = Path(__file__).parents[1] / "tests/data/alerts"
_ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Record:
    """A text of the corpus and the fields of each alert in it, in order."""

    text: str
    truth: list[Fields]

    @property
    def size(self) -> int:
        return sum(map(len, self.truth))


def load_corpus(name: str) -> list[Record]:
    """Fields that have to be concluded (the kind, the causes) are left out: they are not parsing."""
    lines = (CORPUS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    entries = map(json.loads, lines)
    return [Record(entry["text"], [_truth(alert) for alert in entry.get("expect", [])]) for entry in entries]


def _truth(alert: dict[str, Any]) -> Fields:
    values = {**alert, **alert["sample"]}
    left_out = ("kind", "causes", "sample")
    return {name: str(value) for name, value in values.items() if name not in left_out and value is not None}


def score(read: Reader, records: Sequence[Record]) -> tuple[int, int]:
    """How many fields were read right, and how many values were reported that are not so."""
    right = wrong = 0
    for record in records:
        nothing: Fields = {}
        for truth, found in zip_longest(record.truth, read(record.text), fillvalue=nothing):
            same = sum(found.get(name) == value for name, value in truth.items())
            right, wrong = right + same, wrong + len(found) - same
    return right, wrong


def _seconds(readers: Mapping[str, Reader], records: Sequence[Record]) -> dict[str, float]:
    """The time of each reader for the whole corpus: the fastest of some rounds, in turns."""
    fastest = dict.fromkeys(readers, math.inf)
    for _ in range(_ROUNDS):
        for name, read in readers.items():
            start = time.perf_counter()
            for record in records:
                read(record.text)
            fastest[name] = min(fastest[name], time.perf_counter() - start)
    return fastest


def _shown(read: Reader, records: Sequence[Record]) -> str:
    right, wrong = score(read, records)
    return f"{right / sum(record.size for record in records):.1%}, {wrong} wrong"


def main() -> int:
    posted, forwarded, talk = map(load_corpus, ("alerts", "wrapped", "chatter"))
    readers: dict[str, Reader] = {
        "triage": read_with_triage,
        "plain regexes": make_regexes(),
        "pygrok": make_pygrok(),
        "TTP": make_ttp(),
        "Drain3": make_drain([record.text for record in (*posted, *forwarded)]),
    }
    seconds = _seconds(readers, posted)
    rows = [
        (
            name,
            _shown(read, posted),
            _shown(read, forwarded),
            str(sum(bool(read(record.text)) for record in talk)),
            f"{seconds[name] / seconds['triage']:.2f}",
        )
        for name, read in readers.items()
    ]
    sizes = [sum(record.size for record in records) for records in (posted, forwarded)]
    head = (
        "reader",
        f"right of {sizes[0]} fields in {len(posted)} texts as posted",
        f"right of {sizes[1]} fields in {len(forwarded)} texts as forwarded",
        f"taken for alerts, of {len(talk)} texts without one",
        "time of a text as posted, triage's as 1",
    )
    compare("reading alerts", head, rows)
    complete = all(score(read_with_triage, records)[1] == 0 for records in (posted, forwarded, talk))
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
