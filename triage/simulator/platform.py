"""The closed loop: a platform with the real rules pushes to a sick callback and writes the alerts.

Simulated time goes in slots of five seconds. The pushes that are due in a slot are really sent, all at once; then the
failures are counted in the order of simulated time, which stands still meanwhile and skips idle slots. Only the waits
of an illness take simulated time, so the outcome depends on the seed alone. Only a wait for an answer costs real time:
the limit divided by the speed.
"""

from __future__ import annotations

import base64
import heapq
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from triage.alerts.parser import Alert
from triage.channels.wechat.account import Account
from triage.channels.wechat.platform_side import accepts, compose
from triage.findings import Finding
from triage.message import Request, Response
from triage.platform.pushes import PAYMENT_NOTIFY, Family, Push, find_push
from triage.platform.reply_law import judge
from triage.simulator.alert import (
    TICKET,
    AlertSubject,
    FailureStage,
    PushFailure,
    SentPush,
    kind_of,
    make_sample,
    write_alert,
)
from triage.simulator.alerting import AlertingRules, DueAlert, FailedTry, Ledger, alert_of, close, count
from triage.simulator.callback import SickCallback
from triage.simulator.delivery import PushClient, PushOutcome
from triage.simulator.illnesses import Illness, TransportFault

_SILENT = frozenset({"content_too_long", "too_many_articles", "article_count_mismatch"})
"""Findings by which the follower sees less or nothing, and for which the platform does not alert."""
_SEALS = frozenset(
    {"undecryptable_reply", "wrong_envelope_signature", "incomplete_envelope", "not_encrypted"}
)
_DNS = {
    TransportFault.DNS_FAILURE: FailureStage.DNS_FAILURE,
    TransportFault.DNS_TIMEOUT: FailureStage.DNS_TIMEOUT,
    TransportFault.DNS_INVALID: FailureStage.DNS_INVALID,
}
_NICKNAMES = ("时令果蔬", "橘井诊所", "晴空便利", "河畔书房", "云上农场", "鹿角巷子")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, slots=True)
class Act:
    """A part of a simulation: the state of the callback, for how many minutes, at how many pushes a minute."""

    illness: Illness
    minutes: float
    rate: float


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """`speed` divides every wait, `seed` decides names and addresses; nothing else is random."""

    start: datetime
    speed: float
    rules: AlertingRules = field(default_factory=AlertingRules)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """Five seconds from `at`: the tries sent and failed, and those withheld by MarkFail."""

    at: datetime
    act: int
    sent: int = 0
    failed: int = 0
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class SentAlert:
    """An alert that the platform has sent at `at`."""

    at: datetime
    kind: str
    alert: Alert
    text: str


@dataclass(order=True, slots=True)
class _Try:
    """A push to be sent at `at`, for the `number`th time."""

    at: datetime
    index: int
    number: int
    act: int = field(compare=False)


def simulate(acts: Sequence[Act], options: SimulationOptions) -> Iterator[Slot | SentAlert]:
    """Simulate the acts one after the other; yields slots and alerts in order until the last window has ended."""
    yield from _Simulation(acts, options).play()


@dataclass(frozen=True, slots=True)
class Persona:
    """An account, what alerts say of it, and the gh_ id that followers write to."""

    account: Account
    subject: AlertSubject
    recipient: str


def make_persona(illness: Illness, seed: int) -> Persona:
    """An invented account with documentation addresses, the same for the same seed and illness."""
    dice = random.Random(f"{seed} {illness.id}")  # noqa: S311 - names for a play, no secrets
    appid = f"wx{dice.getrandbits(64):016x}"
    key = base64.b64encode(dice.randbytes(32)).decode().rstrip("=")
    host = f"wx{dice.randrange(100):02}.example.com"
    subject = AlertSubject(
        appid=appid,
        nickname=dice.choice(_NICKNAMES),
        callback_url=f"http://{host}/wechat/callback",
        host=host,
        ip=f"203.0.113.{dice.randrange(1, 255)}",
        outer_ip=f"198.51.100.{dice.randrange(1, 255)}",
        platform=illness.platform,
    )
    account = Account(appid, f"{dice.getrandbits(96):024x}", key if illness.mode != "plain" else None)
    return Persona(account, subject, f"gh_{dice.getrandbits(48):012x}")


class _Simulation:
    """The state of one simulation."""

    def __init__(self, acts: Sequence[Act], options: SimulationOptions) -> None:
        self._acts = acts
        self._options = options
        self._persona = make_persona(acts[0].illness, options.seed)
        self._dice = random.Random(f"{options.seed} pushes")  # noqa: S311 - names for a play, no secrets
        self._now = options.start
        self._ledger = Ledger()
        self._pushes: list[_PlannedPush] = []
        self._due: list[_Try] = []

    def play(self) -> Iterator[Slot | SentAlert]:
        """Go from slot to slot; windows that end in between give their alerts first."""
        self._plan_pushes()
        rules, first = self._options.rules, self._acts[0].illness
        with ExitStack() as stack:
            callback = stack.enter_context(
                SickCallback(first, self._persona.account, lambda: self._now, speed=self._options.speed)
            )
            client = stack.enter_context(self._client(callback))
            act = 0
            while self._due:
                self._now = self._slot_of(self._due[0].at)
                self._ledger, raised = close(self._ledger, self._now, rules)
                yield from map(self._alerted, raised)
                tries = self._take(self._now + rules.limit)
                if tries[-1].act > act:
                    act = tries[-1].act
                    callback.become(self._acts[act].illness)
                yield from self._slot(tries, act, client)
        self._ledger, raised = close(self._ledger, self._now + rules.ticket_window * 2, rules)
        yield from map(self._alerted, raised)

    def _client(self, callback: SickCallback) -> PushClient:
        url = urlsplit(self._persona.subject.callback_url)
        limit, speed = self._options.rules.limit, self._options.speed
        return PushClient(callback, host=url.netloc, path=url.path, limit=limit, speed=speed)

    def _plan_pushes(self) -> None:
        """Plan the first try of every push, evenly over each act; tickets come every `ticket_every`."""
        begin = self._options.start
        for number, act in enumerate(self._acts):
            every = timedelta(minutes=1 / act.rate) if act.rate else timedelta.max
            if act.illness.push == TICKET:
                every = self._options.rules.ticket_every
            end = begin + timedelta(minutes=act.minutes)
            at = begin
            while act.rate and at < end:
                index = len(self._pushes)
                self._pushes.append(_PlannedPush(act.illness, _openid(self._dice), str(10**18 + index)))
                self._due.append(_Try(at, index, 1, number))
                at += every
            begin = end

    def _slot_of(self, at: datetime) -> datetime:
        return at - (at - self._options.start) % self._options.rules.limit

    def _take(self, end: datetime) -> list[_Try]:
        taken = []
        while self._due and self._due[0].at < end:
            taken.append(heapq.heappop(self._due))
        return taken

    def _slot(self, tries: Sequence[_Try], act: int, client: PushClient) -> Iterator[Slot | SentAlert]:
        """Send the tries of a slot and count the failures; a push that is withheld is not tried again."""
        sending = [item for item in tries if not self._is_withheld(item)]
        requests = [self._request(item) for item in sending]
        outcomes = self._deliver(self._acts[act].illness.fault, requests, client)
        failed = 0
        alerts: list[DueAlert] = []
        for item, request, outcome in zip(sending, requests, outcomes, strict=True):
            failure = self._find_failure(item, request, outcome)
            if failure is None:
                continue
            failed += 1
            self._ledger, raised = count(self._ledger, self._failed_try(item, failure), self._options.rules)
            alerts += raised
            self._try_again(item)
        yield Slot(self._now, act, len(sending), failed, len(tries) - len(sending))
        yield from map(self._alerted, alerts)

    def _is_withheld(self, item: _Try) -> bool:
        push = self._pushes[item.index].push
        return push.family in (Family.MESSAGE, Family.EVENT) and self._ledger.is_blocked(item.at)

    def _try_again(self, item: _Try) -> None:
        if item.number < self._options.rules.tries:
            heapq.heappush(
                self._due,
                _Try(item.at + self._options.rules.limit, item.index, item.number + 1, item.act),
            )

    def _request(self, item: _Try) -> Request:
        planned, persona = self._pushes[item.index], self._persona
        if planned.push.family is Family.PAYMENT:
            return _payment_notify(persona.account.appid, planned)
        is_message = planned.push.family is Family.MESSAGE
        return compose(
            planned.push.name,
            persona.account,
            item.at,
            sender=planned.openid,
            recipient=persona.recipient,
            nonce=str(10**9 + item.index),
            message_id=planned.id if is_message else None,
            mode=planned.illness.mode,
            random16=self._dice.randbytes(16),
        )

    def _deliver(
        self, fault: TransportFault, requests: Sequence[Request], client: PushClient
    ) -> Sequence[PushOutcome]:
        """Send the requests, except where the domain does not resolve: then none leaves the platform."""
        if fault in _DNS:
            return [PushFailure(_DNS[fault])] * len(requests)
        return client.deliver(requests)

    def _find_failure(self, item: _Try, request: Request, outcome: PushOutcome) -> PushFailure | None:
        """Why the platform does not accept the outcome of a push; None if it does."""
        if isinstance(outcome, PushFailure):
            return outcome
        planned, response = self._pushes[item.index], outcome
        is_payment = planned.push.family is Family.PAYMENT
        if response.status != 200:
            return PushFailure(
                FailureStage.ANSWER, http_code=response.status, reply=response.body if is_payment else b""
            )
        found = self._findings(planned, request, response)
        wrong = {finding.id for finding in found if finding.is_fault} - _SILENT
        if not wrong:
            return None
        return PushFailure(FailureStage.ANSWER, reply=response.body, decrypt_fail=bool(wrong & _SEALS))

    def _findings(self, planned: _PlannedPush, request: Request, response: Response) -> Sequence[Finding]:
        if planned.push.family is Family.PAYMENT:
            return judge(response.body, PAYMENT_NOTIFY)
        sender, recipient = planned.openid, self._persona.recipient
        accepted = accepts(
            response, request, self._persona.account, planned.push.name, sender=sender, recipient=recipient
        )
        return accepted.findings

    def _failed_try(self, item: _Try, failure: PushFailure) -> FailedTry:
        planned = self._pushes[item.index]
        transaction = f"4200{planned.id}" if planned.push.family is Family.PAYMENT else None
        sent = SentPush(planned.push, item.at, planned.openid, transaction)
        sample = make_sample(failure, sent, self._persona.subject)
        return FailedTry(kind_of(failure, planned.push), item.at, sample)

    def _alerted(self, raised: DueAlert) -> SentAlert:
        alert = alert_of(raised, self._persona.subject)
        return SentAlert(raised.at, raised.kind, alert, write_alert(alert))


@dataclass(frozen=True, slots=True)
class _PlannedPush:
    """One push to one follower, the same for all its tries."""

    illness: Illness
    openid: str
    id: str

    @property
    def push(self) -> Push:
        name = self.illness.push
        found = PAYMENT_NOTIFY if name == PAYMENT_NOTIFY.name else find_push(name)
        if found is None:
            raise ValueError(f"{self.illness.id}: no push is called {name!r}")
        return found


def _openid(dice: random.Random) -> str:
    return "o" + "".join(dice.choices(_LETTERS, k=27))


def _payment_notify(appid: str, planned: _PlannedPush) -> Request:
    """A payment result of API v2; it has no signature, as that takes the merchant's key."""
    xml = (
        f"<xml><appid><![CDATA[{appid}]]></appid><openid><![CDATA[{planned.openid}]]></openid>"
        f"<result_code><![CDATA[SUCCESS]]></result_code><return_code><![CDATA[SUCCESS]]></return_code>"
        f"<total_fee>100</total_fee><transaction_id><![CDATA[4200{planned.id}]]></transaction_id></xml>"
    )
    return Request("POST", {}, xml.encode())
