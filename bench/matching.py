"""Which of 10,000 rules fit an alert: this index and what one would take instead, `python -m bench.matching`.

The rules of `bench.generate` as regular expressions over the alert's text. What an expression cannot say (a number that
is at least another, the kind of alert) is looked up once an expression has fitted. All three must find the same rules.
"""

from __future__ import annotations

import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hyperscan
import yaml

from bench.generate import alerts, write_rules
from bench.table import compare
from triage.alerts.parser import parse
from triage.rules.loader import load_rules
from triage.rules.matching import Matcher
from triage.settings.directories import data_directory, load_sources

RULES = 10_000
TEXTS = 300
_TIMEOUT_SENTENCE = "开发者5秒内没有返回"
_COUNT = re.compile(r"次数: 5分钟 (\d+)次")
Finder = Callable[[str], set[str]]
"""A text to the ids of the rules that fit it."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A rule as one would write it with regular expressions alone."""

    rule: str
    expression: str
    at_least: int = 0
    sentence: str = ""

    def confirms(self, text: str) -> bool:
        count = _COUNT.search(text)
        return self.sentence in text and count is not None and int(count[1]) >= self.at_least


def pattern_of(rule: dict[str, Any]) -> Pattern:
    """Each form of condition that `bench.generate` writes."""
    when = rule["when"]
    key, value = next((key, str(value)) for key, value in when.items() if key not in ("kind", "count|gte"))
    literal = re.escape(value)
    expression = {
        "appid": rf"Appid: {literal}\n",
        "domain": rf"\[3rdUrl=https?://{literal}[/?\]:]",
        "text|contains": literal,
        "ip|cidr": rf"\[(?:IP|ip)={re.escape(value.removesuffix('0/24'))}\d+\]",
        "path|startswith": rf"\[3rdUrl=https?://[^/\]]+{literal}",
        "response_content|regex": value,
        "nickname|regex": f"昵称: {value.removeprefix('^').removesuffix('$')}\n",
    }[key]
    sentence = _TIMEOUT_SENTENCE if "kind" in when else ""
    return Pattern(rule["id"], expression, int(when.get("count|gte", 0)), sentence)


def planted(texts: Iterable[str], rules: Sequence[dict[str, Any]]) -> list[str]:
    """The texts, every second one changed so that a rule fits it."""
    rng = random.Random(7)
    places: dict[str, tuple[re.Pattern[str], Callable[[str], str]]] = {
        "appid": (re.compile(r"(?<=Appid: )\S+"), str),
        "domain": (re.compile(r"(?<=3rdUrl=https://)[^/]+"), str),
        "text|contains": (re.compile(r"(?<=token=)\w+"), str),
        "ip|cidr": (re.compile(r"(?<=\[IP=)[\d.]+|(?<=\[ip=)[\d.]+"), lambda net: net.replace("0/24", "9")),
    }
    usable = [rule for rule in rules if next(iter(rule["when"])) in places]
    changed = []
    for number, text in enumerate(texts):
        key, value = next(iter(rng.choice(usable)["when"].items()))
        place, spell = places[key]
        changed.append(place.sub(spell(value), text, count=1) if number % 2 else text)
    return changed


def make_triage(directory: Path) -> Finder:
    """With the bundled rules, which name the kinds of alerts; they are left out of what is found."""
    matcher = Matcher(load_rules([data_directory("rules"), directory], load_sources().ids))

    def find(text: str) -> set[str]:
        matches = matcher.match(parse(text).alerts[0]).matches
        return {match.rule.id for match in matches if match.rule.id.startswith("rule_")}

    return find


def make_loop(patterns: Sequence[Pattern]) -> Finder:
    compiled = [(pattern, re.compile(pattern.expression)) for pattern in patterns]
    return lambda text: {
        pattern.rule for pattern, expression in compiled if expression.search(text) and pattern.confirms(text)
    }


def make_hyperscan(patterns: Sequence[Pattern]) -> Finder:
    database = hyperscan.Database()
    database.compile(
        expressions=[pattern.expression.encode() for pattern in patterns],
        ids=list(range(len(patterns))),
        flags=[hyperscan.HS_FLAG_SINGLEMATCH] * len(patterns),
    )

    def find(text: str) -> set[str]:
        hits: list[int] = []
        database.scan(text.encode(), match_event_handler=lambda number, *_: hits.append(number))
        return {patterns[number].rule for number in hits if patterns[number].confirms(text)}

    return find


def _measure(find: Finder, texts: Sequence[str]) -> tuple[float, list[set[str]]]:
    """The median time of a text in seconds, and what was found in each."""
    times, found = [], []
    for text in texts:
        start = time.perf_counter()
        found.append(find(text))
        times.append(time.perf_counter() - start)
    return statistics.median(times), found


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        files = write_rules(directory, RULES)
        rules = [rule for file in files for rule in yaml.safe_load(file.read_text(encoding="utf-8"))["rules"]]
        patterns = [pattern_of(rule) for rule in rules]
        texts = planted(alerts(TEXTS, seed=8), rules)
        makers: dict[str, Callable[[], Finder]] = {
            "triage, which also parses the alert": lambda: make_triage(directory),
            "a loop of Python regexes": lambda: make_loop(patterns),
            "hyperscan": lambda: make_hyperscan(patterns),
        }
        results = {}
        for name, make in makers.items():
            start = time.perf_counter()
            find = make()
            ready = time.perf_counter() - start
            find(texts[0])
            results[name] = (ready, *_measure(find, texts))
    (_, ours, expected), *others = results.values()
    rows = [
        (name, f"{seconds / ours:.2f}", f"{ready:.1f} s", f"{sum(map(len, found))}")
        for name, (ready, seconds, found) in results.items()
    ]
    reading, _ = _measure(lambda text: {text for _ in parse(text).alerts}, texts)
    rows.insert(1, ("  of which to parse it", f"{reading / ours:.2f}", "", ""))
    compare(
        f"which of {RULES:,} rules fit {TEXTS} alerts",
        ("", "time of an alert, triage's as 1", "ready after", "rules found"),
        rows,
    )
    return 0 if all(found == expected for *_, found in others) else 1


if __name__ == "__main__":
    sys.exit(main())
