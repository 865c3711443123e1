"""The report of a join: the verdict with its proof, and what came in, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from triage.alerts.parser import BEIJING
from triage.evidence.checks import decided, tick_checks
from triage.evidence.reports import logs_part
from triage.evidence.services.log_fields import parse_list
from triage.logs.target import Target
from triage.logs.traffic import Kind, Line, Traffic
from triage.logs.verdict import Answer, moment, shown
from triage.masking import mask
from triage.wording import Wording, joined

_SHOWN_LINES = 5
_SHOWN_CHARACTERS = 300
_SHOWN_BACKENDS = 8


def as_json(answer: Answer, traffic: Traffic, target: Target | None) -> dict[str, Any]:
    """The contract's JSON of a join; its lines are masked."""
    return {
        "verdict": answer.verdict.value,
        "proof": answer.proof,
        "next": answer.next,
        "window": [datetime.fromtimestamp(end, BEIJING).isoformat() for end in target.span]
        if target
        else None,
        "requests": traffic.count(),
        "by_status": traffic.tally(lambda kind: (kind.status,)),
        "by_upstream": traffic.tally(_upstreams),
        "by_minute": {_minute(minute): count for minute, count in traffic.by_minute().items()},
        "slow": traffic.slow,
        "lines": [_masked(line) for line in _lines(traffic)],
        "checks": decided(tick_checks([logs_part(answer.verdict.value, answer.proof)])),
    }


def lines_of(answer: Answer, traffic: Traffic, target: Target | None) -> Iterator[str]:
    """The report for people, line by line."""
    yield Wording("判断 {words}（{verdict}）", words=answer.verdict.words, verdict=answer.verdict.value)
    yield Wording("依据 {proof}", proof=answer.proof)
    yield Wording("接着 {next}", next=answer.next)
    if target is None:
        return
    start, end = map(moment, target.span)
    path = target.path or Wording("所有地址")
    came = Wording("{path} {count} 次", path=path, count=traffic.count())
    yield Wording("窗口 {start} 到 {end}（北京时间），{came}", start=start, end=end, came=came)
    if not traffic.counts:
        return
    states = shown(traffic.tally(lambda kind: (kind.status,)))
    yield Wording("状态 {states}，3 秒以上 {slow} 次", states=states, slow=traffic.slow)
    if backends := traffic.tally(_upstreams):
        yield Wording("后端 {backends}", backends=shown(backends, _SHOWN_BACKENDS))
    yield Wording("每分钟 {minutes}", minutes=joined("{a}，{b}", _minutes(traffic)))
    if target.openid:
        yield Wording("样例这个 OpenID 的行：") if traffic.sample else Wording("没有样例这个 OpenID 的行")
    if traffic.failures and not traffic.sample:
        yield Wording("失败的行：")
    yield from (f"  {_masked(line)[:_SHOWN_CHARACTERS]}" for line in _lines(traffic)[:_SHOWN_LINES])


def _minutes(traffic: Traffic) -> Iterator[Wording]:
    """A line for each minute in which pushes came in: how many, and how many of them failed."""
    failed = traffic.by_minute(lambda kind: kind.outcome.is_failure)
    for minute, count in traffic.by_minute().items():
        came = Wording("{minute} {count} 次", minute=_minute(minute)[11:16], count=count)
        yield (
            Wording("{came}（失败 {failed}）", came=came, failed=failed[minute]) if minute in failed else came
        )


def _lines(traffic: Traffic) -> list[Line]:
    return traffic.sample or traffic.failures


def _masked(line: Line) -> str:
    return mask(line.text)


def _upstreams(kind: Kind) -> tuple[str, ...]:
    return parse_list(kind.upstream)


def _minute(minute: int) -> str:
    return datetime.fromtimestamp(60 * minute, BEIJING).isoformat()
