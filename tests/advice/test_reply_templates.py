"""Reply templates: their variables are declared, and a broken one costs its wording, never the answer."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from jinja2 import Environment, meta, nodes

from tests.support.paths import ROOT
from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.advice.reply_templates import VARIABLES, ReplyTemplates, plain_text
from triage.channels.registry import DEFAULT_CHANNEL
from triage.rules.loader import load_templates
from triage.rules.model import RuleSet

TEMPLATES = load_templates(ROOT / "templates/reply")
BROKEN = {
    "an unknown variable": "{{ nothing }}",
    "a syntax error": "{% if %}",
    "a division by zero": "{{ 1 / 0 }}",
    "a filter of something else": "{{ 1 | join }}",
}
ALERT = (
    "Appid: wx014d339f79c92781\n时间: 2026-04-21 18:31:00\n内容: 微信服务器连接公众号开发者服务器时发生超时，"
    "超时时间为5秒\n次数: 5分钟 86次\n错误样例: [3rdUrl=http://wx.example.org/cb][IP=192.0.2.126][Msg=Text]"
)


def test_every_template_is_declared() -> None:
    assert {f"{name}.txt" for name in VARIABLES} == TEMPLATES.keys()


@pytest.mark.parametrize("name", VARIABLES)
def test_a_template_uses_the_variables_that_are_declared_for_it(name: str) -> None:
    tree = Environment(autoescape=False).parse(TEMPLATES[f"{name}.txt"])  # noqa: S701 - plain text
    macro = tree.find(nodes.Macro)
    used = {argument.name for argument in macro.args} if macro else meta.find_undeclared_variables(tree)
    assert used == set(VARIABLES[name])


def _calls() -> Iterator[tuple[str, str, set[str]]]:
    """Place, template and keywords of every `say` that spells its values out."""
    for folder in ("advice", "bot"):
        for path in sorted((ROOT / "triage" / folder).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                    continue
                if node.func.attr != "say":
                    continue
                keywords = {word.arg for word in node.keywords if word.arg}
                if isinstance(node.args[0], ast.Constant) and len(keywords) == len(node.keywords):
                    yield f"{path.name}:{node.lineno}", str(node.args[0].value), keywords


def test_a_template_is_given_the_variables_that_are_declared_for_it() -> None:
    calls = list(_calls())
    assert len(calls) > 15
    for place, name, keywords in calls:
        if name != "step_alone":  # with done=True it needs no more
            assert keywords == set(VARIABLES[name]), place


# -- broken templates


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("name", VARIABLES)
def test_a_broken_template_lists_its_values_and_is_reported(name: str, source: str) -> None:
    broken: list[str] = []
    templates = ReplyTemplates({f"{name}.txt": source}, lambda name, error: broken.append(name))
    text = templates.render(
        name, {"title": "连接超时", "lines": ["一", "二"], "count": 3, "late": True, "word": ""}
    )
    assert text.splitlines()[:4] == ["连接超时", "一", "二", "count 3"]
    assert f"回复模板 {name} 有错" in text
    assert broken == [name]


def test_a_missing_template_lists_its_values() -> None:
    assert "连接超时" in ReplyTemplates({}).render("topic", {"title": "连接超时"})


def test_values_of_a_broken_template_are_masked() -> None:
    openid = "oQ7dXk2VbnTzLr5WfGh8JmPs3YcA"
    text = plain_text("alert", {"causes": [{"meaning": "回包", "evidence": f"OpenID {openid}"}]})
    assert "回包" in text
    assert openid not in text


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_broken_step_is_written_plainly(rules: RuleSet, source: str) -> None:
    page = (
        Adviser(rules, Renderer({**TEMPLATES, "step.txt": source}, DEFAULT_CHANNEL.page_size))
        .answer(ALERT)
        .pages[0]
    )
    rule = rules.get("connect_timeout")
    assert rule
    assert "\n1 " in page
    assert "192.0.2.126" in page.split("先做")[1]
