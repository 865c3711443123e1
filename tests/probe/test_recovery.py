"""Whether a callback answers again: one push of the platform to it, sick ones first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.probing import LOOPBACK, says
from tests.support.sick_peer import PLAIN, SAFE, Answer, healthy, serving
from triage.channels.wechat.account import Account
from triage.incidents.occasions import Probed
from triage.incidents.team import CallbackProbe, TeamAccount
from triage.message import Response
from triage.probe.recovery import probe_callback


def _account(url: str, account: Account = PLAIN) -> TeamAccount:
    probe = CallbackProbe(url, account.token, account.aes_key)
    return TeamAccount(account.appid or "", "满仓", probe=probe)


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        pytest.param(
            says(lambda came, _: Response(502, b"bad gateway")), "502", id="a gateway without its backend"
        ),
        pytest.param(says(lambda came, _: b"<xml><oops"), "", id="a reply that is no XML"),
        pytest.param(healthy(replace(PLAIN, token="another")), "", id="one of another token"),  # noqa: S106
    ],
)
def test_a_callback_that_is_still_sick(answer: Answer, part: str) -> None:
    with serving(answer) as peer:
        probed = probe_callback(_account(peer.url), LOOPBACK)
    assert probed is not None
    assert not probed.is_well
    assert probed.found
    assert part in probed.found


def test_a_callback_that_cannot_be_reached_is_still_sick() -> None:
    with serving(healthy(PLAIN)) as peer:
        url = peer.url
    probed = probe_callback(_account(url), LOOPBACK)
    assert probed is not None
    assert not probed.is_well
    assert probed.found


@pytest.mark.parametrize("account", [PLAIN, SAFE], ids=["plain mode", "safe mode"])
def test_a_callback_that_answers_again(account: Account) -> None:
    with serving(healthy(account)) as peer:
        assert probe_callback(_account(peer.url, account), LOOPBACK) == Probed(is_well=True)


@pytest.mark.parametrize(
    "account",
    [
        pytest.param(TeamAccount("wx1", "满仓"), id="the file names no callback"),
        pytest.param(_account("http://127.0.0.1:port/"), id="its URL is none"),
        pytest.param(
            TeamAccount("wx1", "满仓", probe=CallbackProbe("https://wx.example.cn/cb", "a-Token", "short")),
            id="its key is none",
        ),
    ],
)
def test_where_it_cannot_be_tried_people_are_asked(account: TeamAccount) -> None:
    assert probe_callback(account) is None


def test_an_address_inside_our_own_network_is_not_called() -> None:
    called: list[object] = []
    with serving(lambda request: called.append(request) or Response(200, b"")) as peer:  # type: ignore[func-returns-value]
        probe_callback(_account(peer.url))
    assert called == []
