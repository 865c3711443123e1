"""Asks a callback of the team whether it answers again, as the platform would."""

from __future__ import annotations

from triage.channels.wechat.account import Account
from triage.errors import TriageError
from triage.incidents.occasions import Probed
from triage.incidents.team import TeamAccount
from triage.probe.examination import ProbePlan, examine
from triage.probe.guard import Guard


def probe_callback(account: TeamAccount, guard: Guard | None = None) -> Probed | None:
    """One push to the callback that the team's file names; None where that cannot be tried.

    Without a guard only the URL's own host at public addresses is called.
    """
    if account.probe is None:
        return None
    mode = "safe" if account.probe.aes_key else "plain"
    try:
        as_named = Account(account.appid, account.probe.token, account.probe.aes_key)
        report = examine(account.probe.url, ProbePlan(as_named, mode, ("text",), count=0, quick=True), guard)
    except TriageError:
        return None
    found = next((finding.message for _, finding in report.findings if finding.is_fault), "")
    return Probed(report.first is None, found if report.first is not None else "")
