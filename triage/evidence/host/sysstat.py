"""mpstat, sar -u, sar -q, sar -n DEV, sar -n TCP,ETCP and iostat -x of sysstat. https://sysstat.github.io/documentation.html

The number of CPUs stands in the first line. A sample per line; the line Average is a mean and no sample.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from triage.evidence.host.vmstat import judge_cpu
from triage.evidence.judgement import Finding, Part, note, sick, suspect, unreadable
from triage.evidence.paste import Paste
from triage.wording import Wording

_NO_HISTORY = re.compile(r"Cannot open /var/log/(?:sa|sysstat)/|Please check if data collecting is enabled")
_BANNER = re.compile(r"^\s*Linux \S+ \(\S+\)\s+\S+\s+_\S+_\s+\(\d+ CPU\)")
_AVERAGE = re.compile(r"^\s*(?:Average|平均时间|平均)\s*:?")
_LEAVES_OUT = re.compile(r"\biostat\s(?:.*\s)?-\w*y")
"""The option that leaves the report since boot out."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_FULL_CORE, _IDLE_REST = 5.0, 50.0
"""Percent idle of one CPU, and of the mean, where one core is the bottleneck."""
_SLOW_MS, _SLOWISH_MS, _QUEUE = 50.0, 20.0, 1.0
_BUSY, _FAST_MS = 90.0, 5.0
_FULL_LINK, _MUCH_KB = 90.0, 10 * 1024.0
_RETRANSMITS, _SOME_RETRANSMITS = 5.0, 1.0
"""Percent of the segments sent."""


_NOTHING = unreadable("truncated", Wording("没有数字"))


@dataclass(frozen=True, slots=True)
class _Table:
    columns: tuple[str, ...]
    rows: tuple[tuple[bool, tuple[str, ...]], ...]
    """Whether it is the average, and the cells from the end of the header's time on."""
    lines: tuple[int, ...]

    def values(self, name: str, *, where: tuple[str, str] | None = None) -> list[float]:
        """The samples of a column, of the average where there are none."""
        if name not in self.columns:
            return []
        index = self.columns.index(name)
        chosen = [
            (mean, row)
            for mean, row in self.rows
            if not where or row[self.columns.index(where[0])] == where[1]
        ]
        samples = [float(row[index]) for mean, row in chosen if not mean and _NUMBER.fullmatch(row[index])]
        return samples or [
            float(row[index]) for mean, row in chosen if mean and _NUMBER.fullmatch(row[index])
        ]


def _tables(paste: Paste, *needed: str) -> Iterator[_Table]:
    """Tables whose header has these words in this order; the rows have as many cells from the right."""
    lines = paste.lines
    index = 0
    while index < len(lines):
        words = lines[index].split()
        if not _has(words, needed):
            index += 1
            continue
        start = words.index(needed[0])
        columns = tuple(words[start:])
        used = [index]
        rows: list[tuple[bool, tuple[str, ...], int]] = []
        index += 1
        while index < len(lines):
            cells = lines[index].split()
            if not cells or _has(cells, needed):
                used.append(index) if cells else None
                index += 1
                continue
            tail = cells[len(cells) - len(columns) :] if len(cells) >= len(columns) else []
            is_mean = bool(_AVERAGE.match(lines[index]))
            if not is_mean and rows and len(cells) < rows[0][2]:  # cut: the columns do not fit
                break
            if not tail or not all(_NUMBER.fullmatch(cell) for cell in tail[1:]):
                break
            rows.append((is_mean, tuple(tail), len(cells)))
            used.append(index)
            index += 1
        yield _Table(columns, tuple(row[:2] for row in rows), tuple(used))


def _has(words: list[str], needed: tuple[str, ...]) -> bool:
    place = -1
    for name in needed:
        if name not in words[place + 1 :]:
            return False
        place = words.index(name, place + 1)
    return True


def read(paste: Paste) -> Iterator[Part]:
    """One part for each report."""
    yield from _cpu(paste)
    yield from _queue(paste)
    yield from _links(paste)
    yield from _tcp(paste)
    if missing := [index for index, line in enumerate(paste.lines) if _NO_HISTORY.search(line)]:
        proof = paste.lines[missing[0]].strip()[:80]
        yield Part("sar_u", (unreadable("no_history", proof),), tuple(missing))


def _banner(paste: Paste, lines: tuple[int, ...]) -> tuple[int, ...]:
    """The lines with those of the banner before them."""
    before = [i for i in range(max(0, lines[0] - 3), lines[0]) if _BANNER.match(paste.lines[i])]
    return (*before, *lines)


def _cpu(paste: Paste) -> Iterator[Part]:
    for table in _tables(paste, "CPU", "%iowait", "%idle"):
        tool = "mpstat" if "%usr" in table.columns or "%irq" in table.columns else "sar_u"
        means = ("CPU", "all")
        idle, wait, steal = (table.values(name, where=means) for name in ("%idle", "%iowait", "%steal"))
        findings = list(judge_cpu(idle, wait, steal or [0.0] * len(idle)))
        cores = {row[0] for _, row in table.rows} - {"all"}
        each = {core: _mean(table.values("%idle", where=("CPU", core))) for core in cores}
        full = [core for core, value in each.items() if value <= _FULL_CORE]
        if full and _mean(idle or list(each.values())) >= _IDLE_REST:
            findings.append(
                sick(
                    "one_core_full",
                    Wording(
                        "CPU {number} 空闲 {idle:g}%，平均 {mean:g}%",
                        number=full[0],
                        idle=each[full[0]],
                        mean=_mean(idle),
                    ),
                )
            )
        if not table.rows:
            findings.append(_NOTHING)
        yield Part(tool, tuple(findings), _banner(paste, table.lines))


def _queue(paste: Paste) -> Iterator[Part]:
    from triage.evidence.host.uptime import judge_load

    for table in _tables(paste, "runq-sz", "plist-sz", "ldavg-1", "ldavg-15"):
        queue, loads, old = (table.values(name) for name in ("runq-sz", "ldavg-1", "ldavg-15"))
        findings = list(judge_load(loads[-1], old[-1], paste.cpus)) if loads else [_NOTHING]
        if paste.cpus and queue and sum(value > 2 * paste.cpus for value in queue) > len(queue) / 2:
            findings.append(
                sick(
                    "run_queue", Wording("runq-sz {queue:g}，{cpus} 核", queue=_mean(queue), cpus=paste.cpus)
                )
            )
        yield Part("sar_q", tuple(findings), _banner(paste, table.lines))


def _links(paste: Paste) -> Iterator[Part]:
    for table in _tables(paste, "IFACE", "rxkB/s", "txkB/s", "%ifutil"):
        found = tuple(_judge_links(table)) if table.rows else (_NOTHING,)
        yield Part("sar_dev", found, _banner(paste, table.lines))


def _judge_links(table: _Table) -> Iterator[Finding]:
    for link in dict.fromkeys(row[0] for _, row in table.rows):
        where = ("IFACE", link)
        use = _mean(table.values("%ifutil", where=where))
        rate = max(_mean(table.values("rxkB/s", where=where)), _mean(table.values("txkB/s", where=where)))
        if use >= _FULL_LINK:
            yield sick("bandwidth_full", Wording("{link} 用了 {use:g}%", link=link, use=use))
        elif rate >= _MUCH_KB and use == 0 and link != "lo":
            yield suspect(
                "ifutil_unknown",
                Wording("{link} {rate:.0f} MB/s，网卡没报速率", link=link, rate=rate / 1024),
            )


def _tcp(paste: Paste) -> Iterator[Part]:
    sent = list(_tables(paste, "active/s", "oseg/s"))
    again = list(_tables(paste, "retrans/s"))
    if not sent and not again:
        return
    lines = tuple(sorted({line for table in (*sent, *again) for line in table.lines}))
    out = _mean(sent[0].values("oseg/s")) if sent else 0.0
    lost = _mean(again[0].values("retrans/s")) if again else 0.0
    findings = (
        tuple(judge_retransmits(lost, out))
        if sent and sent[0].rows and again and again[0].rows
        else (unreadable("truncated", Wording("要两张表")),)
    )
    yield Part("sar_tcp", findings, _banner(paste, lines))


def judge_retransmits(again: float, sent: float) -> Iterator[Finding]:
    """What the share of segments that were sent again says."""
    share = 100 * again / sent if sent else 0.0
    if share >= _SOME_RETRANSMITS:
        found = sick if share >= _RETRANSMITS else suspect
        yield found("retransmits", Wording("重传 {share:.1f}%", share=share))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


# -- iostat


def read_iostat(paste: Paste) -> Iterator[Part]:
    """One part for all reports of iostat -x; the first one is the average since boot where there are several."""
    devices = [table for name in ("Device", "Device:") for table in _tables(paste, name, "%util")]
    if not devices:
        yield from _iostat_without_devices(paste)
        return
    devices.sort(key=lambda table: table.lines)
    cpu = list(_iostat_cpu(paste))
    lines = sorted(
        {line for table in devices for line in table.lines}
        | {i for index, _ in cpu for i in (index, index + 1)}
    )
    current = devices[1:] or devices
    shares = [share for _, share in cpu][1:] or [share for _, share in cpu]
    findings = [finding for table in current[-1:] for finding in _judge_devices(table)]
    findings += (
        judge_cpu([s[2] for s in shares], [s[0] for s in shares], [s[1] for s in shares]) if shares else []
    )
    since_boot = not _LEAVES_OUT.search(paste.commands[devices[0].lines[0]])
    if len(devices) == 1 and len(_blocks(devices[0])) < 2 and since_boot:
        findings = [unreadable("only_since_boot", Wording("只有一份报告"))]
    elif len(devices) == 1 and not devices[0].rows:
        findings = [_NOTHING]
    yield Part("iostat", tuple(findings), tuple(lines))


def _iostat_without_devices(paste: Paste) -> Iterator[Part]:
    """iostat -c, or without -x, whose columns of devices judge nothing: the CPU's shares alone."""
    cpu = list(_iostat_cpu(paste))
    if not cpu:
        return
    if any("%util" in line for line in paste.lines):
        yield Part("iostat", (_NOTHING,), tuple(i for i, _ in cpu))
        return
    plain = [table for name in ("Device", "Device:") for table in _tables(paste, name, "tps")]
    lines = {line for table in plain for line in table.lines} | {i for at, _ in cpu for i in (at, at + 1)}
    shares = [share for _, share in cpu[1:]]
    findings = (
        judge_cpu([s[2] for s in shares], [s[0] for s in shares], [s[1] for s in shares])
        if shares
        else [unreadable("only_since_boot", Wording("只有一份报告"))]
    )
    yield Part("iostat", tuple(findings), _banner(paste, tuple(sorted(lines))))


def _blocks(table: _Table) -> list[int]:
    """The lines of a table where another header stands: reports that follow without an empty line."""
    return [line for line in table.lines[1:] if line]


def _iostat_cpu(paste: Paste) -> Iterator[tuple[int, tuple[float, float, float]]]:
    for index, line in enumerate(paste.lines[:-1]):
        if line.split()[:1] == ["avg-cpu:"] and "%iowait" in line:
            names = line.split()[1:]
            cells = paste.lines[index + 1].split()
            if len(cells) == len(names) and all(map(_NUMBER.fullmatch, cells)):
                values = dict(zip(names, map(float, cells), strict=True))
                yield index, (values["%iowait"], values.get("%steal", 0.0), values["%idle"])


def judge_disk(device: str, wait: float, queue: float) -> Iterator[Finding]:
    """What the milliseconds of a request and the requests in the queue say."""
    if wait > _SLOW_MS:
        yield sick("disk_slow", Wording("{device} await {wait:g} 毫秒", device=device, wait=wait))
    elif wait > _SLOWISH_MS and queue > _QUEUE:
        yield suspect(
            "disk_slow",
            Wording("{device} await {wait:g} 毫秒，排队 {queue:g}", device=device, wait=wait, queue=queue),
        )


def _judge_devices(table: _Table) -> Iterator[Finding]:
    names = ("await", "r_await", "w_await")
    for device in dict.fromkeys(row[0] for _, row in table.rows):
        where = (table.columns[0], device)
        waits = [max(values) for name in names if (values := table.values(name, where=where))]
        queue = max([0.0, *table.values("aqu-sz", where=where), *table.values("avgqu-sz", where=where)])
        busy = max([0.0, *table.values("%util", where=where)])
        wait = max(waits, default=0.0)
        if slow := tuple(judge_disk(device, wait, queue)):
            yield from slow
            return
        if busy >= _BUSY and wait < _FAST_MS and waits:
            yield note(
                "util_misleading",
                Wording("{device} %util {busy:g}，await {wait:g} 毫秒", device=device, busy=busy, wait=wait),
            )
            return
