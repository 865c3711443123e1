"""vmstat: who waits for a CPU, for a disk, for memory. https://man7.org/linux/man-pages/man8/vmstat.8.html

The first line is the average since the machine was started, of which only r, b, swpd and free are of the moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from triage.evidence.judgement import Finding, Part, note, sick, suspect, unreadable
from triage.evidence.paste import Paste
from triage.evidence.table import Table, find_tables
from triage.wording import Wording, joined

_IDLE, _WAIT, _STEAL = 10, 10, 10
"""Percent: a CPU with less idle time is full, unless it waits for a disk or for the host as much as this."""
_SHARES = ("us", "sy", "id", "wa")
_WHOLE, _LEAST = 105, 40
"""Percent of the time of a CPU that those four may take; the host takes the rest."""
_TWICE = 2
_BUSY_QUEUE = 8
"""Tasks in the queue of a full CPU that are many where the number of CPUs is not told."""


def read(paste: Paste) -> Iterator[Part]:
    """One part for each table."""
    for table in find_tables(
        paste, ("r", "b"), ("si", "so", "bi", "bo", "in", "cs", "us", "sy", "id"), _LAST
    ):
        yield Part("vmstat", tuple(_judge(table, paste.cpus)), table.lines)


_LAST = ("id", "wa", "st", "gu")


def _judge(table: Table, cpus: int | None) -> Iterator[Finding]:
    if not table.rows:
        yield unreadable("truncated", " ".join(table.columns))
        return
    if len(table.rows) == 1:
        yield unreadable("only_since_boot", Wording("只有一行"))
        return
    samples = Table(table.columns, table.rows[1:], table.is_cut, table.lines)
    if not _fits(samples):
        yield unreadable("truncated", Wording("列对不上，行断了"))
        return
    yield from judge_cpu(samples.column("id"), samples.column("wa"), samples.column("st"))
    yield from judge_queue(samples.column("r"), samples.column("id"), cpus)
    blocked = samples.column("b")
    if sum(value >= 2 for value in blocked) >= 2:
        yield suspect("blocked", Wording("{name} {numbers}", name="b", numbers=_numbers(blocked)))
    swaps = [a + b for a, b in zip(samples.column("si"), samples.column("so"), strict=True)]
    if moving := tuple(judge_swapping(swaps)):
        yield from moving
    elif not any(swaps) and any(value > 0 for value in table.column("swpd") or table.column("交换")):
        yield note("swap_used_but_idle", Wording("swpd 大于 0，si、so 为 0"))


def _fits(table: Table) -> bool:
    """Whether the columns are those of the header: a folded header shifts them."""
    behind = table.columns[table.columns.index("id") + 1 :]
    shares = [column for column in map(table.column, _SHARES) if column]
    sums = map(sum, zip(*shares, strict=True)) if len(shares) == len(_SHARES) else ()
    return set(behind) <= {*_LAST} and all(_LEAST <= each <= _WHOLE for each in sums)


def judge_swapping(swaps: Sequence[float]) -> Iterator[Finding]:
    """Whether memory moves to the disk and back, sample by sample; one sample proves nothing."""
    if sum(value > 0 for value in swaps) >= _TWICE:
        yield sick("swapping", Wording("{name} {numbers}", name="si+so", numbers=_numbers(swaps)))


def judge_cpu(idle: Sequence[float], wait: Sequence[float], steal: Sequence[float]) -> Iterator[Finding]:
    """What the shares of CPU time say, sample by sample, in percent; `wait` and `steal` may be empty."""
    waits = list(wait) or [0.0] * len(idle)
    steals = list(steal) or [0.0] * len(idle)
    full = [i <= _IDLE and w < _WAIT and s < _STEAL for i, w, s in zip(idle, waits, steals, strict=True)]
    if full and sum(full) > len(full) / 2:
        yield sick("cpu_saturated", Wording("{name} {numbers}", name="id", numbers=_numbers(idle)))
    yield from _share("io_wait", "wa", waits, 20, 10)
    yield from _share("steal", "st", steals, 10, 5)


def _share(id_: str, name: str, values: Sequence[float], hard: float, soft: float) -> Iterator[Finding]:
    """A share of CPU time against two thresholds, by the mean of the samples."""
    mean = sum(values) / len(values) if values else 0.0
    if mean >= soft:
        yield (sick if mean >= hard else suspect)(
            id_, Wording("{name} {numbers}", name=name, numbers=_numbers(values))
        )


def judge_queue(queue: Sequence[float], idle: Sequence[float], cpus: int | None) -> Iterator[Finding]:
    """Whether tasks queue for a CPU: more than two for each, or many beside a full CPU."""
    limit = 2 * cpus if cpus else _BUSY_QUEUE - 1
    waiting = [r > limit and (bool(cpus) or i <= _IDLE) for r, i in zip(queue, idle, strict=True)]
    if waiting and sum(waiting) > len(waiting) / 2:
        proof = Wording("{name} {numbers}", name="r", numbers=_numbers(queue))
        yield sick("run_queue", Wording("{proof}，{cpus} 核", proof=proof, cpus=cpus) if cpus else proof)


def _numbers(values: Sequence[float]) -> str:
    """The first numbers of a column, for a proof."""
    return joined("{a}、{b}", (f"{value:g}" for value in values[:5]))
