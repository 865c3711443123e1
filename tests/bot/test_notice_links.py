"""What goes out by itself ends with a link to its incident: a person's own, or for a group one without rights."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.team import HAN, LI, NOON, TEAM, alert, incident
from triage.advice.adviser import Adviser
from triage.bot.links import INCIDENT_LASTS, Links
from triage.bot.notices import Words
from triage.bot.sending import Ready
from triage.channels.delivery import Notice
from triage.channels.registry import CHANNELS, ROBOTS
from triage.incidents.story import MemberNames
from triage.incidents.team import TeamGroup
from triage.message import PageSize, Person, Unit
from triage.store import OutgoingKind, OutgoingState, Queued

LINKS = Links("https://triage.example.cn", "key", lambda: "T" * 43)
SIZE = PageSize(2048, Unit.BYTES)
INCIDENT = incident(alert(NOON))
LILEI = Person("wecom", "ww1", "lilei")
LATER = NOON + timedelta(minutes=30)
GROUP = {"group": "ops", "news": "called", "called": ["li"]}
PAGE = f"详情 {LINKS.console}/incidents/12"


def words(adviser: Adviser, links: Links | None = LINKS, **team: object) -> Words:
    ours = replace(TEAM, **team)  # type: ignore[arg-type]
    return Words(adviser.say, ours, MemberNames(ours.members), links)


def row(kind: OutgoingKind, **payload: object) -> Queued:
    return Queued(
        7, "12/page", kind, "lane", 12, payload, NOON, NOON, None, 1, OutgoingState.DUE, None, None, None
    )


def written(made: Words, of: Queued, size: PageSize = SIZE) -> Notice:
    ready = made.write(of, replace(INCIDENT), LATER, size)
    assert isinstance(ready, Ready)
    assert isinstance(ready.what, Notice)
    return ready.what


def read(url: str | None) -> tuple[int, Person | None]:
    """The incident of a link, and whom of the team it was made for."""
    assert url
    link = LINKS.read(url.removeprefix(f"{LINKS.console}/i/"), LATER)
    assert link
    return link.incident, LINKS.find(link, [LILEI, Person("wecom", "ww1", "hanmei")])


def last_line(notice: Notice) -> str:
    return notice.text.splitlines()[-1]


class TestForNobodyElse:
    @pytest.mark.parametrize("links", [None, replace(LINKS, are_in_replies=False)], ids=["no address", "off"])
    def test_without_an_address_notices_are_as_ever(self, adviser: Adviser, links: Links | None) -> None:
        made = words(adviser, links)
        page = written(made, row(OutgoingKind.PAGE, to=str(LILEI), mate="li"))
        assert page.card is not None
        assert page.card.url is None
        assert "详情" not in page.text
        assert "详情" not in written(made, row(OutgoingKind.GROUP, **GROUP)).text

    def test_a_group_reads_an_address_that_gives_nobody_rights(self, adviser: Adviser) -> None:
        notice = written(words(adviser), row(OutgoingKind.GROUP, **GROUP))
        assert last_line(notice) == PAGE
        assert "/i/" not in notice.text

    def test_who_is_no_member_gets_none(self, adviser: Adviser) -> None:
        stranger = row(OutgoingKind.NOTICE, to="wechat/gh_1/oStranger", news="minute_over")
        assert "详情" not in written(words(adviser), stranger).text

    def test_what_is_about_no_incident_has_none(self, adviser: Adviser) -> None:
        shift = replace(row(OutgoingKind.NOTICE, to=str(LILEI), news="shift"), incident_id=None)
        ready = words(adviser).write(shift, None, LATER, SIZE)
        assert isinstance(ready, Ready)
        assert isinstance(ready.what, Notice)
        assert "详情" not in ready.what.text

    def test_where_it_does_not_fit_the_text_stays_whole(self, adviser: Adviser) -> None:
        made, told = words(adviser), row(OutgoingKind.NOTICE, to=str(LILEI), news="minute_over")
        whole = written(made, told)
        size = PageSize(len(whole.text.encode()) + 99, Unit.BYTES)
        assert written(made, told, size).text == whole.text.rpartition("\n")[0], (
            "a robot's keyword needs room, too"
        )
        assert written(made, told, replace(size, limit=size.limit + 1)).text == whole.text


class TestForms:
    def test_a_card_opens_the_incident_for_who_is_called(self, adviser: Adviser) -> None:
        notice = written(words(adviser), row(OutgoingKind.PAGE, to=str(LILEI), mate="li"))
        assert notice.card is not None
        assert read(notice.card.url) == (12, LILEI)

    def test_who_gets_text_alone_gets_it_as_the_last_line(self, adviser: Adviser) -> None:
        made = words(adviser, people=(replace(LI, text_only=True), HAN))
        notice = written(made, row(OutgoingKind.PAGE, to=str(LILEI), mate="li"))
        assert notice.card is None
        assert read(last_line(notice).removeprefix("详情 ")) == (12, LILEI)

    @pytest.mark.parametrize("news", ["minute_over", "still_failing", "still_sick"])
    def test_word_to_a_person_ends_with_it(self, adviser: Adviser, news: str) -> None:
        notice = written(words(adviser), row(OutgoingKind.NOTICE, to=str(LILEI), news=news))
        assert read(last_line(notice).removeprefix("详情 ")) == (12, LILEI)

    def test_every_channel_has_room_for_it(self, adviser: Adviser) -> None:
        long = row(OutgoingKind.NOTICE, to=str(LILEI), news="still_sick", note="不" * 300)
        for channel in CHANNELS.values():
            notice = written(words(adviser), long, channel.page_size)
            assert last_line(notice).startswith("详情 ")
            assert channel.page_size.holds(notice.text)

    @pytest.mark.parametrize("channel", ROBOTS)
    def test_every_robot_has_room_for_it(self, adviser: Adviser, channel: str) -> None:
        made = words(adviser, groups=(TeamGroup("ops", channel, "a-key-of-a-robot"),))
        notice = written(made, row(OutgoingKind.GROUP, **GROUP), ROBOTS[channel].page_size)
        assert last_line(notice) == PAGE


def test_the_words_are_the_same_at_every_try(adviser: Adviser) -> None:
    """Platforms show a text that comes again once."""
    made, page = words(adviser), row(OutgoingKind.PAGE, to=str(LILEI), mate="li")
    first, second = (
        made.write(replace(page, tries=tries), INCIDENT, LATER + timedelta(minutes=tries), SIZE)
        for tries in (1, 2)
    )
    assert isinstance(first, Ready)
    assert isinstance(second, Ready)
    assert isinstance(first.what, Notice)
    assert isinstance(second.what, Notice)
    assert first.what.text == second.what.text


def test_it_expires_a_day_after_the_message_was_due(adviser: Adviser) -> None:
    notice = written(words(adviser), row(OutgoingKind.NOTICE, to=str(LILEI), news="minute_over"))
    token = last_line(notice).rpartition("/")[2]
    assert LINKS.read(token, NOON + INCIDENT_LASTS - timedelta(seconds=1))
    assert LINKS.read(token, NOON + INCIDENT_LASTS) is None


def test_a_summary_of_several_has_their_lines_alone(adviser: Adviser) -> None:
    made = words(adviser)
    several = [made.write(row(OutgoingKind.GROUP, **GROUP), INCIDENT, LATER, SIZE) for _ in range(2)]
    merged = made.merge([each for each in several if isinstance(each, Ready)], SIZE)
    assert merged.count == 2
    assert "详情" not in merged.notice.text
