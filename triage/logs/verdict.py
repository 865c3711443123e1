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
from triage.wording import Wording, joined

SILENCE = 60.0
"""Seconds between the last line of a file and the first of the next in which none may have been lost."""
LOG_FORMAT = f"log_format wx '{RECOMMENDED}';"
_STANDS_OUT = 1.5
"""Times the mean of all backends with failures, from which one is to blame alone."""
_SHOWN_LINE = 160
_OF_BACKENDS = frozenset({"500", "502"})
_WRONG = Wording("看 error.log 和后端的应用日志；502 先看后端进程在不在")
_WHO_ANSWERED = Wording(
    "日志没记后端，看不出是应用还是 nginx 回的：看应用日志和 error.log 里有没有这几次；再给日志加上 $upstream_addr"
)
_GAVE_UP = Wording(
    "504 是 nginx 等后端等满了时限：看后端的应用日志那几分钟慢在哪；日志没记是哪台，"
    "就加上 $upstream_addr $upstream_response_time"
)


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
    Verdict.NEVER_ARRIVED: Wording("没进来：失败的推送没到这台 nginx"),
    Verdict.BACKEND_SLOW: Wording("进来了，是我们慢了"),
    Verdict.REFUSED: Wording("进来了，被 nginx 自己拒绝或跳转了"),
    Verdict.WRONG_ANSWER: Wording("进来了，回得不对"),
    Verdict.ANSWERED_IN_TIME: Wording("进来了，也按时回了 200：丢在回去的路上"),
    Verdict.CANNOT_TELL: Wording("看不出"),
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
    statuses = traffic.tally(lambda kind: (kind.status,) if kind.outcome is outcome else ())
    culprits = traffic.tally(lambda kind: (kind.culprit,) if kind.outcome is outcome and kind.culprit else ())
    proof = Wording(
        "{path} {count} 次，状态 {states}", path=_path(target), count=count, states=shown(statuses)
    )
    if culprits:
        proof = Wording("{proof}；后端 {culprits}", proof=proof, culprits=shown(culprits))
    if outcome is Outcome.LATE:
        if not culprits and next(iter(statuses)) == "504":
            return Answer(Verdict.BACKEND_SLOW, proof, _GAVE_UP)
        proof = proof if culprits else Wording("{proof}；看不出是后端慢", proof=proof)
        return Answer(Verdict.BACKEND_SLOW, proof, _where_slow(culprits))
    if outcome is Outcome.REFUSED:
        return Answer(
            Verdict.REFUSED,
            proof,
            Wording("看 nginx 的 return、rewrite、deny、limit_req、location；回调不能跳转"),
        )
    if outcome is Outcome.WRONG:
        is_open = not culprits and not statuses.keys() <= _OF_BACKENDS
        return Answer(Verdict.WRONG_ANSWER, proof, _WHO_ANSWERED if is_open else _WRONG)
    return Answer(
        Verdict.CANNOT_TELL, Wording("{proof}，不到 4.5 秒就断了，不像微信等满 5 秒", proof=proof),
        Wording("看前面一层（CDN、SLB、WAF）的超时，再看后端那几秒在做什么"),
    )  # fmt: skip


def _where_slow(culprits: Counter[str]) -> str:
    """What to look at first, by the backends that were too slow."""
    if not culprits:
        return Wording(
            "看是不是 limit_req 排队、请求体来得慢；日志没记后端就加上 $upstream_addr $upstream_response_time"
        )
    (first, most), *others = culprits.items()
    if others and most < _STANDS_OUT * culprits.total() / len(culprits):
        return Wording("{count} 台都慢：看它们共用的数据库、缓存、外部接口", count=len(culprits))
    return Wording("先看 {first}：它的应用日志里那几分钟慢在哪；不行就先摘掉", first=first)


def _never_arrived(traffic: Traffic, target: Target) -> Answer:
    came = traffic.count()
    proof = (
        Wording("样例那次推送不在日志里，同一时段 {path} 另有 {came} 次进来", path=_path(target), came=came)
        if came
        else Wording(
            "窗口前后都有行，窗口里 {path} 一次也没有，别的地址 {others} 次",
            path=_path(target),
            others=traffic.others,
        )
    )
    return Answer(
        Verdict.NEVER_ARRIVED, proof,
        Wording(
            "从外网查域名解析、端口、证书、防火墙和 CDN/SLB；"
            "再确认没写 access_log off，没进别的 server 或别的机器"
        ),
    )  # fmt: skip


def _answered(traffic: Traffic, target: Target, own: Sequence[Outcome]) -> Answer:
    states = traffic.tally(lambda kind: (kind.status,))
    if target.has_answer or (target.http_code not in (None, 200) and str(target.http_code) not in states):
        said = f"HTTP {target.http_code}" if target.http_code else Wording("不合法的内容")
        proof = Wording("日志里 {count} 次都是 200，微信收到的却是{said}", count=traffic.count(), said=said)
        return Answer(
            Verdict.WRONG_ANSWER, proof,
            Wording("看回应内容：curl -i 推一次，或用 triage probe；内容对，就是前面一层（CDN、SLB、WAF）换掉的"),
        )  # fmt: skip
    untimed = traffic.count(lambda kind: kind.outcome is Outcome.UNTIMED)
    if Outcome.UNTIMED in own or (untimed and not own):
        proof = Wording("都是 200，但没记耗时，看不出有没有超过 5 秒")
        return Answer(Verdict.CANNOT_TELL, proof, Wording("在 http {{ }} 里加：{line}", line=LOG_FORMAT))
    proof = Wording("{count} 次都是 200，最慢 {most:.3f} 秒", count=traffic.count(), most=max(traffic.times))
    if own:
        proof = Wording("{proof}；样例那次 {own} 行都按时", proof=proof, own=len(own))
    if traffic.slow:
        proof = Wording("{proof}；{slow} 次超过 3 秒，路上再慢一点就超时", proof=proof, slow=traffic.slow)
    advice = Wording("查出口：丢包、带宽、防火墙、NAT、前面的 SLB/CDN；在前面一层的日志里找同一条")
    return Answer(Verdict.ANSWERED_IN_TIME, proof, advice)


def _doubts(traffic: Traffic, target: Target, *, is_conditional: bool) -> Iterator[tuple[str, str]]:
    """Why a request may have been there that was not seen, and what to do about it, the first first."""
    if traffic.unread:
        line = mask(traffic.unread[0])[:_SHOWN_LINE]
        yield (
            Wording("有些行读不懂，例如：{line}", line=line),
            Wording("加上 --nginx /etc/nginx/nginx.conf，照它的 log_format 读"),
        )
    if not traffic.coverage:
        yield (
            Wording("文件里一行日志也没有"),
            Wording("看 access_log 写到哪个文件：nginx -T | grep access_log"),
        )
        return
    yield from _uncovered(traffic.coverage, Span(target.span.start + LEAD, target.span.end))
    if traffic.has_hole:
        yield (
            Wording("日志中间缺了一截（copytruncate 留的空洞，或压缩文件坏了）"),
            Wording("换一份完整的，或看前面一层的日志"),
        )
    if is_conditional:
        yield (
            Wording("access_log 带 if=，不是每个请求都记"),
            Wording("去掉 if= 再等下一次，或看前面一层的日志"),
        )


def _uncovered(coverage: Sequence[Coverage], needed: Span) -> Iterator[tuple[str, str]]:
    """What is missing of the needed time."""
    files = sorted(coverage, key=lambda file: file.first)
    if files[0].first > needed.start:
        yield (
            Wording("日志从 {first} 才开始", first=moment(files[0].first)),
            Wording("加上轮转出去的上一个文件：access.log.1 或 .gz"),
        )
    reached = files[0].last
    for file in files[1:]:
        if file.first > reached + SILENCE and reached < needed.end and file.first > needed.start:
            yield (
                Wording("{reached} 到 {first} 一行也没有", reached=moment(reached), first=moment(file.first)),
                Wording("两个文件之间少了一个，把它也加上"),
            )
        reached = max(reached, file.last)
    if reached < needed.end:
        yield (
            Wording("日志只到 {reached}", reached=moment(reached)),
            Wording("看是不是轮转后还在写旧文件、看错了机器；现在请求一次，看有没有新行"),
        )


def moment(seconds: float) -> str:
    """A moment as alerts write it, in Beijing time."""
    return f"{datetime.fromtimestamp(seconds, BEIJING):%m-%d %H:%M:%S}"


def shown(counts: dict[str, int], most: int = 5) -> str:
    """Names with their counts: `200 ×31、499 ×2`."""
    return joined("{a}、{b}", (f"{name} ×{count}" for name, count in list(counts.items())[:most]))


def _path(target: Target) -> str:
    return target.path or Wording("（报警里没有路径，算全部请求）")
