"""What is known of an alert from before, as values for the reply: who sent it, the story so far, what it resembles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from triage.alerts.parser import BEIJING
from triage.incidents.correlation import (
    QUIET,
    UNNUMBERED,
    Incident,
    Reason,
    Shape,
    Sighting,
    State,
    Verdict,
    began_at,
    is_quiet,
    shape_of,
    story_of,
)
from triage.incidents.grouping import Group
from triage.masking import foreign_word, mask, mask_appid
from triage.message import ANY_ACCOUNT, Person
from triage.printing import one_line
from triage.rules.model import MARK_FAIL
from triage.times import ago

LONGEST_ADDRESS = 39
"""Characters of an IPv6 address."""
YOU = "你"
"""What a reply calls the one who asks."""
_NAMED_KINDS = 3
"""Kinds of alerts that an incident is called by."""


@dataclass(frozen=True, slots=True)
class MemberNames:
    """What replies call people: members by their name, the asker 你, everybody else 同事."""

    by_person: Mapping[Person, str]
    """A person of `ANY_ACCOUNT` stands for every account of the channel; the name may be `""`."""

    def find(self, person: Person) -> str | None:
        """The name of a member; None for everybody else."""
        name = self.by_person.get(person)
        return self.by_person.get(Person(person.channel, ANY_ACCOUNT, person.id)) if name is None else name

    def __contains__(self, person: object) -> bool:
        return isinstance(person, Person) and self.find(person) is not None

    def of(self, person: Person | None, asker: Person | None = None) -> str:
        """What a reply to `asker` calls a person."""
        if person is None:
            return "同事"
        return YOU if person.is_same(asker) else one_line(self.find(person) or "") or "同事"


def story_values(
    sighting: Sighting, verdict: Verdict, recent: Sequence[Incident], names: MemberNames, now: datetime
) -> dict[str, object]:
    """The values of templates/reply/story.txt; an empty value leaves its line out. For a new alert all are empty."""
    incident = verdict.incident
    shape = shape_of(sighting, recent)
    is_reopened = verdict.reason is Reason.REOPENED  # it is up for claiming again
    is_over = incident is not None and incident.state is State.CLOSED and not is_reopened
    before = verdict.before if not is_reopened and not (is_over and verdict.before == incident) else None
    return {
        "repeated": _repeated(verdict, names, sighting.sender, now),
        "incident": incident.id if incident and incident.id != UNNUMBERED else None,
        "owner": spaced(names.of(incident.owner, sighting.sender))
        if incident and incident.owner and not is_reopened and not is_over
        else "",
        "over": is_over,
        "step": incident.step if incident else 0,
        "path": _path(incident, sighting) if incident else "",
        "folded": verdict.reason is Reason.FOLDED,
        "reopened": is_reopened,
        "closed": closed_line(incident, now) if incident and (is_reopened or is_over) else "",
        "root": _root(verdict),
        "rootless": sighting.kind == MARK_FAIL and verdict.root is None,
        "before": _before(before, now) if before else "",
        "shape": shape[0].value if shape else "",
        "shape_count": shape[1] if shape else 0,
        "ip": foreign_word(sighting.ip or "", LONGEST_ADDRESS) if shape else "",
        "event": foreign_word(sighting.event or "") if shape else "",
    }


def _repeated(verdict: Verdict, names: MemberNames, asker: Person, now: datetime) -> str:
    first = verdict.first
    return spaced(clock_and_age(first.seen_at, now)) + spaced(names.of(first.sender, asker)) if first else ""


def spaced(text: str) -> str:
    """A text as it stands before Chinese words: Latin letters and digits have a blank behind them, `小赵` has none."""
    return f"{text} " if text[-1:].isascii() else text


def set_off(text: str) -> str:
    """A text as it stands between Chinese words: as `spaced`, and with a blank before Latin letters and digits too."""
    return f" {spaced(text)}" if text[:1].isascii() else spaced(text)


def clock_and_age(moment: datetime, now: datetime, *, dated: bool = False) -> str:
    """A time and how long ago that is: `18:31（9 分钟前）`."""
    age = ago(moment, now)
    return clock(moment, dated=dated) + (f"（{age}）" if age else "")


def _path(incident: Incident, sighting: Sighting) -> str:
    """The story in a line, `18:31 连接超时 → 18:36 请求超时`; `""` where it has one kind only."""
    steps = story_of(replace(incident, sightings=(*incident.sightings, sighting)))
    return path_line(steps) if len(steps) > 1 else ""


def path_line(steps: Sequence[Sighting]) -> str:
    """`18:31 连接超时 → 18:36 请求超时`, with the dates where they are of several days."""
    times = [step.first_seen or step.seen_at for step in steps]
    dated = len(set(map(day, times))) > 1
    parts = zip(times, steps, strict=True)
    return " → ".join(f"{clock(moment, dated=dated)} {step.title}" for moment, step in parts)


def _root(verdict: Verdict) -> str:
    root = verdict.root
    return f"{clock(root.first_seen or root.seen_at)} 的{root.title}" if root else ""


def closed_line(incident: Incident, now: datetime) -> str:
    """When and how an incident was closed."""
    at = spaced(clock_and_age(incident.closed_at, now)) if incident.closed_at else ""
    note = f"时写：{one_line(mask(incident.closed_note))}" if incident.closed_note else "时没写原因"
    return f"{at}关闭{note}"


def _before(incident: Incident, now: datetime) -> str:
    note = f"，关闭时写：{one_line(mask(incident.closed_note))}" if incident.closed_note else ""
    return f"{day(incident.last_seen)}（{ago(incident.last_seen, now)}）{note}"


def incident_line(incident: Incident, names: MemberNames, now: datetime, quiet: timedelta = QUIET) -> str:
    """One incident in a list: number, kinds, account, since when, who handles it."""
    newest = incident.sightings[-1] if incident.sightings else None
    titles = "、".join(dict.fromkeys(sighting.title for sighting in incident.sightings))
    account = account_line(newest.nickname if newest else None, incident.appid)
    return " · ".join(
        filter(
            None,
            (f"#{incident.id} {titles}", account, _since(incident, now), _who(incident, names, now, quiet)),
        )
    )


def group_line(group: Group) -> str:
    """A group of incidents: `机器 203.0.113.7 · 23 个号 · 连接超时 · 23 件，没人认领 21 件`."""
    alerts = [alert for incident in group.incidents for alert in incident.sightings]
    titles = "、".join(list(dict.fromkeys(alert.title for alert in alerts))[:_NAMED_KINDS])
    shared = foreign_word(group.shared, LONGEST_ADDRESS)
    nickname = next((alert.nickname for alert in reversed(alerts) if alert.nickname), None)
    what = {
        Shape.HOST: f"机器 {shared} · {group.accounts} 个号",
        Shape.CODE: account_line(nickname, group.shared),
    }
    free = sum(not incident.owner for incident in group.incidents)
    number = f"{len(group.incidents)} 件" + (f"，没人认领 {free} 件" if free else "，都有人认领")
    return " · ".join(filter(None, (what.get(group.shape) if group.shape else "", titles, number)))


def incident_name(incident: Incident, called: str | None = None) -> str:
    """What answers call an incident beside its number: `时令果蔬 wx01…2781，连接超时、请求超时`.

    `called` is what the team calls the account, in place of its nickname.
    """
    newest = incident.sightings[-1] if incident.sightings else None
    titles = "、".join(step.title for step in story_of(incident)[:_NAMED_KINDS])
    account = account_line(called or (newest.nickname if newest else None), incident.appid)
    return "，".join(filter(None, (account, titles))) or "没写是哪个号"


@lru_cache(1_000)
def account_line(nickname: str | None, appid: str | None) -> str:
    """An account as lists name it: `时令果蔬 wx01…2781`; `""` where nothing is known."""
    return " ".join(filter(None, (foreign_word(nickname or ""), mask_appid(foreign_word(appid or "")))))


def _since(incident: Incident, now: datetime) -> str:
    different = {item.digest for item in incident.sightings}
    newest = ago(incident.last_seen, now)
    blank = " " if newest[:1].isdigit() else ""
    began = began_at(incident)
    year = "" if day(began)[:4] == day(now)[:4] else f"{day(began)[:4]}-"
    return f"{year}{clock(began, dated=True)} 起，{len(different)} 条报警，最近一条{blank}{newest}转来"


def _who(incident: Incident, names: MemberNames, now: datetime, quiet: timedelta) -> str:
    if incident.state is State.CLOSED:
        return f"已关闭：{one_line(mask(incident.closed_note))}" if incident.closed_note else "已关闭"
    silence = "，已安静" if is_quiet(incident, now, quiet) else ""
    owner = f"{spaced(names.of(incident.owner))}处理中" if incident.owner else "没人认领"
    step = f"，第 {incident.step} 步" if incident.step else ""
    return owner + step + silence


def clock(moment: datetime, *, dated: bool = False) -> str:
    """The time of day in Beijing, with the date before it if `dated`."""
    local = moment.astimezone(BEIJING)
    time = f"{local.hour:02}:{local.minute:02}"
    return f"{local.month:02}-{local.day:02} {time}" if dated else time


def day(moment: datetime) -> str:
    """The date in Beijing."""
    return f"{moment.astimezone(BEIJING):%Y-%m-%d}"
