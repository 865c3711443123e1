"""One word for one thing: what the bot, the templates and the rules say, held to the glossary of docs/judgement.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.paths import ROOT

SAID = {"title", "meaning", "impact", "owner", "do", "healthy", "erratum", "check", "cure", "name"}
"""Keys of a rule or of a table of codes whose text the bot says; the others hold what people and programs say."""
NEVER = re.compile("应答|回包|回答")
"""Other words for 回应."""
QUOTED = ("非权威应答",)
"""What a tool prints."""
REPLY = re.compile("回复")
TO_PEOPLE = re.compile(
    "(?:异步|被动|自动|兜底|到|收不到|没有|有|等待|重复的|机器人的|打印|文本|对应的|个)回复"
    "|回复(?:用户|粉丝|模板|照发|太长|改用|一条|的 JSON|示例|消息)"
)
"""回复 where it is what a person gets to read: of a follower from the account, of a colleague from the bot."""
CHINESE = re.compile("[一-鿿]")


def _strings(value: object, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name != "examples":
                yield from _strings(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, key)
    elif isinstance(value, str) and key in SAID:
        yield value


def _literals(source: str) -> Iterator[str]:
    """The string constants of a module, without its docstrings."""
    tree = ast.parse(source)
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield node.value


def _said(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yml":
        yield from _strings(yaml.safe_load(text))
    elif path.suffix == ".py":
        yield from _literals(text)
    else:
        yield text


FILES = sorted(
    path
    for pattern in (
        "rules/**/*.yml",
        "templates/**/*.*",
        "triage/**/*.py",
        "docs/sources.md",
        "README.zh-CN.md",
    )
    for path in ROOT.glob(pattern)
    if CHINESE.search(path.read_text(encoding="utf-8"))
)


def _around(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - 12) : found.end() + 12]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_callback_sends_back_has_one_name(path: Path) -> None:
    for text in _said(path):
        for quoted in QUOTED:
            text = text.replace(quoted, "")
        wrong = [_around(text, found) for found in NEVER.finditer(text)]
        allowed = [found.span() for found in TO_PEOPLE.finditer(text)]
        wrong += [
            _around(text, found)
            for found in REPLY.finditer(text)
            if not any(start <= found.start() and found.end() <= end for start, end in allowed)
        ]
        assert wrong == []


def test_the_glossary_explains_the_words() -> None:
    page = (ROOT / "docs/judgement.md").read_text(encoding="utf-8")
    section = page.partition("### In Chinese")[2]
    assert re.findall(r"(?m)^\| ([一-鿿]{2,}) \|", section) == [
        "回应",
        "回复",
        "推送",
        "回调",
        "报警",
        "事件",
        "依据",
    ]


def test_people_may_say_it_as_they_like() -> None:
    said = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "rules").glob("*.yml"))
    assert all(f"  - {word}" in said for word in ("回包错误", "回复超时", "回复不合法"))
