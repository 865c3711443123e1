"""Every limit of the bot, on both sides of its boundary."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.talk import CONNECT, LIN, NOW, STRANGER, ZHAO, Say
from triage.bot.commands import read_command
from triage.store import Store

DAY = timedelta(days=1)


def _accounts(number: int) -> list[str]:
    """The same alert of so many accounts, each at an address of its own."""
    return [
        CONNECT.replace("wx014d339f79c92781", f"wx014d339f79c9{at:04}").replace(
            "192.0.2.126", f"192.0.2.{at}"
        )
        for at in range(number)
    ]


@pytest.mark.parametrize(("incidents", "listed", "rest"), [(8, 8, ""), (9, 8, "还有 1 件")])
def test_a_list_names_eight_incidents_and_counts_the_rest(
    incidents: int, listed: int, rest: str, say: Say
) -> None:
    for alert in _accounts(incidents):
        say(alert)
    shown = say("状态")
    assert f"{incidents} 件" in shown.splitlines()[0]
    assert sum(line.startswith("#") for line in shown.splitlines()) == listed
    assert rest in shown
    assert bool(rest) == ("还有" in shown)


@pytest.mark.parametrize(("notes", "before"), [(9, ""), (10, "（前面还有 1 条）")])
def test_ten_lines_of_a_timeline_are_shown_and_the_older_ones_counted(
    notes: int, before: str, say: Say
) -> None:
    say(CONNECT)
    for _ in range(notes):
        say("备注 看过")
    shown = say("状态 1")
    assert shown.count("备注") + shown.count("转来第一条报警") == 10
    assert before in shown
    assert bool(before) == ("前面还有" in shown)


@pytest.mark.parametrize(
    ("length", "kept", "is_told"), [(499, 499, False), (500, 500, True), (501, 500, True)]
)
def test_a_note_is_cut_at_five_hundred_characters(
    length: int, kept: int, is_told: bool, say: Say, store: Store
) -> None:
    say(CONNECT)
    assert ("只记下开头 500 字" in say("备注 " + "长" * length)) == is_told
    (note,) = [event for event in store.timeline(1) if event.what == "note"]
    assert note.detail == "长" * kept


@pytest.mark.parametrize("length", [20, 21])
def test_a_name_is_cut_at_twenty_characters(length: int, say: Say, store: Store) -> None:
    say("邀请")
    say("加入 gulu " + "长" * length, STRANGER)
    (member,) = store.members()
    assert member.name == "长" * 20


@pytest.mark.parametrize(
    ("after", "is_open"), [(DAY - timedelta(seconds=1), True), (DAY, False)], ids=["in time", "too late"]
)
def test_an_invitation_is_good_for_a_day(after: timedelta, is_open: bool, say: Say) -> None:
    say("邀请")
    assert ("欢迎" in say("加入 gulu 阿珍", STRANGER, NOW + after)) == is_open


@pytest.mark.parametrize(
    ("after", "is_known"),
    [(timedelta(minutes=30, seconds=-1), True), (timedelta(minutes=30), False)],
    ids=["in time", "too late"],
)
def test_a_conversation_is_gone_on_with_for_half_an_hour(after: timedelta, is_known: bool, say: Say) -> None:
    say(CONNECT)
    assert ("把报警再发一次" not in say("更多", ZHAO, NOW + after)) == is_known


@pytest.mark.parametrize(
    ("after", "listed"), [(90 * DAY, "1 件"), (90 * DAY + timedelta(seconds=1), "0 件")], ids=["in", "out"]
)
def test_lists_go_back_ninety_days(after: timedelta, listed: str, say: Say) -> None:
    say(CONNECT)
    assert listed in say("状态", ZHAO, NOW + after)


@pytest.mark.parametrize(("typed", "is_number"), [("04", True), ("004", False)])
def test_a_typed_number_has_two_digits(typed: str, is_number: bool, say: Say) -> None:
    assert (say(typed) == say("4")) == is_number


def test_an_offered_topic_is_chosen_by_a_number_of_two_digits_too(say: Say) -> None:
    of_the_guide = say("2")
    say("nginx 状态")
    chosen = say("2")
    assert chosen != of_the_guide
    say("nginx 状态")
    assert say("02") == chosen


@pytest.mark.parametrize(("digits", "argument"), [(9, "1" * 9), (10, None)])
def test_a_number_of_an_incident_has_nine_digits(digits: int, argument: str | None) -> None:
    command = read_command("认领" + "1" * digits)
    assert (command.argument if command else None) == argument


@pytest.mark.parametrize(("digits", "is_note"), [(9, False), (10, True)])
def test_a_longer_number_is_a_word_of_the_note(digits: int, is_note: bool, say: Say) -> None:
    say(CONNECT)
    shown = say("备注 " + "1" * digits)
    assert ("记在事件 #1 上了" in shown) == is_note
    assert (f"没有 #{'1' * digits} 这件事" in shown) != is_note


@pytest.mark.parametrize(
    ("after", "is_told"),
    [(timedelta(hours=1), True), (timedelta(hours=1, seconds=1), False)],
    ids=["in", "out"],
)
def test_what_several_incidents_have_in_common_is_looked_for_in_an_hour(
    after: timedelta, is_told: bool, say: Say
) -> None:
    first, second, third = (
        text.replace(f"192.0.2.{at}]", "192.0.2.9]") for at, text in enumerate(_accounts(3))
    )
    say(first)
    say(second)
    assert ("3 个号在报警" in say(third, LIN, NOW + after)) == is_told


@pytest.mark.parametrize(("others", "is_told"), [(23, True), (24, False)])
def test_twenty_five_incidents_are_looked_at_for_what_they_have_in_common(
    others: int, is_told: bool, say: Say
) -> None:
    first, second, third, *more = _accounts(3 + others)
    same = [text.replace(f"192.0.2.{at}]", "192.0.2.250]") for at, text in enumerate((first, second, third))]
    say(same[0])
    say(same[1])
    for number, alert in enumerate(more):
        say(alert, ZHAO, NOW + timedelta(minutes=2 + number))
    assert ("3 个号在报警" in say(same[2], ZHAO, NOW + timedelta(minutes=50))) == is_told
