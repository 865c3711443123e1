"""What came in to the callback while pushes failed: each request of the window with what became of it, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from triage.errors import LogFileError
from triage.evidence.services.log_fields import (
    LATE,
    SLOW,
    Text,
    parse_list,
    parse_seconds,
    parse_time,
)
from triage.evidence.services.log_format import KNOWN_FORMATS, NO_FORMAT, LogFormat, compile_format
from triage.logs.files import Block, LogFile, Progress, Span, read_span, sample
from triage.logs.target import Target

LONGEST_REQUEST = 10.0
"""Seconds behind the window in which its last requests end: the platform hangs up after 5."""
UNKNOWN_DISORDER = 600.0
"""Seconds that `buffer=` without `flush=` is taken to hold lines back."""
NEIGHBOURHOOD = 1 << 19
"""Bytes on either side of the window that hold what 16 workers keep back with `buffer=32k`."""
_KEPT_LINES = 20
_SAMPLED = 200
_OF_NGINX = frozenset({"408", "413", "414", "444", "494", "495", "496", "497"})
"""Statuses that hardly an application sends: a log without backends leaves open who sent another one."""
_NOBODY = "\0"
"""Stands in no log, where the alert names no follower."""


class Outcome(StrEnum):
    """What became of a request."""

    IN_TIME = "in_time"
    UNTIMED = "untimed"
    """200, but nobody knows after how long."""
    LATE = "late"
    """The platform had given up: 504, 4.5 s or more, or 499 without a time."""
    LEFT = "left"
    """499 before 4.5 s: it was not the platform's limit that cut it."""
    REFUSED = "refused"
    """nginx itself answered, with something else than 200, or it is a redirect."""
    WRONG = "wrong"
    """The backend answered with something else than 200, or could not be reached; or nobody knows who answered."""

    @property
    def is_failure(self) -> bool:
        return self not in (Outcome.IN_TIME, Outcome.UNTIMED)


class Kind(NamedTuple):
    """What requests that are counted together have in common."""

    outcome: Outcome
    status: str
    upstream: str | None
    """upstream_addr as written."""
    culprit: str | None
    """The backend that took longest, or that answered wrongly; None where it was none of them, or nobody knows."""


class Line(NamedTuple):
    """A line that is shown, with what it says."""

    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Coverage:
    """The time from the first to the last line of a file that could be read."""

    path: Path
    first: float
    last: float


@dataclass(slots=True)
class Traffic:
    """The requests of the window, counted."""

    counts: Counter[tuple[Kind, int]] = field(default_factory=Counter)
    """The requests of the callback's path by their kinds and the minutes since 1970 in which they came in."""
    times: Counter[float] = field(default_factory=Counter)
    """Their seconds; 0 where the log has no times."""
    others: int = 0
    """Requests of other paths."""
    sample: list[Line] = field(default_factory=list)
    """The lines of the alert's OpenID."""
    failures: list[Line] = field(default_factory=list)
    """The first lines that are none of IN_TIME and UNTIMED."""
    has_openids: bool = False
    """The log shows which followers the pushes are about."""
    unread: list[str] = field(default_factory=list)
    """The first lines of the callback's path that could not be read, and the first line of a file of another format."""
    has_hole: bool = False
    """Lines were lost between others: a run of NUL bytes, a damaged file."""
    coverage: list[Coverage] = field(default_factory=list)
    disorder: float = 0.0
    """The most seconds that a line stands behind a later one."""

    def count(self, wanted: Callable[[Kind], object] = lambda kind: True) -> int:
        """Requests of the path of which this holds."""
        return sum(self.by_minute(wanted).values())

    def by_minute(self, wanted: Callable[[Kind], object] = lambda kind: True) -> dict[int, int]:
        """The same by the minutes since 1970 in which they came in, in their order."""
        found: Counter[int] = Counter()
        for (kind, minute), count in self.counts.items():
            if wanted(kind):
                found[minute] += count
        return dict(sorted(found.items()))

    @property
    def slow(self) -> int:
        """Requests of the path that took 3 s or more."""
        return sum(count for seconds, count in self.times.items() if seconds >= SLOW)

    def tally(self, name: Callable[[Kind], Iterable[str]]) -> Counter[str]:
        """Requests by the names that are given to them, most first."""
        found: Counter[str] = Counter()
        for (kind, _), count in self.counts.items():
            found.update(dict.fromkeys(name(kind), count))
        return Counter(dict(found.most_common()))


def read_traffic(
    logs: Sequence[LogFile],
    target: Target,
    formats: Sequence[LogFormat] = (),
    disorder: float | None = None,
    progress: Progress = lambda path, done, size: None,
) -> Traffic:
    """The requests of the window in some files.

    `formats` are those of the configuration, `disorder` the seconds that its `flush=` holds lines back, None where that
    is unknown. Raises OSError, and LogFileError where a library is missing.
    """
    size = max(log.size for log in logs)
    if disorder is not None:
        return _read(logs, target, formats, disorder, size, progress)
    traffic = _read(logs, target, formats, UNKNOWN_DISORDER, NEIGHBOURHOOD, progress)
    if traffic.disorder > SLOW and not all(log.compression for log in logs):
        return _read(logs, target, formats, UNKNOWN_DISORDER, size, progress)
    return traffic


def _read(
    logs: Sequence[LogFile],
    target: Target,
    formats: Sequence[LogFormat],
    disorder: float,
    reach: int,
    progress: Progress,
) -> Traffic:
    traffic = Traffic()
    wide = Span(target.span.start, target.span.end + LONGEST_REQUEST)
    for log in logs:
        head, tail = sample(log)
        log_format = choose_format((*head, *tail), formats)
        clock = partial(_ended, log_format)
        times = [time for line in (*head, *tail) if (time := clock(line)) is not None]
        if not times:
            traffic.unread += list(filter(None, head))[:1]
            continue
        counter = _Counter(traffic, target, log_format, min(times), max(times))
        try:
            for block in read_span(log, wide, disorder, reach, clock, progress):
                counter.add(block)
        except LogFileError as exc:
            if exc.reason != "damaged":
                raise
            traffic.has_hole = True
        last = counter.last
        if log.compression and log.modified < wide.start:
            last = max(last, log.modified)
        traffic.coverage.append(Coverage(log.path, counter.first, last))
    return traffic


def choose_format(lines: Iterable[str], formats: Sequence[LogFormat] = ()) -> LogFormat:
    """The format that most of these lines have; NO_FORMAT where they have none that is known."""
    some = list(filter(None, lines))[-_SAMPLED:]
    best, most = NO_FORMAT, 0
    for known in chain(formats, map(compile_format, KNOWN_FORMATS)):
        hits = sum(map(known.fits, some))
        if hits > most:
            best, most = known, hits
        if most == len(some):
            break
    return best


@lru_cache(maxsize=16_384)
def judge_request(answer: tuple[Text, Text, Text, Text]) -> tuple[float, Kind]:
    """How long a request took and what became of it, by its fields from the status on."""
    status, upstream, seconds, upstream_seconds = answer
    whole = parse_seconds(seconds)
    outcome, culprit = _judge(status, upstream, whole, upstream_seconds)
    return whole or 0.0, Kind(outcome, status or "", upstream, culprit)


def _judge(
    status: Text, upstream: Text, seconds: float | None, upstream_seconds: Text
) -> tuple[Outcome, str | None]:
    tried, backend = parse_list(upstream), parse_seconds(upstream_seconds)
    last = tried[-1] if tried else None
    if status == "504" or (seconds or 0) >= LATE or (status == "499" and seconds is None):
        is_backend = backend is None or backend >= SLOW or status == "504"
        return Outcome.LATE, _slowest(tried, parse_list(upstream_seconds)) if is_backend else None
    if status == "499":
        return Outcome.LEFT, last
    if status == "200":
        return Outcome.UNTIMED if seconds is None else Outcome.IN_TIME, None
    if tried:
        return Outcome.WRONG, last
    is_own = upstream is not None or status in _OF_NGINX or (status or "").startswith("3")
    return Outcome.REFUSED if is_own else Outcome.WRONG, None


def _slowest(tried: Sequence[str], times: Sequence[str]) -> str | None:
    """The backend with the longest time; the last one where the lists are not of one length."""
    if len(tried) == len(times):
        return max(zip(map(float, times), tried, strict=True), default=(0, None))[1]
    return tried[-1] if tried else None


def _ended(log_format: LogFormat, line: str) -> float | None:
    fields = log_format.read(line)
    return parse_time(fields[0]) if fields else None


class _Counter:
    """Counts blocks of one file into a traffic."""

    def __init__(
        self, traffic: Traffic, target: Target, log_format: LogFormat, first: float, last: float
    ) -> None:
        self.first, self.last = first, last
        self._traffic = traffic
        self._target = target
        self._format = log_format
        self._beginnings, self._spellings = target.beginnings, target.spellings
        self._latest = 0.0
        self._split: tuple[Block | None, list[str]] = None, []

    def add(self, block: Block) -> None:
        """Count the requests of a block."""
        first, last = self._target.span
        end = last + LONGEST_REQUEST
        beginnings, spellings, openid = self._beginnings, self._spellings, self._target.openid or _NOBODY
        latest, in_time = self._latest, Outcome.IN_TIME
        kinds: list[tuple[Kind, int]] = []
        times: list[float] = []
        for number, fields in enumerate(self._format.read_lines(block.text)):
            ended = parse_time(fields[0]) if fields else None
            if fields is None or ended is None:
                self._unread(block, number)
                continue
            if ended >= latest:
                latest = ended
            else:
                self._behind(latest - ended)
            if not first <= ended <= end:
                continue
            seconds, kind = judge_request(fields[2:])
            if not first <= ended - seconds <= last:
                continue
            request = fields[1]
            if request and (request.startswith(beginnings) or request in spellings or openid in request):
                kinds.append((kind, int(ended - seconds) // 60))
                times.append(seconds)
                if kind[0] is not in_time or openid in request or not self._traffic.has_openids:
                    self._keep(block, number, request, kind)
            else:
                self._traffic.others += 1
        self._latest, self.last = latest, max(self.last, latest)
        self._traffic.counts.update(kinds)
        self._traffic.times.update(times)
        self._traffic.has_hole |= block.has_hole

    def _behind(self, seconds: float) -> None:
        self._traffic.disorder = max(self._traffic.disorder, seconds)

    def _keep(self, block: Block, number: int, request: str, kind: Kind) -> None:
        traffic = self._traffic
        traffic.has_openids |= "openid=" in request
        is_sample = (self._target.openid or _NOBODY) in request
        kept = traffic.sample if is_sample else traffic.failures
        if len(kept) < _KEPT_LINES and (is_sample or kind.outcome.is_failure):
            kept.append(Line(self._line(block, number), kind))

    def _unread(self, block: Block, number: int) -> None:
        line, target = self._line(block, number), self._target
        is_ours = (target.path or "") in line or (target.openid or _NOBODY) in line
        if is_ours and line.strip() and len(self._traffic.unread) < _KEPT_LINES:
            self._traffic.unread.append(line)

    def _line(self, block: Block, number: int) -> str:
        """One line of a block, which is split at the first that is wanted."""
        if self._split[0] is not block:
            self._split = block, block.text.split("\n")
        return self._split[1][number]
