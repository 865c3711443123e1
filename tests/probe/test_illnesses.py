"""The probe against every illness that the simulator knows: it finds each, and names layer and rule."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from triage.findings import Severity
from triage.platform.clauses import CLAUSES
from triage.platform.pushes import PAYMENT_NOTIFY
from triage.probe import Guard, Limits, ProbePlan, examine
from triage.simulator import make_persona
from triage.simulator.callback import SickCallback
from triage.simulator.illnesses import ILLNESSES, Illness, TransportFault

LOOPBACK = Guard(frozenset({"127.0.0.1"}), allow_private=True)
SPEED = 20.0
"""A second of the platform's is a twentieth here: the limit of five seconds and the illnesses' waits alike."""
_LIMIT = 5 / SPEED
_ELSEWHERE = {
    TransportFault.DNS_FAILURE: "played at the platform's side, there is no callback",
    TransportFault.DNS_TIMEOUT: "played at the platform's side, there is no callback",
    TransportFault.DNS_INVALID: "played at the platform's side, there is no callback",
}
FAULTS = {
    TransportFault.REFUSES: ("tcp", "curl_connect"),
    TransportFault.NO_ROOM: ("tcp", "connect_timeout"),
    TransportFault.SILENT: ("time", "request_timeout"),
    TransportFault.DRIPS: ("time", "request_timeout"),
    TransportFault.CLOSES: ("http", "curl_empty_reply"),
    TransportFault.RESETS: ("http", "curl_receive"),
    TransportFault.BREAKS_OFF: ("http", "curl_receive"),
    TransportFault.CUT_SHORT: ("http", "curl_receive"),
    TransportFault.NO_HTTP: ("http", "not_http"),
}
"""The layer and the finding that each fault below the reply must come first with."""
HARMLESS = {"healthy", "in_time", "sealed"}
ILL = [
    illness
    for illness in ILLNESSES.values()
    if illness.fault not in _ELSEWHERE and illness.push != PAYMENT_NOTIFY.name and illness.id not in HARMLESS
]


def _examine(illness: Illness) -> list[tuple[str, str, Severity]]:
    """Layer, finding and severity of all that the probe finds when it sends what brings the illness out."""
    account = make_persona(illness, 7).account
    component = illness.push == "component_verify_ticket"
    kinds = ("text",) if component else (illness.push,)
    count = 40 if illness.capacity else 0
    plan = ProbePlan(
        account,
        illness.mode,
        kinds,
        count,
        200,
        component,
        quick=True,
        limits=Limits(connect=_LIMIT, answer=_LIMIT),
    )
    with SickCallback(illness, account, lambda: datetime.now(UTC), speed=SPEED) as sick:
        report = examine(f"http://127.0.0.1:{sick.address[1]}/wechat/callback", plan, LOOPBACK)
    return [(check.layer.value, finding.id, finding.severity) for check, finding in report.findings]


@pytest.mark.parametrize("illness", ILL, ids=lambda illness: illness.id)
def test_every_illness_is_found(illness: Illness) -> None:
    found = _examine(illness)
    assert found, f"nothing found for {illness.meaning}"
    if illness.fault is not TransportFault.NONE:
        assert found[0][:2] == FAULTS[illness.fault]
    elif illness.after or illness.capacity:
        assert found[0][:2] == ("time", "request_timeout")
    elif illness.status != 200:
        assert found[0][:2] == ("http", "http_status")
    else:
        assert {layer for layer, _, _ in found} == {"reply"}
    if illness.cause in CLAUSES:
        assert illness.cause in {id_ for _, id_, _ in found}


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_nothing_is_found_where_nothing_is_wrong(name: str) -> None:
    assert [
        id_ for _, id_, severity in _examine(ILLNESSES[name]) if severity.rank <= Severity.MEDIUM.rank
    ] == []
