"""The report of an examination serves checklists and programs, and that of our own service is clean."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.probing import LOOPBACK, QUICK, failed, look, says
from tests.support.service import ACCOUNT as OUR_ACCOUNT
from tests.support.service import ENVIRONMENT as OUR_ENVIRONMENT
from tests.support.service import serving as running_service
from tests.support.sick_peer import PLAIN, SAFE, healthy, serving
from triage.probe import ProbePlan, checked, examine
from triage.rules.model import RuleSet

# -- for the checklists


def test_a_step_of_a_checklist_can_say_what_was_checked(rules: RuleSet) -> None:
    ours = {
        "dns_system",
        "dns_wechat",
        "tcp_connect",
        "tls",
        "echo",
        "signature_refused",
        "answer_time",
        "reply_law",
        "retry",
        "component_ticket",
    }
    named = {step.check for rule in rules.rules for step in rule.steps}
    assert ours <= named
    report = look(healthy(SAFE), ProbePlan(SAFE, "safe", ("text",), count=1, component=True))
    said = checked(report)
    assert ours <= set(said)
    assert said["retry"] == "检查过：通过（1 种回应）"
    assert said["tls"] == "没检查：http 没有证书"
    sick = checked(look(says(lambda came, _: b'"success"')))
    assert sick["reply_law"].startswith("检查过：没通过，因为text（文本消息）：回应外面多了一层双引号")


def test_a_report_is_json_and_hides_the_query() -> None:
    with serving(healthy(PLAIN)) as peer:
        report = examine(f"{peer.url}?key=secret", QUICK, LOOPBACK)
    values = json.loads(json.dumps(report.as_json()))
    assert values["clean"] is True
    assert "secret" not in json.dumps(values)
    assert PLAIN.token not in json.dumps(values)
    assert {check["id"] for check in values["checks"]} >= {"echo", "reply_law"}


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    with serving(healthy(PLAIN)) as peer:
        plan = ProbePlan(PLAIN, "plain", count=4, rate=500, component=True)
        examine(peer.url, plan, LOOPBACK, progress=lambda title, done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1]


# -- our own service


def test_our_own_running_service_is_clean(tmp_path: Path) -> None:
    with running_service(tmp_path, OUR_ENVIRONMENT) as served:
        url = f"http://127.0.0.1:{served.port}/callback/wechat"
        report = examine(url, ProbePlan(OUR_ACCOUNT, "safe", count=5, rate=200, component=True), LOOPBACK)
    assert not list(report.findings), failed(report)
