"""Who is a member: 邀请 makes an invitation word, 加入 uses it; 成员 lists and grants, 移除 removes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta

from triage.bot.access import holder_of, names_of
from triage.bot.commands import Command, Word
from triage.bot.context import Context, Outcome
from triage.incidents.correlation import RECALL, State
from triage.incidents.story import MemberNames
from triage.message import Person
from triage.names import person_name
from triage.store import Action, Grant, Invite, Join, Member, Removal, Role, Wanted

WORDS = frozenset({Word.INVITE, Word.JOIN, Word.MEMBERS, Word.REMOVE})
INVITATION_EXPIRES = timedelta(days=1)
_MOST_RELEASED = 50
LONGEST_WORD = 20
"""Characters of an invitation word that a reply repeats."""
ROLES = {"成员": Role.MEMBER, "member": Role.MEMBER, "负责人": Role.LEAD, "lead": Role.LEAD}
"""What roles are typed as."""
_ROLE_NAMES = {Role.MEMBER: "成员", Role.LEAD: "负责人"}
_EVERY = frozenset({"全部", "所有", "all"})
APPID = re.compile(r"wx[0-9a-z]{16}")


def act(
    context: Context, command: Command, invitation: Callable[[], str], admins: Mapping[Person, str]
) -> Outcome:
    """One of `WORDS`, by somebody who may use it; `invitation` makes a new word."""
    match command.word:
        case Word.INVITE:
            return invite(context, invitation(), command.argument)
        case Word.JOIN:
            return join(context, command.argument, names_of(context.store, admins))
        case Word.REMOVE:
            return remove(context, command.argument)
        case _:
            return list_or_grant(context, command.argument)


def invite(context: Context, word: str, argument: str = "") -> Outcome:
    """Give out `word`, which makes one person a member who sees what the inviting one sees."""
    viewer, name = context.viewer, person_name(argument)
    holder = holder_of(name, viewer.names) if name else None
    if name and holder:
        return Outcome(context.adviser.say("joined", how="taken", word="邀请词", name=name))
    expires = context.now + INVITATION_EXPIRES
    given = Invite(word, viewer.person, expires, appids=viewer.appids, name=name)
    return Outcome(context.adviser.say("invitation", word=word, name=name), actions=(given,))


def join(context: Context, argument: str, names: MemberNames) -> Outcome:
    """Make the viewer a member by an argument like `gulu 阿珍`: the invitation word and their name.

    The name may be missing where the invitation has one; it must be nobody's of `names`.
    """
    word, _, typed = argument.partition(" ")
    given = context.store.invitation(word, context.now) if word else None
    name = person_name(typed) or (given.name if given else None)
    if context.viewer.role is not None:
        how = "member"
    elif not word or not name:
        how = "nameless" if word else "wordless"
    elif given is None:
        how = "wrong"
    else:
        how = "taken" if holder_of(name, names) else "now"
    shown = word[:LONGEST_WORD] if how in ("nameless", "taken") else ""
    text = context.adviser.say("joined", how=how, word=shown, name=name if how in ("now", "taken") else "")
    return Outcome(text, actions=(Join(word, context.viewer.person, name),) if how == "now" else ())


def list_or_grant(context: Context, argument: str) -> Outcome:
    """成员: everybody whom the viewer may manage; 成员 小李 wx…: gives one of them accounts or a role."""
    if not argument:
        lines = [member_line(member) for member in _managed(context)]
        return Outcome(context.adviser.say("members", lines=[*_by_setting(context), *lines]))
    name, _, given = argument.partition(" ")
    member = _find(context, name)
    if not isinstance(member, Member):
        return member
    grant = read_grant(member, given.split())
    if grant is None:
        return _told(context, "unread", name)
    if not context.viewer.may_grant(grant.appids):
        return _told(context, "beyond", name)
    changed = Member(member.person, member.name, member.team, grant.appids, member.since, grant.role)
    lost = released_by(context, grant)
    said = context.adviser.say(
        "managed", how="granted", name=member_line(changed), released=[each.incident_id for each in lost]
    )
    return Outcome(said, actions=(grant, *lost))


def released_by(context: Context, grant: Grant) -> tuple[Action, ...]:
    """What a member has claimed and does not see any more with a grant is let go, so that others are called for it."""
    if not grant.appids:
        return ()
    wanted = Wanted(state=State.OPEN, owner=grant.person)
    owned = context.store.recent_incidents(context.now - RECALL, _MOST_RELEASED, wanted)
    lost = [incident.id for incident in owned if incident.appid not in grant.appids]
    return tuple(Action("release", number, grant.person) for number in lost)


def read_grant(member: Member, words: list[str]) -> Grant | None:
    """What a member is given by words: AppIDs, 全部 or a role; None if one of them is nothing of this."""
    role, appids, is_every = member.role, [], False
    for word in words:
        if word.casefold() in ROLES:
            role = ROLES[word.casefold()]
        elif word.casefold() in _EVERY:
            is_every = True
        elif APPID.fullmatch(word):
            appids.append(word)
        else:
            return None
    if not words or (is_every and appids):
        return None
    return Grant(member.person, role, tuple(appids) if appids or is_every else member.appids)


def remove(context: Context, argument: str) -> Outcome:
    """移除 小李: no member any more."""
    if not argument:
        return _told(context, "nameless", "")
    member = _find(context, argument)
    if not isinstance(member, Member):
        return member
    removal = Removal(member.person, context.viewer.person)
    return _told(context, "removed", member.name or "", removal)


def member_line(member: Member) -> str:
    """`小李 · 成员 · 全部号`, as leads see it."""
    sees = "、".join(member.appids) if member.appids else "全部号"
    return f"{member.name or '没有名字'} · {_ROLE_NAMES[member.role]} · {sees}"


def _by_setting(context: Context) -> list[str]:
    store_people = {member.person for member in context.store.members()}
    named = context.viewer.names.by_person.items()
    names = dict.fromkeys(name for person, name in named if person not in store_people)
    return [f"{name} · 负责人 · 全部号（配置里）" for name in names]


def _managed(context: Context) -> list[Member]:
    return [member for member in context.store.members() if context.viewer.may_manage(member)]


def _find(context: Context, typed: str) -> Member | Outcome:
    """The member of a name whom the viewer may manage, or what to say instead."""
    name = person_name(typed) or ""
    person = holder_of(name, context.viewer.names) if name else None
    if person is None:
        return _told(context, "unknown", name)
    member = context.store.member(person)
    if member is None:
        return _told(context, "setting", name)
    return member if context.viewer.may_manage(member) else _told(context, "forbidden", name)


def _told(context: Context, how: str, name: str, *actions: Removal) -> Outcome:
    return Outcome(context.adviser.say("managed", how=how, name=name, released=[]), actions=actions)
