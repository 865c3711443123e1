"""The examination of a callback: every check in order, from the URL to the answer times under load.

After a failed layer the examination goes on as long as the next one can still be tried.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from triage.channels.wechat.account import Account
from triage.errors import TransportProblem
from triage.probe.callback_checks import (
    check_component,
    check_echo,
    check_load,
    check_odd_texts,
    check_retry,
    check_signature,
    check_singles,
    check_timestamp,
    judge_exchange,
)
from triage.probe.connection import Connection
from triage.probe.guard import Guard, Target, parse_target
from triage.probe.load import Load, connections_for, run
from triage.probe.network_checks import Limits, World, check_dns, check_tcp, check_tls, check_url
from triage.probe.push import DEFAULT_PUSHES, Platform, find_sample_push
from triage.probe.report import Check, CheckState, Layer, Report, Times, skip_check, times_of
from triage.wording import Wording

Progress = Callable[[str, int, int], None]
"""Called after each step with its title, the number of steps done, and of all steps."""


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """What to examine: the account and its mode, the pushes to try, and `count` more of them at `rate` a second.

    `quick` leaves out forged, stale, odd and repeated requests, which a heartbeat need not send every time; `gh` is the
    account's own id.
    """

    account: Account
    mode: str = "safe"
    pushes: tuple[str, ...] = DEFAULT_PUSHES
    count: int = 20
    rate: float = 10.0
    component: bool = False
    quick: bool = False
    gh: str | None = None
    limits: Limits = field(default_factory=Limits)


def examine(
    url: str,
    plan: ProbePlan,
    guard: Guard | None = None,
    *,
    world: World | None = None,
    progress: Progress = lambda _title, _done, _total: None,
) -> Report:
    """Examine a callback; without a guard, only the URL's own host at public addresses may be called.

    Raises InputError for a wrong URL, push or mode, ForbiddenError for a host that the guard does not name.
    """
    target = parse_target(url)
    guard = guard or Guard(frozenset({target.host}))
    guard.admit(target)
    return _Examination(target, plan, guard, world or World(), progress).run()


class _Examination:
    """The state of one examination."""

    def __init__(
        self, target: Target, plan: ProbePlan, guard: Guard, world: World, progress: Progress
    ) -> None:
        self._target, self._plan, self._guard, self._world = target, plan, guard, world
        self._progress = progress
        self._to_push = tuple(map(find_sample_push, plan.pushes))
        self._checks: list[Check] = []
        self._done = 0
        self._total = 5 + len(self._to_push) + 4 * (not plan.quick) + plan.component + plan.count
        self._load: Load | None = None
        self._pushes: list[Check] = []
        self._known: set[str] = set()

    def run(self) -> Report:
        started, before = self._world.clock(), time.perf_counter()
        self._refuse_a_mode_without_key()
        self._examine()
        failed = sum(check.is_serious for check in self._pushes)
        return Report(
            str(self._target),
            self._plan.mode,
            started,
            time.perf_counter() - before,
            tuple(self._checks),
            self._times(),
            pushes=sum(check.id in _PUSHED for check in self._pushes)
            + (self._load.pushes if self._load else 0),
            failed=failed + (self._load.failed if self._load else 0),
        )

    def _refuse_a_mode_without_key(self) -> None:
        """Raises InputError for a mode that the account has no key for, before anything is sent."""
        connection = Connection(self._target, self._target.host, self._guard)
        Platform(self._plan.account, connection, self._plan.mode).compose(find_sample_push("text"))

    def _add(self, title: str, checks: Iterable[Check]) -> list[Check]:
        added = list(checks)
        self._checks += added
        self._tick(title)
        return added

    def _tick(self, title: str) -> None:
        self._done += 1
        self._progress(title, min(self._done, self._total), self._total)

    def _examine(self) -> None:
        target, guard, world, limits = self._target, self._guard, self._world, self._plan.limits
        self._add("URL", [check_url(target, guard)])
        checks, addresses = check_dns(target, guard, world, limits)
        self._add("DNS", checks)
        if not addresses:
            return self._skip(("tcp_connect", "tls", *_ANSWERS), Wording("没有可以去连的地址"))
        checks, address = check_tcp(target, addresses, guard, limits)
        self._add("TCP", checks)
        if address is None:
            return self._skip(("tls", *_ANSWERS), Wording("一个地址都连不上"))
        tls = check_tls(target, address, guard, limits, world)
        self._add("TLS", [tls.check])
        if not tls.is_usable:
            return self._skip(_ANSWERS, Wording("TLS 握手不成"))

        def open_connection() -> Connection:
            return Connection(target, address, guard, timeout=limits.answer, tls=tls.context)

        with open_connection() as connection:
            platform = Platform(
                self._plan.account, connection, self._plan.mode, gh=self._plan.gh, clock=world.clock
            )
            if self._answers(platform):
                self._measure(platform, open_connection)
        return None

    def _answers(self, platform: Platform) -> bool:
        """The checks that send one request at a time; False once the callback has stopped answering."""
        echo = self._add(Wording("验证 URL"), check_echo(platform))
        silent = _MAX_SILENT_PUSHES - 1 if _is_dead(echo) else 0
        for push in self._to_push:
            checks = list(judge_exchange("reply_law", Layer.REPLY, push.title, platform.send(push)))
            self._pushes += self._add(push.name, checks)
            silent = silent + 1 if _is_dead(checks) else 0
            if silent >= _MAX_SILENT_PUSHES:
                done = {check.id for check in self._checks}
                self._skip([id_ for id_ in _ANSWERS if id_ not in done], Wording("一再得不到回应，没有再试"))
                return False
        self._known = {finding.id for check in self._checks for finding in check.findings}
        if not self._plan.quick:
            self._add(Wording("签名"), check_signature(platform))
            self._add(Wording("时间戳"), [check_timestamp(platform)])
            self._pushes += self._add(Wording("特殊文字"), check_odd_texts(platform, self._known))
            self._add(Wording("重推"), check_retry(platform, self._known))
        if self._plan.component:
            self._pushes += self._add("ticket", check_component(platform))
        return True

    def _measure(self, platform: Platform, open_connection: Callable[[], Connection]) -> None:
        plan = self._plan
        title = Wording("连推 {count} 次", count=plan.count)
        self._load = run(
            open_connection,
            plan.account,
            find_sample_push("text"),
            plan.count,
            mode=plan.mode,
            rate=plan.rate,
            connections=connections_for(plan.rate, plan.limits.answer),
            gh=platform.gh,
            clock=self._world.clock,
            tick=lambda: self._tick(title),
        )
        self._checks += check_singles(self._seconds(), plan.limits)
        self._checks += check_load(self._load, self._known, plan.limits)

    def _seconds(self) -> list[float]:
        """The answer times of the pushes sent one by one."""
        return [
            check.seconds
            for check in self._pushes
            if check.id in _PUSHED and check.seconds is not None and check.state is not CheckState.UNKNOWN
        ]

    def _times(self) -> Times | None:
        return self._load.times if self._load and self._load.seconds else times_of(self._seconds())

    def _skip(self, ids: Iterable[str], why: str) -> None:
        self._checks += [
            skip_check(id_, _ANSWERS.get(id_, Layer(_EARLY.get(id_, "http"))), id_, why) for id_ in ids
        ]


_MAX_SILENT_PUSHES = 3
"""Unanswered pushes in a row after which the examination stops; an unanswered echo counts as two of them."""
_PUSHED = ("reply_law", "component_ticket")
_EARLY = {"tcp_connect": "tcp", "tls": "tls"}
_ANSWERS = {
    "echo": Layer.VERIFY,
    "signature_refused": Layer.VERIFY,
    "timestamp_refused": Layer.VERIFY,
    "reply_law": Layer.REPLY,
    "retry": Layer.TIME,
    "answer_time": Layer.TIME,
}
"""The checks that need an answer, and their layers."""


def _is_dead(checks: Iterable[Check]) -> bool:
    """Whether an exchange ended without an answer."""
    return any(finding.id in _SILENCES for check in checks for finding in check.findings)


_SILENCES = (
    TransportProblem.TIMEOUT,
    TransportProblem.REFUSED,
    TransportProblem.CONNECT_TIMEOUT,
    TransportProblem.EMPTY,
    TransportProblem.BROKEN,
    TransportProblem.NOT_HTTP,
)
