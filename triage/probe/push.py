"""Plays the platform: signs, encrypts and sends one push over a connection, and judges the answer.

The format is that of `triage.channels.wechat.platform_side`; every push has a new sender and message id.
"""

from __future__ import annotations

import random
import secrets
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from triage.alerts.parser import Alert
from triage.channels.wechat.account import Account
from triage.channels.wechat.platform_side import accepts, compose, compose_echo
from triage.errors import InputError, UnreachableError
from triage.findings import Finding
from triage.message import Request
from triage.platform.pushes import COMPONENT_INFO, PUSHES, Family, find_push, push_of_alert
from triage.probe.connection import Connection, HttpAnswer
from triage.probe.faults import explain_echo, explain_failure, explain_status, make_finding
from triage.wording import Wording

UNKNOWN_EVENT = "unknown_event"
"""The name of a push with an event that is in no catalogue: the platform keeps adding events."""
DEFAULT_PUSHES = (
    "text",
    "subscribe",
    "unsubscribe",
    "CLICK",
    "VIEW",
    "LOCATION",
    "TEMPLATESENDJOBFINISH",
    UNKNOWN_EVENT,
)
HEARTBEAT_PUSHES = ("text", "CLICK", "VIEW", UNKNOWN_EVENT)
"""What may be sent again and again: nothing of it changes what a callback keeps of its followers."""
_HARMLESS_EVENTS = ("CLICK", "VIEW", "event")
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class SamplePush:
    """A push to send: its wire name, its fields on top of the example's, and what people call it."""

    name: str
    title: str
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_component(self) -> bool:
        return "InfoType" in self.fields

    @property
    def is_harmless(self) -> bool:
        """Whether a callback that takes it for genuine keeps nothing untrue: no follower, place, receipt or ticket."""
        known = find_push(self.name, Family.COMPONENT if self.is_component else None)
        is_message = known is None or known.family is Family.MESSAGE
        return not self.is_component and (is_message or self.name in _HARMLESS_EVENTS)


def find_sample_push(
    name: str, fields: Mapping[str, str] | None = None, *, component: bool = False
) -> SamplePush:
    """The push of this name. Raises InputError for an unknown one, unless it is `event` or `fields` give a MsgType."""
    fields = dict(fields or {})
    if name == UNKNOWN_EVENT:
        return SamplePush("event", Wording("没见过的事件"), {"Event": "triage_probe_event", **fields})
    if name == "event" and "Event" in fields:
        return SamplePush("event", Wording("事件 {name}", name=fields["Event"]), fields)
    push = find_push(name, Family.COMPONENT if component or "InfoType" in fields else None)
    if push is None and "MsgType" in fields:
        return SamplePush(name, Wording("消息 {name}", name=fields["MsgType"]), fields)
    if push is None or push.family is Family.PAYMENT:
        known = {item.name.lower(): item.name for item in PUSHES if item.family is not Family.PAYMENT}
        similar = [known[near] for near in get_close_matches(name.lower(), [*known], 1)]
        hint = (
            Wording("did you mean '{guess}'?", guess=similar[0])
            if similar
            else Wording("for an unknown event: event --field Event=NAME")
        )
        raise InputError(Wording("'{name}' is no push of the catalogue; {hint}", name=name, hint=hint))
    extra = {"InfoType": push.name} if push.family is Family.COMPONENT else {}
    return SamplePush(push.name, push.title, {**extra, **fields})


def sample_push_of_alert(alert: Alert) -> SamplePush:
    """The push that an alert's sample names. Raises InputError if it names none."""
    sample = alert.sample
    about_ticket = "component_verify_ticket" in (alert.description or "")
    push = push_of_alert(sample.event, sample.msg, sample.msg_type)
    if about_ticket:
        return find_sample_push("component_verify_ticket")
    if push is COMPONENT_INFO:
        return find_sample_push("unauthorized")
    if push is not None:
        return find_sample_push(push.name, component=push.family is Family.COMPONENT)
    if sample.event:
        return SamplePush(
            "event", Wording("事件 {name}", name=sample.event), {"Event": "".join(sample.event.split())}
        )
    if sample.msg:
        return SamplePush(sample.msg.lower(), Wording("消息 {name}", name=sample.msg))
    raise InputError(Wording("the alert does not say which push failed; name a KIND"))


@dataclass(frozen=True, slots=True)
class Exchange:
    """One push: what was sent, what came back or why nothing did, and what is wrong with it."""

    push: SamplePush
    request: Request
    outcome: HttpAnswer | UnreachableError
    findings: tuple[Finding, ...]
    text: str | None = None

    @property
    def answer(self) -> HttpAnswer | None:
        return None if isinstance(self.outcome, UnreachableError) else self.outcome

    @property
    def seconds(self) -> float | None:
        return self.answer.seconds if self.answer else None


@dataclass(slots=True)
class Platform:
    """WeChat's servers as a callback sees them; `openid` is the sender of every push, `gh` the account's own id."""

    account: Account
    connection: Connection
    mode: str = "safe"
    openid: str | None = None
    gh: str | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    draw: random.Random = field(default_factory=secrets.SystemRandom)

    def __post_init__(self) -> None:
        self.gh = self.gh or "gh_" + self._letters(12, "0123456789abcdef")

    def compose(
        self,
        push: SamplePush,
        *,
        openid: str | None = None,
        message_id: str | None = None,
        at: datetime | None = None,
    ) -> Request:
        """A push, signed now or `at`. Raises InputError for a mode without its key."""
        known = find_push(push.name, Family.COMPONENT if push.is_component else None)
        is_message = not push.is_component and push.name != "event"
        numbered = is_message and (known is None or known.family is Family.MESSAGE)
        return compose(
            push.name,
            self.account,
            at or self.clock(),
            sender=openid or self.draw_openid(),
            recipient=str(self.gh),
            nonce=str(self.draw.randrange(10**8, 10**10)),
            fields=push.fields,
            message_id=message_id or (self.draw_message_id() if numbered else None),
            mode=self.mode,
            random16=self._letters(16).encode(),
        )

    def send(self, push: SamplePush, *, openid: str | None = None, message_id: str | None = None) -> Exchange:
        """Compose, send, judge."""
        openid = openid or self.draw_openid()
        return self.deliver(push, self.compose(push, openid=openid, message_id=message_id), openid)

    def deliver(self, push: SamplePush, request: Request, openid: str) -> Exchange:
        """Send a request unchanged. A failure stands in the exchange; raises ForbiddenError only."""
        try:
            answer = self.connection.exchange(request)
        except UnreachableError as exc:
            return Exchange(push, request, exc, (explain_failure(exc),))
        return self.judge(push, request, answer, openid)

    def judge(self, push: SamplePush, request: Request, answer: HttpAnswer, openid: str) -> Exchange:
        """Judge an answer as the platform does: with a status other than 200 the body does not count."""
        if status := explain_status(answer):
            return Exchange(push, request, answer, (status,))
        accepted = accepts(
            answer.response, request, self.account, push.name, sender=openid, recipient=str(self.gh)
        )
        findings = accepted.findings
        if request.method == "GET":
            echostr = request.query.get("echostr", "")
            findings = tuple(explain_echo(finding, answer.response, echostr) for finding in findings)
        if answer.is_cut and any(finding.is_fault for finding in findings):
            # what is wrong with the beginning of a body is no fault of whoever wrote the whole
            findings = (make_finding("length_too_small", Wording("Content-Length 写小了，回应被截断")),)
        return Exchange(push, request, answer, findings, accepted.text)

    def verify(self, echostr: str, *, age: timedelta = timedelta()) -> Exchange:
        """The GET that saving the address in the console sends, signed `age` ago."""
        nonce = str(self.draw.randrange(10**8, 10**10))
        request = compose_echo(self.account, self.clock() - age, nonce=nonce, echostr=echostr)
        return self.deliver(SamplePush("", Wording("验证 URL")), request, "")

    def draw_openid(self) -> str:
        return self.openid or "o" + self._letters(27)

    def draw_message_id(self) -> str:
        return str(self.draw.randrange(10**16, 10**17))

    def _letters(self, count: int, letters: str = _LETTERS) -> str:
        return "".join(self.draw.choices(letters, k=count))


def forge(request: Request) -> Request:
    """The same request with signatures that are wrong in one digit."""
    names = [name for name in ("signature", "msg_signature") if name in request.query]
    return replace(request, query={**request.query, **{name: _turned(request.query[name]) for name in names}})


def _turned(signature: str) -> str:
    return ("1" if signature[0] == "0" else "0") + signature[1:]


def shown_request(request: Request, path: str) -> str:
    """The request line, with signatures and identities hidden."""
    hidden = ("signature", "msg_signature", "openid")
    pairs: Iterable[str] = (
        f"{name}={'…' if name in hidden else value}" for name, value in request.query.items()
    )
    return f"{request.method} {path.partition('?')[0]}?{'&'.join(pairs)}"
