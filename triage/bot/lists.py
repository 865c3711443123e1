"""Lists of incidents: page by page, and what a number means after one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from triage.bot.access import LISTED
from triage.bot.commands import Word
from triage.bot.confirming import count_pending
from triage.bot.context import Context, Outcome
from triage.bot.conversation import Conversation
from triage.bot.meant import LOOKED_BACK
from triage.incidents.correlation import Incident, Sighting, State, shape_of, storm_size
from triage.incidents.grouping import Group, grouped
from triage.incidents.story import group_line
from triage.masking import foreign_word

MOST_LISTED = 200
"""Incidents that a list, or the summary of a storm, goes through at most."""


def list_incidents(context: Context, word: Word, talk: Conversation | None) -> Outcome:
    """状态, 历史 or 我的: the open incidents, the closed ones, or the open ones that the viewer has claimed."""
    if word is Word.HISTORY:
        return _list(context, talk, "以前的事件", State.CLOSED, "发「状态 编号」看经过")
    if word is Word.MINE:
        return _list(context, talk, "你认领的", State.OPEN, "弄好了发「关闭 #编号 原因」", is_own=True)
    return _list(context, talk, "现在的事件", State.OPEN, "发「状态 编号」看经过，「认领 编号」接手")


def _list(
    context: Context,
    talk: Conversation | None,
    title: str,
    state: State,
    hint: str,
    *,
    is_own: bool = False,
) -> Outcome:
    since, wanted = context.now - LOOKED_BACK, context.viewer.wanted(state, is_own=is_own)
    ids = context.store.incident_ids(since, MOST_LISTED, wanted)
    total = context.store.count_incidents(since, wanted) if len(ids) == MOST_LISTED else len(ids)
    pending = count_pending(context) if state is State.OPEN and not is_own else 0
    listed = (talk or Conversation()).with_list(ids)
    head = f"{title} {total} 件" if ids or not is_own else "你没有认领事件"
    return _page(context, listed, head, hint if ids else "", pending)


def _page(context: Context, talk: Conversation, title: str, hint: str = "", pending: int = 0) -> Outcome:
    """The next page of the list of a conversation."""
    end = talk.listed_shown + LISTED
    ids = talk.listed[talk.listed_shown : end]
    found = context.viewer.seen(context.store.incidents_with(ids)) if ids else []
    lines, rest = context.viewer.lines(found, context.now), len(talk.listed[end:])
    if rest:
        lines.append(f"还有 {rest} 件，回「更多」接着列")
    text = context.adviser.say("incidents", title=title, lines=lines, hint=hint, pending=pending)
    return Outcome(text, conversation=replace(talk, listed_shown=end))


def more(context: Context, talk: Conversation) -> Outcome:
    """The page after the last one of a list."""
    last = min(talk.listed_shown + LISTED, len(talk.listed))
    return _page(context, talk, f"第 {talk.listed_shown + 1}–{last} 件，共 {len(talk.listed)} 件")


def open_group(context: Context, talk: Conversation, number: int) -> Outcome:
    """The incidents of a group of a storm."""
    listed = talk.with_list(talk.groups[number - 1])
    title = f"第 {number} 组 {len(listed.listed)} 件"
    return _page(context, listed, title, "「认领 全部」接手这一组，「关闭 全部 原因」一起关闭")


def storm(
    context: Context,
    recent: Sequence[Incident],
    sent: Sequence[Sighting],
    meant: Sighting,
    talk: Conversation,
) -> Outcome:
    """What a storm of alerts has in common, in place of the checklists of those just sent; `meant` is the worst."""
    groups = _as_many_as_listed(grouped(recent))
    shape = shape_of(meant, recent)
    known = {old.digest for incident in recent for old in incident.sightings}
    new = {sighting.digest for sighting in sent} - known
    text = context.adviser.say(
        "storm",
        count=storm_size(recent, context.now, context.viewer.names) + len(new),
        is_more=len(recent) == MOST_LISTED,
        total=len(recent),
        title=meant.title,
        sent=len(sent),
        groups=[f"{number} {group_line(group)}" for number, group in enumerate(groups, start=1)],
        shape=shape[0].value if shape else "",
        shape_count=shape[1] if shape else 0,
        ip=foreign_word(meant.ip or ""),
    )
    ids = tuple(tuple(incident.id for incident in group.incidents) for group in groups)
    return Outcome(text, conversation=replace(talk, groups=ids))


def _as_many_as_listed(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """The first groups, and the incidents of all the others as the last one."""
    if len(groups) <= LISTED:
        return groups
    others = tuple(incident for group in groups[LISTED - 1 :] for incident in group.incidents)
    return (*groups[: LISTED - 1], Group(None, "", others))
