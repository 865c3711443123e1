"""How the tests of the probe examine a peer, and read what was found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tests.support.sick_peer import PLAIN, Answer, Raw, healthy, serving
from triage.channels.wechat.account import Account
from triage.channels.wechat.callback import receive
from triage.message import Message, Request, Response
from triage.probe import Guard, Limits, ProbePlan, Report, examine

LOOPBACK = Guard(frozenset({"127.0.0.1"}), allow_private=True)
QUICK = ProbePlan(PLAIN, "plain", ("text",), count=0, quick=True)
SHORT = Limits(answer=0.4)


def look(answer: Answer, plan: ProbePlan = QUICK) -> Report:
    with serving(answer) as peer:
        return examine(peer.url, plan, LOOPBACK)


def found(report: Report) -> set[tuple[str, str, str]]:
    """Layer, check and id of every finding."""
    return {(check.layer.value, check.id, finding.id) for check, finding in report.findings}


def failed(report: Report) -> str:
    return "\n".join(f"{check.id} {check.subject}: {finding}" for check, finding in report.findings)


def says(make: Callable[[Message, Request], bytes | Response | Raw], account: Account = PLAIN) -> Answer:
    """Healthy but for what it answers to a push."""
    well = healthy(account)

    def answer(request: Request) -> Response | Raw:
        right = well(request)
        if request.method == "GET" or isinstance(right, Raw) or right.status != 200:
            return right
        came = receive(request, account, datetime.now(UTC))
        assert isinstance(came, Message)
        made = make(came, request)
        return Response(200, made) if isinstance(made, bytes) else made

    return answer
