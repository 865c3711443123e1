"""The examples that rules carry: run against all rules, and what they leave untried is counted."""

from __future__ import annotations

import pytest

from triage.advice.adviser import Adviser
from triage.advice.examples import Coverage, run_examples
from triage.advice.rendering import Renderer
from triage.findings import Finding
from triage.rules.joining import join
from triage.rules.model import RuleFile, RuleSet
from triage.rules.parser import parse_file

RULE = """\
id: {id}
title: 样例
severity: high
meaning: 一句话
{lead}
steps:
  - {{id: first, do: 看日志, source: field}}
  - {{id: second, do: 重启, source: field, when: {{count|gte: 100}}}}
examples:
  match:
    - {match}
  ignore:
    - {ignore}
"""
ALERT = (
    "{alert: '内容: 微信服务器向公众号推送消息或事件后，开发者没接电话\n\n\n"
    "      次数: 5分钟 %s次\n\n\n      错误样例: [IP=203.0.113.9]'%s}"
)
LEAD = "sentences: [开发者没接电话]\naliases: [没接电话]"


def sample(
    id_: str = "sample", lead: str = LEAD, match: str = "", ignore: str = "{query: 今天中午吃什么}"
) -> str:
    return RULE.format(id=id_, lead=lead, match=match or ALERT % (40, ""), ignore=ignore)


def run(
    renderer: Renderer, *sources: str, beside: RuleSet | None = None
) -> tuple[tuple[Finding, ...], Coverage]:
    parts = [RuleFile(beside.rules)] if beside else []
    for number, source in enumerate(sources):
        parsed, findings = parse_file(source, f"{number}.yml")
        assert [str(finding) for finding in findings] == []
        parts.append(parsed)
    together, _ = join(parts, "test")
    return run_examples(together, Adviser(together, renderer))


def test_no_bundled_step_begins_with_a_digit_which_its_number_would_run_into(rules: RuleSet) -> None:
    steps = [(rule.id, step.id, step.do.source) for rule in rules.rules for step in rule.steps]
    assert [step for step in steps if step[2][:1].isdigit()] == [], "1 999 是自家 WAF 回的"


def test_the_bundled_rules_keep_their_promises_and_try_every_step_and_condition(
    rules: RuleSet, adviser: Adviser
) -> None:
    findings, coverage = run_examples(rules, adviser)
    assert findings == ()
    assert coverage.unshown == ()
    assert coverage.one_sided == ()
    assert coverage.examples > 250
    assert coverage.steps == sum(len(rule.steps) for rule in rules.rules)


FAILS = {
    "an alert that another rule wins": (
        [sample(), sample("other", "when: {kind: sample}\npriority: 9", "{query: other}", "{query: 吃什么}")],
        "this alert must be won by 'sample', but 'other' wins",
    ),
    "an alert that nothing answers": (
        [sample(lead="sentences: [开发者没回邮件]")],
        "this alert must be won by 'sample', but nothing answers it",
    ),
    "a query that nothing answers": (
        [sample(match="{query: 今天下雨}", ignore="{query: 明天}")],
        "this query must be won by 'sample', but nothing answers it",
    ),
    "a query that another rule wins": (
        [sample(), sample("other", "aliases: [没接]", "{query: 没接电话}", "{query: 吃什么}")],
        "this query must be won by 'other', but 'sample' wins",
    ),
    "a reply without a promised text": (
        [sample(match=ALERT % (40, ", renders: [看日志, 拔网线]"))],
        "the reply does not contain '拔网线'",
    ),
    "steps in another order": (
        [sample(match=ALERT % (400, ", steps: [second]"))],
        "the steps must begin with second, but are first, second",
    ),
    "an alert that must not match but does": (
        [sample(ignore=ALERT % (40, ""))],
        "this alert must not match 'sample', but does",
    ),
    "a query that must not match but does": (
        [sample(ignore="{query: 没接电话}")],
        "this query must not match 'sample', but does",
    ),
    "an alert that is none": (
        [sample(ignore="{alert: 今天中午吃什么}")],
        "no alert is found in this example; write words that must not match as 'query'",
    ),
}


@pytest.mark.parametrize(("sources", "message"), FAILS.values(), ids=FAILS)
def test_an_example_that_breaks_its_promise_is_a_finding_at_its_place(
    sources: list[str], message: str, renderer: Renderer
) -> None:
    findings, _ = run(renderer, *sources)
    found = [finding for finding in findings if finding.message == message]
    assert len(found) == 1
    assert found[0].location is not None
    assert found[0].location.line > 8


def test_a_rule_that_takes_a_bundled_example_away_is_reported(rules: RuleSet, renderer: Renderer) -> None:
    greedy = sample("greedy", "when: {kind: mark_fail}\npriority: 100", "{query: greedy}", "{query: 吃什么}")
    findings, _ = run(renderer, greedy, beside=rules)
    assert "this alert must be won by 'mark_fail', but 'greedy' wins" in {
        finding.message for finding in findings
    }


def test_what_no_example_tried_is_counted(renderer: Renderer) -> None:
    findings, coverage = run(renderer, sample())
    assert findings == ()
    assert coverage == Coverage(2, 2, ("sample/second",), 1, ("sample/second: never true",))


def test_a_condition_that_was_true_and_false_is_tried(renderer: Renderer) -> None:
    source = sample(match=f"{ALERT % (40, '')}\n    - {ALERT % (400, '')}")
    findings, coverage = run(renderer, source)
    assert findings == ()
    assert coverage == Coverage(3, 2, (), 1, ())
