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


def as_text(answer: Answer, traffic: Traffic, target: Target | None) -> str:
    """The report for people."""
    return "\n".join(_report(answer, traffic, target))


def _report(answer: Answer, traffic: Traffic, target: Target | None) -> Iterator[str]:
    yield f"判断 {answer.verdict.words}（{answer.verdict}）"
    yield f"依据 {answer.proof}"
    yield f"接着 {answer.next}"
    if target is None:
        return
    start, end = map(moment, target.span)
    yield f"窗口 {start} 到 {end}（北京时间），{target.path or '所有地址'} {traffic.count()} 次"
    if not traffic.counts:
        return
    yield f"状态 {shown(traffic.tally(lambda kind: (kind.status,)))}，3 秒以上 {traffic.slow} 次"
    if backends := traffic.tally(_upstreams):
        yield f"后端 {shown(backends, _SHOWN_BACKENDS)}"
    failed = traffic.by_minute(lambda kind: kind.outcome.is_failure)
    yield "每分钟 " + "，".join(
        f"{_minute(minute)[11:16]} {count} 次" + (f"（失败 {failed[minute]}）" if minute in failed else "")
        for minute, count in traffic.by_minute().items()
    )
    if target.openid:
        yield "样例这个 OpenID 的行：" if traffic.sample else "没有样例这个 OpenID 的行"
    if traffic.failures and not traffic.sample:
        yield "失败的行："
    yield from (f"  {_masked(line)[:_SHOWN_CHARACTERS]}" for line in _lines(traffic)[:_SHOWN_LINES])


def _lines(traffic: Traffic) -> list[Line]:
    return traffic.sample or traffic.failures


def _masked(line: Line) -> str:
    return mask(line.text)


def _upstreams(kind: Kind) -> tuple[str, ...]:
    return parse_list(kind.upstream)


def _minute(minute: int) -> str:
    return datetime.fromtimestamp(60 * minute, BEIJING).isoformat()
