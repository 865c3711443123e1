"""What is counted before anything has happened, of broken templates, and of what waits to go out."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.sending import notice_row
from tests.support.upgraded import new_file
from triage.errors import RefusalReason
from triage.message import MessageKind
from triage.settings import load_settings
from triage.web import create_app
from triage.web.metrics import BadReason, Metrics, RulesState, StoreUse


def _counts(metrics: Metrics) -> dict[str, dict[str, float]]:
    """Each count that has a label, by the label's value; those without by nothing."""
    families = text_string_to_metric_families(metrics.exposition(RulesState("1", 1)).decode())
    found: dict[str, dict[str, float]] = {}
    for sample in (sample for family in families for sample in family.samples):
        if sample.name.endswith("_total"):
            found.setdefault(sample.name, {})["".join(sample.labels.values())] = sample.value
    return found


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("triage_refused_total", get_args(RefusalReason)),
        ("triage_bad_messages_total", get_args(BadReason)),
        ("triage_store_errors_total", get_args(StoreUse)),
        ("triage_unrecorded_total", tuple(MessageKind)),
        ("triage_deduped_total", tuple(MessageKind)),
        ("triage_callback_errors_total", ("",)),
        ("triage_broken_templates_total", ("",)),
        ("triage_rule_reload_failures_total", ("",)),
        ("triage_gaps_total", ("",)),
    ],
)
def test_what_an_alert_watches_is_shown_as_zero_from_the_start(name: str, values: tuple[str, ...]) -> None:
    assert _counts(Metrics())[name] == dict.fromkeys(values, 0)


def test_a_broken_template_is_counted_and_logged_by_its_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = create_app(load_settings({"TRIAGE_DATABASE_URL": f"sqlite:///{tmp_path}/triage.db"})).service
    with caplog.at_level(logging.ERROR):
        assert service.rules.adviser.say("noted")
    assert _counts(service.metrics)["triage_broken_templates_total"] == {"": 1}
    assert "template_broken" in caplog.text
    assert "noted.txt" in str([vars(record) for record in caplog.records])


def test_what_waits_to_go_out_is_shown_with_its_age_and_not_guessed_without_a_database(
    tmp_path: Path,
) -> None:
    url = new_file(tmp_path / "triage.db")
    app = create_app(load_settings({"TRIAGE_DATABASE_URL": url}))
    client = app.pages.test_client()
    assert _waiting(client.get("/metrics").text) == {}
    app.service.open()
    assert _waiting(client.get("/metrics").text) == {"due": 0, "oldest_due_seconds": 0}
    now = datetime.now(UTC)
    rows = [
        notice_row(key, "li", now - timedelta(minutes=age)) for key, age in (("1", 5), ("2", 3), ("3", -5))
    ]
    app.service.ask(lambda store: store.outbox.put(rows, now))
    waiting = _waiting(client.get("/metrics").text)
    assert waiting["due"] == 2
    assert 300 <= waiting["oldest_due_seconds"] < 360


def _waiting(exposition: str) -> dict[str, float]:
    """The gauges of what waits, by what follows `triage_outgoing_`."""
    families = text_string_to_metric_families(exposition)
    return {
        family.name.removeprefix("triage_outgoing_"): family.samples[0].value
        for family in families
        if family.name.startswith("triage_outgoing_") and "due" in family.name
    }
