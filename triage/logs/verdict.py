"""One verdict on the requests of a window, with its proof: nothing is called well that the log cannot show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from triage.alerts.parser import BEIJING
from triage.evidence.services.log_format import RECOMMENDED
from triage.logs.files import Span
from triage.logs.target import LEAD, Target
from triage.logs.traffic import Coverage, Outcome, Traffic
from triage.masking import mask

SILENCE = 60.0
"""Seconds between the last line of a file and the first of the next in which none may have been lost."""
LOG_FORMAT = f"log_format wx '{RECOMMENDED}';"
_STANDS_OUT = 1.5
"""Times the mean of all backends with failures, from which one is to blame alone."""
_SHOWN_LINE = 160


class Verdict(StrEnum):
    """What the log says of the failed pushes."""

    NEVER_ARRIVED = "never_arrived"
    BACKEND_SLOW = "backend_slow"
    REFUSED = "refused"
    WRONG_ANSWER = "wrong_answer"
    ANSWERED_IN_TIME = "answered_in_time"
    CANNOT_TELL = "cannot_tell"

    @property
    def words(self) -> str:
        """The verdict in a sentence."""
        return _WORDS[self]


_WORDS = {
    Verdict.NEVER_ARRIVED: "没进来：失败的推送没到这台 nginx",
    Verdict.BACKEND_SLOW: "进来了，是我们慢了",
    Verdict.REFUSED: "进来了，被 nginx 自己拒绝或跳转了",
    Verdict.WRONG_ANSWER: "进来了，回得不对",
    Verdict.ANSWERED_IN_TIME: "进来了，也按时回了 200：丢在回去的路上",
    Verdict.CANNOT_TELL: "看不出",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict."""

    verdict: Verdict
    proof: str
    """What shows it, with the numbers."""
    next: str
    """What to do."""


def judge(traffic: Traffic, target: Target, *, is_conditional: bool = False) -> Answer:
    """The verdict; `is_conditional` says that the log leaves requests out (`access_log … if=`).

    Failures are named whatever else is missing; what the log lacks is a reason to doubt only that there were none.
    """
    own = [line.kind.outcome for line in traffic.sample]
    if failed := next((outcome for outcome in own if outcome.is_failure), None):
        return _failed(traffic, target, failed)
    is_missing = bool(target.openid and not own and traffic.has_openids)
    failures = traffic.count(lambda kind: kind.outcome.is_failure)
    doubt = next(_doubts(traffic, target, is_conditional=is_conditional), None)
    explains = not is_missing or doubt or 2 * failures >= (target.failures or 0)
    if failures and explains:
        return _failed(traffic, target, _telling(traffic, target))
    if doubt and not (own and not traffic.has_hole):
        return Answer(Verdict.CANNOT_TELL, *doubt)
    if is_missing or not traffic.counts:
        return _never_arrived(traffic, target)
    return _answered(traffic, target, own)


def _telling(traffic: Traffic, target: Target) -> Outcome:
    """The outcome of failures that the alert complains of, else the commonest."""
    outcomes = traffic.tally(lambda kind: (kind.outcome,) if kind.outcome.is_failure else ())
    if target.is_late and Outcome.LATE in outcomes:
        return Outcome.LATE
    return Outcome(next(iter(outcomes)))


def _failed(traffic: Traffic, target: Target, outcome: Outcome) -> Answer:
    """The verdict that a failure makes, with all failures of its kind."""
    count = traffic.count(lambda kind: kind.outcome is outcome)
    states = shown(traffic.tally(lambda kind: (kind.status,) if kind.outcome is outcome else ()))
    culprits = traffic.tally(lambda kind: (kind.culprit,) if kind.outcome is outcome and kind.culprit else ())
    proof = f"{_path(target)} {count} 次，状态 {states}" + (f"；后端 {shown(culprits)}" if culprits else "")
    if outcome is Outcome.LATE:
        proof += "" if culprits else "；看不出是后端慢"
        return Answer(Verdict.BACKEND_SLOW, proof, _where_slow(culprits))
    if outcome is Outcome.REFUSED:
        return Answer(
            Verdict.REFUSED, proof, "看 nginx 的 return、rewrite、deny、limit_req、location；回调不能跳转"
        )
    if outcome is Outcome.WRONG:
        return Answer(Verdict.WRONG_ANSWER, proof, "看 error.log 和后端的应用日志；502 先看后端进程在不在")
    return Answer(
        Verdict.CANNOT_TELL, proof + "，不到 4.5 秒就断了，不像微信等满 5 秒",
        "看前面一层（CDN、SLB、WAF）的超时，再看后端那几秒在做什么",
    )  # fmt: skip


def _where_slow(culprits: Counter[str]) -> str:
    """What to look at first, by the backends that were too slow."""
    if not culprits:
        return (
            "看是不是 limit_req 排队、请求体来得慢；日志没记后端就加上 $upstream_addr $upstream_response_time"
        )
    (first, most), *others = culprits.items()
    if others and most < _STANDS_OUT * culprits.total() / len(culprits):
        return f"{len(culprits)} 台都慢：看它们共用的数据库、缓存、外部接口"
    return f"先看 {first}：它的应用日志里那几分钟慢在哪；不行就先摘掉"


def _never_arrived(traffic: Traffic, target: Target) -> Answer:
    came = traffic.count()
    proof = (
        f"样例那次推送不在日志里，同一时段 {_path(target)} 另有 {came} 次进来"
        if came
        else f"窗口前后都有行，窗口里 {_path(target)} 一次也没有，别的地址 {traffic.others} 次"
    )
    return Answer(
        Verdict.NEVER_ARRIVED, proof,
        "从外网查域名解析、端口、证书、防火墙和 CDN/SLB；再确认没写 access_log off，没进别的 server 或别的机器",
    )  # fmt: skip


def _answered(traffic: Traffic, target: Target, own: Sequence[Outcome]) -> Answer:
    states = traffic.tally(lambda kind: (kind.status,))
    if target.has_answer or (target.http_code not in (None, 200) and str(target.http_code) not in states):
        said = f"HTTP {target.http_code}" if target.http_code else "不合法的内容"
        return Answer(
            Verdict.WRONG_ANSWER, f"日志里 {traffic.count()} 次都是 200，微信收到的却是{said}",
            "看回应内容：curl -i 推一次，或用 triage probe；内容对，就是前面一层（CDN、SLB、WAF）换掉的",
        )  # fmt: skip
    untimed = traffic.count(lambda kind: kind.outcome is Outcome.UNTIMED)
    if Outcome.UNTIMED in own or (untimed and not own):
        proof = "都是 200，但没记耗时，看不出有没有超过 5 秒"
        return Answer(Verdict.CANNOT_TELL, proof, f"在 http {{ }} 里加：{LOG_FORMAT}")
    mine = f"；样例那次 {len(own)} 行都按时" if own else ""
    mine += f"；{traffic.slow} 次超过 3 秒，路上再慢一点就超时" if traffic.slow else ""
    return Answer(
        Verdict.ANSWERED_IN_TIME, f"{traffic.count()} 次都是 200，最慢 {max(traffic.times):.3f} 秒{mine}",
        "查出口：丢包、带宽、防火墙、NAT、前面的 SLB/CDN；在前面一层的日志里找同一条",
    )  # fmt: skip


def _doubts(traffic: Traffic, target: Target, *, is_conditional: bool) -> Iterator[tuple[str, str]]:
    """Why a request may have been there that was not seen, and what to do about it, the first first."""
    if traffic.unread:
        line = mask(traffic.unread[0])[:_SHOWN_LINE]
        yield f"有些行读不懂，例如：{line}", "加上 --nginx /etc/nginx/nginx.conf，照它的 log_format 读"
    if not traffic.coverage:
        yield "文件里一行日志也没有", "看 access_log 写到哪个文件：nginx -T | grep access_log"
        return
    yield from _uncovered(traffic.coverage, Span(target.span.start + LEAD, target.span.end))
    if traffic.has_hole:
        yield "日志中间缺了一截（copytruncate 留的空洞，或压缩文件坏了）", "换一份完整的，或看前面一层的日志"
    if is_conditional:
        yield "access_log 带 if=，不是每个请求都记", "去掉 if= 再等下一次，或看前面一层的日志"


def _uncovered(coverage: Sequence[Coverage], needed: Span) -> Iterator[tuple[str, str]]:
    """What is missing of the needed time."""
    files = sorted(coverage, key=lambda file: file.first)
    if files[0].first > needed.start:
        yield f"日志从 {moment(files[0].first)} 才开始", "加上轮转出去的上一个文件：access.log.1 或 .gz"
    reached = files[0].last
    for file in files[1:]:
        if file.first > reached + SILENCE and reached < needed.end and file.first > needed.start:
            yield f"{moment(reached)} 到 {moment(file.first)} 一行也没有", "两个文件之间少了一个，把它也加上"
        reached = max(reached, file.last)
    if reached < needed.end:
        yield (
            f"日志只到 {moment(reached)}",
            "看是不是轮转后还在写旧文件、看错了机器；现在请求一次，看有没有新行",
        )


def moment(seconds: float) -> str:
    """A moment as alerts write it, in Beijing time."""
    return f"{datetime.fromtimestamp(seconds, BEIJING):%m-%d %H:%M:%S}"


def shown(counts: dict[str, int], most: int = 5) -> str:
    """Names with their counts: `200 ×31、499 ×2`."""
    return "、".join(f"{name} ×{count}" for name, count in list(counts.items())[:most])


def _path(target: Target) -> str:
    return target.path or "（报警里没有路径，算全部请求）"
