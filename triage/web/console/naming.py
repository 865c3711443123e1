"""What pages call accounts, kinds of alerts and people: as the chat does, masked, in the language of the request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from triage.advice.ticks import shown
from triage.evidence.checks import Tick
from triage.findings import Severity
from triage.incidents.correlation import Incident, Sighting, story_of
from triage.incidents.story import MemberNames, account_line
from triage.message import Person
from triage.printing import one_line
from triage.web.console.moments import clock
from triage.web.console.words import gettext as _
from triage.web.console.words import lang
from triage.web.service import the_service


def account_of(incident: Incident) -> str:
    """What the team calls the account, else its nickname, with its AppID; a word for an account nobody named."""
    team = the_service().team
    ours = team.account(incident.appid, incident.callback) if team else None
    named = (alert.nickname for alert in reversed(incident.sightings) if alert.nickname)
    called = (ours.name if ours else None) or next(named, None)
    return account_line(called, incident.appid) or _("没写是哪个号")


def kind_of(alert: Sighting) -> str:
    """The kind of an alert, as it was read; in English the title of its rule."""
    rule = the_service().rules.adviser.rules.get(alert.kind) if lang() == "en" else None
    return (rule.title_en if rule else None) or alert.title


def kinds_of(incident: Incident) -> str:
    """The kinds of its alerts, each once: `连接超时、请求超时`."""
    return "、".join(dict.fromkeys(map(kind_of, incident.sightings)))


def story_line(incident: Incident, now: datetime) -> str:
    """The kinds of an incident in the order in which they began: `18:31 连接超时 → 18:40 MarkFail`."""
    return " → ".join(
        f"{clock(step.first_seen or step.seen_at, now)} {kind_of(step)}" for step in story_of(incident)
    )


@dataclass(frozen=True, slots=True)
class Names:
    """What the visitor calls people."""

    known: MemberNames
    asker: Person | None

    def __call__(self, person: Person) -> str:
        return person_name(person, self.known, self.asker)


def person_name(person: Person, names: MemberNames, asker: Person | None) -> str:
    """A person as others call them; the one who looks at the page is 你."""
    if person.is_same(asker):
        return _("你")
    return one_line(names.find(person) or "") or _("同事")


def severity_name(severity: Severity) -> str:
    """How grave it is, in a word."""
    match severity:
        case Severity.CRITICAL:
            return _("最急")
        case Severity.HIGH:
            return _("严重")
        case Severity.MEDIUM:
            return _("一般")
        case Severity.LOW:
            return _("轻微")
        case Severity.INFO:
            return _("提示")


def machine_tick(tick: Tick | None) -> tuple[str, str]:
    """The mark of a step that a machine has looked at, and what proves it; empty where none has."""
    if tick is None:
        return "", ""
    values = shown(tick)
    return values["mark"], values["proof"]
