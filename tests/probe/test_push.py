"""Every push of the catalogue can be sent, one by one and under load."""

from __future__ import annotations

import pytest

from tests.support.platform import CATALOGUE
from tests.support.probing import LOOPBACK
from tests.support.sick_peer import ACCOUNTS, PLAIN, SAFE, healthy, serving
from triage.errors import InputError
from triage.platform.pushes import Family
from triage.probe import ForbiddenError, ProbePlan, examine, measure
from triage.probe.connection import Connection
from triage.probe.guard import parse_target
from triage.probe.push import Platform, SamplePush, find_sample_push, shown_request
from triage.probe.report import times_of

# -- what is pushed


def test_every_push_of_the_catalogue_can_be_sent_and_is_judged() -> None:
    with serving(healthy(SAFE)) as peer, Connection(parse_target(peer.url), "127.0.0.1", LOOPBACK) as line:
        for push in CATALOGUE:
            kind = find_sample_push(push.name, component=push.family is Family.COMPONENT)
            exchange = Platform(SAFE, line).send(kind)
            assert exchange.findings == (), push
            assert exchange.answer, push


def test_identities_are_new_for_every_push_and_hidden_where_shown() -> None:
    with serving(healthy(PLAIN)) as peer, Connection(parse_target(peer.url), "127.0.0.1", LOOPBACK) as line:
        platform = Platform(PLAIN, line, "plain")
        sent = [platform.send(find_sample_push("text")).request for _ in range(3)]
    assert len({request.query["openid"] for request in sent}) == 3
    assert len({request.query["nonce"] for request in sent}) == 3
    shown = shown_request(sent[0], "/wx?token=secret")
    assert shown.startswith("POST /wx?signature=…&timestamp=")
    assert sent[0].query["openid"] not in shown


@pytest.mark.parametrize("name", ["payment_notify", "clik", ""])
def test_what_is_no_push_is_a_mistake(name: str) -> None:
    with pytest.raises(InputError, match="is no push"):
        find_sample_push(name)


def test_a_push_of_our_own_making_can_be_named() -> None:
    assert find_sample_push("event", {"Event": "new_one"}) == SamplePush(
        "event", "事件 new_one", {"Event": "new_one"}
    )
    assert find_sample_push("miniprogrampage", {"MsgType": "miniprogrampage"}).name == "miniprogrampage"
    assert find_sample_push("wxa_nickname_audit", component=True).is_component
    assert not find_sample_push("wxa_nickname_audit").is_component


def test_a_mode_without_its_key_is_a_mistake_before_anything_is_sent() -> None:
    with serving(healthy(PLAIN)) as peer:
        with pytest.raises(InputError, match="EncodingAESKey"):
            examine(peer.url, ProbePlan(PLAIN, "safe"), LOOPBACK)
        assert peer.requests == []


def test_the_platform_sends_what_the_platform_sends() -> None:
    with serving(healthy(SAFE)) as peer, Connection(parse_target(peer.url), "127.0.0.1", LOOPBACK) as line:
        Platform(SAFE, line).send(find_sample_push("CLICK"))
        (came,) = peer.requests
    assert came.method == "POST"
    assert set(came.query) == {"signature", "timestamp", "nonce", "openid", "encrypt_type", "msg_signature"}


# -- measuring


@pytest.mark.parametrize("mode", ["plain", "safe"])
def test_a_row_of_pushes_is_measured(mode: str) -> None:
    with serving(healthy(ACCOUNTS[mode])) as peer:
        load = measure(peer.url, ACCOUNTS[mode], 60, mode=mode, connections=3, allow_private=True)
        assert len(peer.requests) == 60
    assert (load.pushes, load.failed, len(load.seconds)) == (60, 0, 60)
    assert load.times
    assert load.rate > 0


def test_measuring_is_guarded_too() -> None:
    with serving(healthy(PLAIN)) as peer:
        with pytest.raises(ForbiddenError):
            measure(peer.url, PLAIN, 10, mode="plain")
        assert peer.requests == []


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    times = times_of([number / 100 for number in range(100, 0, -1)])
    assert times
    assert (times.p50, times.p90, times.p99, times.max) == (0.5, 0.9, 0.99, 1.0)
    assert times_of([]) is None
