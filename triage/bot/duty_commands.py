"""What members type about being on call: 值班, 替班, 换班; and who is called for an incident: 放手, 转给, 静音."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from triage.bot.access import holder_of
from triage.bot.commands import Command, Word
from triage.bot.context import Context, Outcome, refused
from triage.bot.conversation import Conversation
from triage.bot.meant import incident_spoken_of, nothing_meant
from triage.bot.numbers import first_number
from triage.incidents import rota
from triage.incidents.correlation import Incident, State
from triage.incidents.story import incident_name, set_off
from triage.incidents.team import Override, Rotation, Team, Teammate
from triage.masking import foreign_word
from triage.message import ANY_ACCOUNT, Person
from triage.store import Action, ShiftOverride

WORDS = frozenset({Word.DUTY, Word.COVER, Word.SWAP, Word.RELEASE, Word.GIVE, Word.MUTE})
LONGEST_COVER = timedelta(days=7)
LONGEST_MUTE = timedelta(days=1)
_DURATION = re.compile(
    r"(?:(?P<hours>\d{1,3}|半)\s*个?(?:小时|[hH]))?\s*(?:(?P<minutes>\d{1,4})\s*(?:分钟?|[mM]))?"
)
_DAY = re.compile(r"(\d{1,2})[-/月](\d{1,2})日?")
_UNITS = ("小时", "分")


def act(context: Context, command: Command, talk: Conversation | None, team: Team | None) -> Outcome:
    """One of `WORDS`, of a member; in a group too, where others read the answer."""
    context = context.overheard() if context.member is not None else context
    refusal = refused(context, command.word)
    if refusal is not None:
        return refusal
    match command.word:
        case Word.RELEASE | Word.GIVE | Word.MUTE:
            return _of_incident(context, command, talk, team or Team())
        case _ if team is None or not team.rotations:
            return _say(context, "no_team")
        case Word.COVER:
            return _cover(context, command.argument, team)
        case Word.SWAP:
            return _swap(context, command.argument, team)
        case _:
            return _say(context, "duty", lines=_lines(context, team))


def read_duration(text: str) -> timedelta | None:
    """`2小时`, `半小时`, `1小时30分钟`, `90m`; None for anything else."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    hours = 0.5 if match["hours"] == "半" else int(match["hours"] or 0)
    return timedelta(hours=hours, minutes=int(match["minutes"] or 0)) or None


def _say(context: Context, how: str, **values: object) -> Outcome:
    return Outcome(context.adviser.say("duty", **{**_NOTHING, "how": how, **values}))


_NOTHING: dict[str, object] = {
    "lines": (),
    "name": "",
    "rotation": "",
    "start": "",
    "end": "",
    "id": 0,
    "what": "",
}


# -- who is on call


def _lines(context: Context, team: Team) -> list[str]:
    """Each rotation: who is on call until when, and who comes next."""
    overrides = (*team.overrides, *context.store.shifts(context.now))
    return [_line(rotation, overrides, team, context.now) for rotation in team.rotations]


def _line(rotation: Rotation, overrides: tuple[Override, ...], team: Team, now: datetime) -> str:
    shift, following = rota.on_call(rotation, overrides, now), rota.next_shift(rotation, overrides, now)
    who = _name(team, shift.teammate) or "没有人"
    line = f"{rotation.id}：{who}，到 {_clock(shift.end, rotation, now)}"
    if following is None:
        return line
    begins = _clock(following.start, rotation, now)
    return f"{line}；下一个{set_off(_name(team, following.teammate)).rstrip()}，{begins} 起"


def _name(team: Team, id_: str | None) -> str:
    mate = team.teammate(id_ or "")
    return mate.name if mate else ""


def _clock(moment: datetime, rotation: Rotation, now: datetime) -> str:
    """Day and time by the clock of the rotation, with the year where it is not this one."""
    local = moment.astimezone(rotation.zone)
    is_this_year = local.year == now.astimezone(rotation.zone).year
    return f"{local:%m-%d %H:%M}" if is_this_year else f"{local:%Y-%m-%d %H:%M}"


def _cover(context: Context, argument: str, team: Team) -> Outcome:
    """替班 2小时: from now on, in the first rotation or the one that is named behind."""
    rotation, rest = _which_rotation(argument, team)
    lasts, mate = read_duration(rest), team.find(context.viewer.person)
    if lasts is None or lasts > LONGEST_COVER:
        return _say(context, "cover_unread")
    if mate is None:
        return _say(context, "no_teammate")
    return _take_over(context, rotation, mate, context.now, context.now + lasts)


def _swap(context: Context, argument: str, team: Team) -> Outcome:
    """换班 10-01 韩梅: a day by the clock of the rotation, today or later."""
    rotation, rest = _which_rotation(argument, team)
    typed, _, name = rest.partition(" ")
    today = context.now.astimezone(rotation.zone).date()
    name = name.strip()
    day, mate = _day(typed, today), team.named(name) if name else None
    if day is None or not name:
        return _say(context, "swap_unread")
    if mate is None:
        return _say(context, "unknown", name=foreign_word(name))
    start, end = (datetime.combine(each, time(), rotation.zone) for each in (day, day + timedelta(days=1)))
    return _take_over(context, rotation, mate, max(start, context.now), end)


def _take_over(
    context: Context, rotation: Rotation, mate: Teammate, start: datetime, end: datetime
) -> Outcome:
    override = ShiftOverride(rotation.id, mate.id, start, end, context.viewer.person, context.now)
    said = _say(
        context, "taken", name=mate.name, rotation=rotation.id,
        start=_clock(start, rotation, context.now), end=_clock(end, rotation, context.now),
    )  # fmt: skip
    return replace(said, actions=(override,))


def _which_rotation(argument: str, team: Team) -> tuple[Rotation, str]:
    """The rotation that stands last in an argument, else the first one; and the rest of the argument."""
    rest, _, last = argument.strip().rpartition(" ")
    named = team.rotation(last)
    return (named, rest) if named else (team.rotations[0], argument.strip())


def _day(typed: str, today: date) -> date | None:
    """`10-01`, today or the next time there is one."""
    match = _DAY.fullmatch(typed)
    if match is None:
        return None
    for year in range(today.year, today.year + 5):
        try:
            day = date(year, int(match[1]), int(match[2]))
        except ValueError:
            continue
        if day >= today:
            return day
    return None


# -- one incident


def _of_incident(context: Context, command: Command, talk: Conversation | None, team: Team) -> Outcome:
    """放手, 转给 and 静音, of the incident that is named by its number, else of the one spoken of last."""
    number, rest = first_number(command.argument)
    if rest.startswith(_UNITS):  # 静音 1 小时
        number, rest = None, command.argument
    found = context.store.incident(number) if number is not None else incident_spoken_of(context, talk)
    if found is None or not context.viewer.may_see(found):
        return nothing_meant(context, command, number)
    if found.state is State.CLOSED:
        return _say(context, "closed", id=found.id)
    does: dict[Word, Callable[[Context, Incident, str, Team], Outcome]] = {
        Word.RELEASE: _release, Word.GIVE: _give, Word.MUTE: _mute,
    }  # fmt: skip
    return does[command.word](context, found, rest.strip(), team)


def _release(context: Context, incident: Incident, rest: str, team: Team) -> Outcome:
    owner = incident.owner
    if owner is None or not _is_same(owner, context.viewer.person, team):
        return _say(
            context, "not_yours", id=incident.id, name=context.viewer.names.of(owner) if owner else ""
        )
    said = _say(context, "released", id=incident.id, what=incident_name(incident))
    return replace(said, actions=(Action("release", incident.id, owner),))


def _give(context: Context, incident: Incident, name: str, team: Team) -> Outcome:
    if not name:
        return _say(context, "give_unread")
    to = _holder(context, name, team)
    if to is None:
        return _say(context, "unknown", name=foreign_word(name))
    if incident.owner is not None and _is_same(incident.owner, to, team):
        return _say(context, "theirs", id=incident.id, name=context.viewer.names.of(to))
    if to.account == ANY_ACCOUNT:
        return _say(context, "unplaced", id=incident.id, name=context.viewer.names.of(to))
    name = context.viewer.names.of(to)
    said = _say(context, "given", id=incident.id, name=name, what=incident_name(incident))
    return replace(said, actions=(Action("give", incident.id, context.viewer.person, name, to=to),))


def _mute(context: Context, incident: Incident, rest: str, team: Team) -> Outcome:
    lasts = read_duration(rest)
    if lasts is None or lasts > LONGEST_MUTE:
        return _say(context, "mute_unread")
    until = context.now + lasts
    local = until.astimezone(team.rotations[0].zone if team.rotations else context.now.tzinfo)
    is_today = local.date() == context.now.astimezone(local.tzinfo).date()
    end = f"{local:%H:%M}" if is_today else f"{local:%m-%d %H:%M}"
    said = _say(context, "muted", id=incident.id, end=end, what=incident_name(incident))
    return replace(said, actions=(Action("mute", incident.id, context.viewer.person, end, until=until),))


def _holder(context: Context, name: str, team: Team) -> Person | None:
    """Who has a name: a teammate, as they are on the channel of the one who asks if they are on it; or a member.

    They are of `ANY_ACCOUNT` where nobody can tell by which account of ours they are known.
    """
    mate, asker = team.named(name), context.viewer.person
    if mate is None or not mate.addresses:
        member = holder_of(name, context.viewer.names)
        return member and _placed(member, asker)
    addresses = [_placed(address, asker) for address in mate.addresses]
    return min(addresses, key=lambda each: (each.account == ANY_ACCOUNT, each.channel != asker.channel))


def _placed(person: Person, asker: Person) -> Person:
    is_here = person.account == ANY_ACCOUNT and person.channel == asker.channel
    return replace(person, account=asker.account) if is_here else person


def _is_same(one: Person, other: Person, team: Team) -> bool:
    """Whether two are one person, on whichever channels."""
    mate = team.find(one)
    return one.is_same(other) or (mate is not None and mate.is_person(other))
