"""deploy/prometheus and deploy/grafana ask for what /metrics shows, and the alerts fire when they should."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import click
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.paths import DATA, ROOT
from triage.cli import cli
from triage.message import MessageKind
from triage.rules.matching import UNKNOWN
from triage.web.metrics import Metrics, RulesState, Waiting

RULES = ROOT / "deploy/prometheus/alerts.yml"
GROUPS = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
ALERTS = [rule for group in GROUPS for rule in group["rules"]]
BOARD = json.loads((ROOT / "deploy/grafana/triage.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = BOARD["panels"]
UNIT_TESTS = DATA / "prometheus/alerts_test.yml"
SCRAPED = {"job", "instance"}
"""Labels that Prometheus adds."""
OF_PROMETHEUS = {"up": SCRAPED, "ALERTS": SCRAPED | {"alertname", "alertstate"}}

ASKED = {
    **{rule["alert"]: rule["expr"] for rule in ALERTS},
    **{
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in PANELS
        for target in panel["targets"]
    },
    **{f"annotation {item['name']}": item["expr"] for item in BOARD["annotations"]["list"]},
}


def _shown() -> str:
    """What /metrics shows of a service to which everything has happened once."""
    metrics = Metrics()
    metrics.answered("/callback/<channel>", 200, 0.1)
    metrics.alert_read(UNKNOWN)
    metrics.topic_asked(None)
    metrics.retry_answered(MessageKind.TEXT)
    metrics.not_recorded(MessageKind.TEXT)
    return metrics.exposition(RulesState("1", 1), Waiting(1, 1.0)).decode()


SAMPLES = [sample for family in text_string_to_metric_families(_shown()) for sample in family.samples]
LABELS = {sample.name: sample.labels.keys() | SCRAPED for sample in SAMPLES} | OF_PROMETHEUS
TOLD_APART = ("reason", "where", "kind", "state")
"""Labels whose values are known from the start."""
COUNTED_FROM_ZERO = {
    (sample.name, name, value)
    for sample in SAMPLES
    for name, value in sample.labels.items()
    if name in TOLD_APART
}


def _parse(expression: str) -> promql_parser.Expr:
    return promql_parser.parse(expression.replace("$__rate_interval", "5m"))


def _nodes(expression: str) -> list[promql_parser.Expr]:
    found: list[promql_parser.Expr] = []
    promql_parser.walk(_parse(expression), found.append)
    return found


def _selectors(expression: str) -> Iterator[promql_parser.VectorSelector]:
    for node in _nodes(expression):
        if isinstance(node, promql_parser.MatrixSelector):
            yield node.vector_selector
        elif isinstance(node, promql_parser.VectorSelector):
            yield node


@pytest.mark.parametrize("asker", ASKED)
def test_every_metric_that_is_asked_for_is_shown_with_those_labels(asker: str) -> None:
    selectors = [*_selectors(ASKED[asker])]
    assert selectors
    for selector in selectors:
        assert selector.name in LABELS
        assert {matcher.name for matcher in selector.matchers.matchers} <= LABELS[selector.name]


@pytest.mark.parametrize("asker", ASKED)
def test_a_sum_is_by_labels_that_its_metric_has(asker: str) -> None:
    for node in _nodes(ASKED[asker]):
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            of = set().union(*(LABELS[str(found.name)] for found in _selectors(node.expr.prettify())))
            assert set(node.modifier.labels) <= of


@pytest.mark.parametrize("asker", ASKED)
def test_a_reason_or_a_place_that_is_asked_for_exists(asker: str) -> None:
    for selector in _selectors(ASKED[asker]):
        for matcher in selector.matchers.matchers:
            if matcher.name in TOLD_APART:
                for value in matcher.value.split("|"):
                    assert (selector.name, matcher.name, value) in COUNTED_FROM_ZERO


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_what_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"].keys() == {"summary", "runbook"}
    for command in re.findall(r"\btriage ((?:[a-z]+ ?)+)", rule["annotations"]["runbook"]):
        group: click.Command = cli
        for word in command.split():
            if not isinstance(group, click.Group):
                break  # what follows are its arguments
            found = group.get_command(click.Context(group), word)
            assert found, command
            group = found


@pytest.mark.parametrize("event", ["callback_failed", "store_error", "template_broken", "not_sent"])
def test_what_a_runbook_looks_for_in_the_log_is_logged(event: str) -> None:
    assert any(event in rule["annotations"]["runbook"] for rule in ALERTS)
    assert any(f'"{event}"' in file.read_text(encoding="utf-8") for file in ROOT.glob("triage/web/*.py"))


def test_alerts_have_names_of_their_own_and_their_unit_test() -> None:
    names = [rule["alert"] for rule in ALERTS]
    assert len(set(names)) == len(names)
    tested = re.findall(r'alertname="(\w+)"', UNIT_TESTS.read_text(encoding="utf-8"))
    assert sorted(tested) == sorted(names)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    "arguments", [("check", "rules", RULES), ("test", "rules", UNIT_TESTS)], ids=lambda a: a[0]
)
def test_prometheus_takes_the_rules_and_raises_what_it_should(arguments: tuple[object, ...]) -> None:
    done = subprocess.run(
        ["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_panels_lie_beside_each_other_and_explain_themselves() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["description"]
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_the_dashboard_is_tied_to_no_data_source_of_ours() -> None:
    used = re.findall(r'"uid": "(.*?)"', json.dumps(BOARD))
    assert set(used) == {"${datasource}", "triage"}
    assert [item["name"] for item in BOARD["templating"]["list"]] == ["datasource", "instance"]
