"""The team's people, and by which of our accounts they are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.support.team import HAN, LI, TEAM, address
from triage.message import ANY_ACCOUNT, Person


@pytest.mark.parametrize(
    ("accounts", "wecom", "wechat"),
    [
        pytest.param({}, ANY_ACCOUNT, ANY_ACCOUNT, id="we have none"),
        pytest.param({"wecom": []}, ANY_ACCOUNT, ANY_ACCOUNT, id="a channel without one"),
        pytest.param({"wecom": ["a", "b"]}, ANY_ACCOUNT, ANY_ACCOUNT, id="several: nobody knows which"),
        pytest.param({"wecom": ["a"]}, "a", ANY_ACCOUNT, id="one"),
        pytest.param(
            {"wecom": ["a"], "wechat": ["wx1"]}, "a", ANY_ACCOUNT, id="a channel on which nobody can be paged"
        ),
    ],
)
def test_people_are_at_the_only_account_of_a_channel(
    accounts: Mapping[str, list[str]], wecom: str, wechat: str
) -> None:
    team = replace(TEAM, people=(LI,)).at_accounts(accounts)
    assert team.people[0].addresses == (Person("wecom", wecom, "lilei"), Person("wechat", wechat, "oLi"))
    assert team.find(Person("wecom", wecom, "lilei")) == team.people[0]


def test_an_account_that_the_file_names_stays() -> None:
    there = replace(HAN, addresses=(Person("wecom", "their own", "han"), address("oHan", "wechat")))
    team = replace(TEAM, people=(there,)).at_accounts({"wecom": ["a"], "wechat": ["wx1"]})
    assert [each.account for each in team.people[0].addresses] == ["their own", ANY_ACCOUNT]
