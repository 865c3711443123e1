"""Mistakes of people who write YAML by hand: each is named where it stands, with what to write instead."""

from __future__ import annotations

import pytest

from tests.support.rules import PLAIN
from triage.rules.parser import parse_rules

RIGHT = {
    "a full-width colon inside a text": ("看日志", "看 nginx：看日志"),
    "a colon without a blank behind it": ("看日志", "看 http://127.0.0.1:80/ 和 12:30"),
    "braces inside a text": ("看日志", "看 {{ domain }} 和 {{ ip }}"),
    "braces in quotes": ("看日志", "'{{ domain }} 的日志'"),
    "a colon in quotes": ("看日志", "'看日志: 有没有 499'"),
    "signs inside a text": ("看日志", "看 *.log & `nginx -t` @ 100% !"),
    "a tab behind a key": ("title: ", "title:\t"),
    "a dash inside a text": ("看日志", "看日志 -> 再看"),
    "a list of one line in brackets": ("[样例]", "[样例, '例: 子', \"{{\"]"),
    "a block of text with everything": (
        "看日志",
        '|\n      注意： a: b: c\n      {{ domain }}\n      - "x" y\n      \t*x',
    ),
}


@pytest.mark.parametrize(("old", "new"), RIGHT.values(), ids=RIGHT)
def test_what_only_looks_like_a_mistake_is_none(old: str, new: str) -> None:
    assert parse_rules(PLAIN.replace(old, new, 1), "x.yml")[1] == ()


WRONG = {
    "a tab before a key": ("    do:", "\tdo:", "8:1: indent with spaces"),
    "a tab behind spaces": ("    do:", "  \tdo:", "8:3: indent with spaces"),
    "a tab before a dash": ("  - id", "\t- id", "7:1: indent with spaces"),
    "full-width blanks": ("    do", "\u3000\u3000do", "8:1: indent with plain spaces; this one is U+3000"),
    "no-break spaces": (
        "    do",
        "\u00a0\u00a0\u00a0\u00a0do",
        "8:1: indent with plain spaces; this one is U+00A0",
    ),
    "a full-width colon": (
        "severity: high",
        "severity：high",
        "3:9: the colon is a full-width one; write 'severity: '",
    ),
    "one with a blank": ("severity: high", "severity： high", "3:9: the colon is a full-width one"),
    "one in the first line": ("id: sample", "id：sample", "1:3: the colon is a full-width one; write 'id: '"),
    "one in a step": ("do: 看", "do：看", "8:7: the colon is a full-width one; write 'do: '"),
    "one that begins a step": ("- id: first", "- id：first", "7:7: the colon is a full-width one"),
    "one in the last key of a step": (
        "source: field",
        "source：field",
        "9:11: the colon is a full-width one",
    ),
    "one in a condition": (
        "source: field",
        "when: {count|gte：3}\n    source: field",
        "9:12: the colon is a full-width one",
    ),
    "one in braces": (
        "{query: 样例}",
        "{query：样例}",
        "11:12: the colon is a full-width one; write 'query: '",
    ),
    "one below a text that holds one": (
        "source: field",
        "healthy: 看 nginx：正常\n    source：field",
        "10:11: the colon is a full-width one; write 'source: '",
    ),
    "no blank behind a colon": (
        "severity: high",
        "severity:high",
        "3:1: a blank is missing behind the colon",
    ),
    "no blank behind a dash": ("- id", "-id", "7:3: an item of a list begins with '- '"),
    "a full-width dash": ("- id", "－ id", "7:3: an item of a list begins with '- '"),
    "two colons": (
        "看日志",
        "看日志: 有没有: 499",
        "8:12: a text with ': ' in it needs quotes: do: '看日志: 有没有: 499'",
    ),
    "a: b: c": ("title: 样例", "title: b: c", "2:9: a text with ': ' in it needs quotes: title: 'b: c'"),
    "a quote in a text with two colons": (
        "看日志",
        "it's: x",
        "8:13: a text with ': ' in it needs quotes: do: 'it''s: x'",
    ),
    "a colon at the end": ("看日志", "看日志:", "8:12: a text with ': ' in it needs quotes: do: '看日志:'"),
    "braces alone": (
        "看日志",
        "{{ domain }}",
        "8:9: '{{' begins a mapping in YAML; put the whole value in quotes",
    ),
    "braces and a text": ("看日志", "{{ domain }} 的日志", "8:9: '{{' begins a mapping in YAML"),
    "a statement": ("看日志", "{% if ip %}看{% endif %}", "8:9: '{%' begins a mapping in YAML"),
    "braces in a command": (
        "    source",
        "    run: {{ url }} -v\n    source",
        "9:10: '{{' begins a mapping in YAML",
    ),
    "braces in a list": ("[样例]", "[{{ domain }} x]", "5:11: '{{' begins a mapping in YAML"),
    "an at sign": ("看日志", "@所有人", "8:9: a text that begins with '@' needs quotes"),
    "a backtick": ("看日志", "`nginx -t`", "8:9: a text that begins with '`' needs quotes"),
    "an asterisk": ("看日志", "*重要* 看", "8:9: a text that begins with '*' needs quotes"),
    "an exclamation mark": ("看日志", "!看日志", "8:9: a text that begins with '!' needs quotes"),
    "an ampersand": ("看日志", "&x", "8:9: a text that begins with '&' needs quotes"),
    "a bracket": ("看日志", "[重要] 看日志", "8:9: a text that begins with '[' needs quotes"),
    "an open quote": ("看日志", '"看日志', "8:9: this quote is never closed"),
    "an open single quote": ("看日志", "'看日志", "8:9: this quote is never closed"),
    "a text behind a quote": ("看日志", '"看" 日志', "8:9: text follows the closing quote"),
    "an open bracket": ("[样例]", "[样例", "5:10: this '[' is not closed"),
    "an open brace": ("{query: 样例}", "{query: 样例", "11:11: this '{' is not closed"),
    "a backslash in double quotes": ("看日志", '"\\d+"', "8:10: a backslash begins an escape"),
    "a comment for a text": ("看日志", "#看日志", "8:8: a '#' behind a blank begins a comment"),
    "a text behind a bar": ("看日志", "| 看日志", "8:9: behind '|' the text begins in the next line"),
    "a key too deep": (
        "severity: high",
        "  severity: high",
        "3:11: the keys of a mapping begin in the same column",
    ),
    "a key not deep enough": (
        "    source",
        " source",
        "9:2: the keys of a mapping begin in the same column: this one in column 2; those before it, from line 1",
    ),
    "a second document": ("steps:", "---\nsteps:", "6:1: a file holds one document"),
}


@pytest.mark.parametrize(("old", "new", "expected"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_named_with_what_to_do(old: str, new: str, expected: str) -> None:
    _, findings = parse_rules(PLAIN.replace(old, new, 1), "x.yml")
    place, _, hint = expected.partition(" ")
    assert str(findings[0]).startswith(f"x.yml:{place} ")
    assert hint in str(findings[0])


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_lines_are_counted_as_yaml_counts_them(end: str) -> None:
    _, findings = parse_rules(PLAIN.replace("severity: high", "severity：high").replace("\n", end), "x.yml")
    assert str(findings[0]).startswith("x.yml:3:9: ")


@pytest.mark.parametrize("sign", ["a", "a：", "{{", "[", "'", '"', ": ", "\t", "- ", "，a", " "])
def test_a_megabyte_in_one_line_is_explained_in_short(sign: str) -> None:
    _, findings = parse_rules("title: x: " + sign * (999_000 // len(sign.encode())), "x.yml")
    assert findings
    assert all(len(str(finding)) < 800 for finding in findings)
