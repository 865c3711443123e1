"""What came in to the callback while pushes failed: each request of the window with what became of it, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from triage.errors import LogFileError
from triage.evidence.services.log_fields import (
    LATE,
    SLOW,
    Reader,
    parse_list,
    parse_seconds,
    parse_time,
    read_any,
)
from triage.evidence.services.log_format import KNOWN_FORMATS, LogFormat
from triage.logs.files import Block, LogFile, Progress, Span, read_span, sample
from triage.logs.target import Target

LONGEST_REQUEST = 60.0
"""Seconds after which nginx gives up a backend by default; a line stands so much behind the start of its request."""
UNKNOWN_DISORDER = 600.0
"""Seconds that `buffer=` without `flush=` is taken to hold lines back."""
NEIGHBOURHOOD = 1 << 20
"""Bytes on either side of the window that hold what 32 workers keep back with `buffer=32k`."""
_KEPT_LINES = 20
_SAMPLED = 200


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
    """nginx itself answered, with something else than 200."""
    WRONG = "wrong"
    """The backend answered with something else than 200, or could not be reached."""

    @property
    def is_failure(self) -> bool:
        return self not in (Outcome.IN_TIME, Outcome.UNTIMED)


class Seen(NamedTuple):
    """What requests that are counted together have in common."""

    outcome: Outcome
    status: str
    upstream: str | None
    """upstream_addr as written."""
    culprit: str | None
    """The backend that took longest, or that answered wrongly; None where it was none of them, or nobody knows."""
    minute: int
    """When it came in: minutes since 1970."""


class Line(NamedTuple):
    """A line that is shown, with what it says."""

    text: str
    seen: Seen


@dataclass(frozen=True, slots=True)
class Coverage:
    """The time from the first to the last line of a file that could be read."""

    path: Path
    first: float
    last: float


@dataclass(slots=True)
class Traffic:
    """The requests of the window, counted."""

    counts: Counter[Seen] = field(default_factory=Counter)
    """The requests of the callback's path."""
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

    def count(self, wanted: Callable[[Seen], object] = lambda seen: True) -> int:
        """Requests of the path of which this holds."""
        return sum(count for seen, count in self.counts.items() if wanted(seen))

    @property
    def slow(self) -> int:
        """Requests of the path that took 3 s or more."""
        return sum(count for seconds, count in self.times.items() if seconds >= SLOW)

    def tally(self, name: Callable[[Seen], Iterable[str]]) -> Counter[str]:
        """Requests by the names that are given to them, most first."""
        found: Counter[str] = Counter()
        for seen, count in self.counts.items():
            found.update(dict.fromkeys(name(seen), count))
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
    if disorder is not None:
        return _read(logs, target, formats, disorder, max(log.size for log in logs), progress)
    traffic = _read(logs, target, formats, UNKNOWN_DISORDER, NEIGHBOURHOOD, progress)
    if traffic.disorder > SLOW and not all(log.compression for log in logs):
        return _read(logs, target, formats, UNKNOWN_DISORDER, max(log.size for log in logs), progress)
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
        read = choose_reader((*head, *tail), formats)
        times = [time for line in (*head, *tail) if (time := _ended(read, line)) is not None]
        if not times:
            traffic.unread += list(filter(None, head))[:1]
            continue
        counter = _Counter(traffic, target, read, min(times), max(times))
        try:
            for block in read_span(log, wide, disorder, reach, partial(_ended, read), progress):
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


def choose_reader(lines: Iterable[str], formats: Sequence[LogFormat] = ()) -> Reader:
    """The reader of the format that most of these lines have; lines of another one are read by their shapes."""
    some = list(filter(None, lines))[-_SAMPLED:]
    readers = [known.reader() for known in (*formats, *KNOWN_FORMATS)]
    hits = [sum(map(bool, map(read, some))) for read in readers]
    best = hits.index(max(hits))
    return (*formats, *KNOWN_FORMATS)[best].reader(read_any) if hits[best] else read_any


@lru_cache(maxsize=16_384)
def judge_request(
    status: str | None, upstream: str | None, seconds: str | None, upstream_seconds: str | None
) -> tuple[Outcome, str | None]:
    """What became of a request, and the backend to which it is due."""
    whole, backend = parse_seconds(seconds), parse_seconds(upstream_seconds)
    tried = parse_list(upstream)
    if status == "504" or (whole or 0) >= LATE or (status == "499" and whole is None):
        is_backend = backend is None or backend >= SLOW or status == "504"
        return Outcome.LATE, _slowest(tried, parse_list(upstream_seconds)) if is_backend else None
    if status == "499":
        return Outcome.LEFT, tried[-1] if tried else None
    if status == "200":
        return Outcome.UNTIMED if whole is None else Outcome.IN_TIME, None
    if tried or (upstream is None and status in ("500", "502")):
        return Outcome.WRONG, tried[-1] if tried else None
    return Outcome.REFUSED, None


def _slowest(tried: Sequence[str], times: Sequence[str]) -> str | None:
    """The backend with the longest time; the last one where the lists are not of one length."""
    if len(tried) == len(times):
        return max(zip(map(float, times), tried, strict=True), default=(0, None))[1]
    return tried[-1] if tried else None


def _ended(read: Reader, line: str) -> float | None:
    fields = read(line)
    return parse_time(fields[0]) if fields else None


class _Counter:
    """Counts blocks of one file into a traffic."""

    def __init__(self, traffic: Traffic, target: Target, read: Reader, first: float, last: float) -> None:
        self.first, self.last = first, last
        self._traffic = traffic
        self._target = target
        self._read = read
        self._beginnings, self._spellings = target.beginnings, target.spellings
        self._latest = 0.0

    def add(self, block: Block) -> None:
        """Count the lines of a block; nine in ten are answered with 200 at once, and take the short way."""
        traffic, span, read, openid = self._traffic, self._target.span, self._read, self._target.openid
        traffic.has_hole |= block.has_hole
        beginnings, latest, end = self._beginnings, self._latest, span.end + LONGEST_REQUEST
        counts, times, disorder = traffic.counts, traffic.times, traffic.disorder
        in_time, spellings = Outcome.IN_TIME, self._spellings
        for line in block.lines:
            fields = read(line)
            ended = parse_time(fields[0]) if fields else None
            if fields is None or ended is None:
                self._unread(line)
                continue
            if ended >= latest:
                latest = ended
            else:
                disorder = max(disorder, latest - ended)
            if not span.start <= ended <= end:
                continue
            _, request, status, _, upstream, _, whole, backend = fields
            seconds = parse_seconds(whole) or 0.0
            began = ended - seconds
            if not span.start <= began <= span.end:
                continue
            request = request or ""
            is_ours = request.startswith(beginnings) or request in spellings
            if not is_ours and not (openid and openid in line):
                traffic.others += 1
                continue
            outcome, culprit = judge_request(status, upstream, whole, backend)
            seen = Seen(outcome, status or "", upstream, culprit, int(began) // 60)
            counts[seen] += 1
            times[seconds] += 1
            if outcome is not in_time or (openid and openid in line) or not traffic.has_openids:
                self._keep(line, seen)
        self._latest, traffic.disorder = latest, disorder
        self.last = max(self.last, latest)

    def _keep(self, line: str, seen: Seen) -> None:
        traffic, openid = self._traffic, self._target.openid
        traffic.has_openids |= "openid=" in line
        kept = traffic.sample if openid and openid in line else traffic.failures
        if len(kept) < _KEPT_LINES and (kept is traffic.sample or seen.outcome.is_failure):
            kept.append(Line(line, seen))

    def _unread(self, line: str) -> None:
        target = self._target
        if (target.path or "") in line and len(self._traffic.unread) < _KEPT_LINES:
            self._traffic.unread.append(line)
