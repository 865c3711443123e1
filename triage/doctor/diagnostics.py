"""The judgement of a host, by the thresholds of `evidence`: the same number is judged alike, pasted or read here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise

from triage.doctor.host import Host, Process
from triage.evidence.host.disks import judge_room
from triage.evidence.host.limits import judge_kills, judge_open_files, judge_throttling
from triage.evidence.host.memory import judge_memory, judge_swap
from triage.evidence.host.sysstat import judge_disk, judge_retransmits
from triage.evidence.host.uptime import judge_load
from triage.evidence.host.vmstat import judge_cpu, judge_queue, judge_swapping
from triage.evidence.judgement import Finding, Part, rank, sick, suspect, unreadable, worst
from triage.evidence.network.counters import judge_overflows
from triage.evidence.network.sockets import judge_states
from triage.wording import Wording, joined

_JUST_STARTED = 600.0
"""Seconds."""
_FEW_REQUESTS = 10
"""Requests to a disk that say nothing about its speed."""
_FEW_SEGMENTS = 200
"""TCP segments of which a share says nothing."""
_SHOWN_PORTS = 8
_TABLE_FULL = 95
_STALLED = 20
"""Percent of the last ten seconds; the kernel's documentation names no threshold, so it asks for a second look only."""
_STALLS = {"cpu": "cpu_stalled", "memory": "memory_stalled", "io": "io_stalled"}


def examine(host: Host, ports: Collection[int] = ()) -> tuple[Part, ...]:
    """A part for everything that was looked at, named by the tool whose output it stands for.

    One of `ports` must be listened on, if there are any.
    """
    found = (
        ("uptime", _load(host)),
        ("vmstat", _processor(host)),
        ("free", _memory(host)),
        ("iostat", _disks(host)),
        ("df", judge_room(host.rooms)),
        ("df_inodes", judge_room(host.inodes, inodes=True)),
        ("tcp_states", judge_states(host.states)),
        ("nstat", _counters(host)),
        ("kernel", _kernel(host)),
        *([("ss", _listening(host, frozenset(ports)))] if ports else []),
        *_processes(host.processes),
    )
    return tuple(Part(tool, tuple(findings), ()) for tool, findings in found)


def _load(host: Host) -> Iterator[Finding]:
    one, _, fifteen = host.load
    yield from judge_load(round(one, 2), round(fifteen, 2), host.cpus)
    if host.up_seconds < _JUST_STARTED:
        yield suspect("just_rebooted", Wording("开机 {minutes:.0f} 分钟", minutes=host.up_seconds / 60))


def _processor(host: Host) -> Iterator[Finding]:
    shares = [
        {name: 100 * (after.cpu[name] - before.cpu[name]) / total for name in after.cpu}
        for before, after in pairwise(host.moments)
        if (total := sum(after.cpu.values()) - sum(before.cpu.values())) > 0
    ]
    if not shares:
        yield unreadable("only_since_boot", Wording("只有一个样本"))
        return
    idle, wait, steal = (
        [round(share.get(name, 0.0)) for share in shares] for name in ("idle", "iowait", "steal")
    )
    yield from judge_cpu(idle, wait, steal)
    yield from judge_queue([moment.running for moment in host.moments[-len(shares) :]], idle, host.cpus)
    if sum(moment.blocked > 1 for moment in host.moments) > 1:
        yield suspect(
            "blocked",
            Wording(
                "{name} {numbers}",
                name="b",
                numbers=joined("{a}、{b}", (str(moment.blocked) for moment in host.moments)),
            ),
        )
    yield from judge_swapping(
        [(after.swapped - before.swapped) // 1024 for before, after in pairwise(host.moments)]
    )


def _memory(host: Host) -> Iterator[Finding]:
    yield from judge_memory(host.memory.total, host.memory.part)
    if host.swap.total:
        yield from judge_swap(host.swap.total, host.swap.part)


def _disks(host: Host) -> Iterator[Finding]:
    first, last = host.moments[0].disks, host.moments[-1].disks
    for device in last.keys() & first.keys():
        requests = last[device].part - first[device].part
        if requests >= _FEW_REQUESTS:
            wait = (last[device].total - first[device].total) / requests
            if slow := tuple(judge_disk(device, round(wait, 1), 0.0)):
                yield from slow
                return


def _counters(host: Host) -> Iterator[Finding]:
    first, last = host.moments[0], host.moments[-1]
    series = {name: [moment.overflows.get(name, 0) for moment in host.moments] for name in last.overflows}
    yield from judge_overflows(series)
    if last.sent - first.sent >= _FEW_SEGMENTS:
        yield from judge_retransmits(last.resent - first.resent, last.sent - first.sent)


def _kernel(host: Host) -> Iterator[Finding]:
    if host.tracked and 100 * host.tracked.part >= _TABLE_FULL * host.tracked.total:
        yield sick(
            "conntrack_full",
            Wording("连接跟踪表 {part}，上限 {total}", part=host.tracked.part, total=host.tracked.total),
        )
    for resource, percent in host.pressure.items():
        if percent >= _STALLED:
            yield suspect(
                _STALLS[resource],
                f"/proc/pressure/{resource} some avg10 {percent:g}%",
            )


def _listening(host: Host, ports: frozenset[int]) -> Iterator[Finding]:
    if ports and not ports & host.listening:
        shown = joined("{a}、{b}", map(str, sorted(host.listening)[:_SHOWN_PORTS])) or Wording("没有")
        yield sick(
            "no_web_listener",
            Wording(
                "要 {ports}，在听的：{shown}", ports=joined("{a}、{b}", map(str, sorted(ports))), shown=shown
            ),
        )


def _processes(processes: tuple[Process, ...]) -> Iterator[tuple[str, Iterable[Finding]]]:
    if processes:
        yield "limits", _worst(map(_files, processes))
    if groups := [process.throttled for process in processes if process.throttled]:
        yield "cgroup_cpu", _worst(judge_throttling(group.total, group.part) for group in groups)
    if kills := [process.kills for process in processes if process.kills is not None]:
        yield "cgroup_memory", judge_kills(max(kills))


def _files(process: Process) -> Iterator[Finding]:
    if process.open_files_limit is not None:
        yield from judge_open_files(process.open_files_limit, process.open_files or 0, process.name)
    if process.open_files_limit is None or process.open_files is None:
        yield unreadable("not_root", Wording("{name} 打开了多少文件，要 root 才看得到", name=process.name))


def _worst(each: Iterable[Iterable[Finding]]) -> tuple[Finding, ...]:
    """The findings of the process that is worst off."""
    every = [tuple(findings) for findings in each]
    return min(every, key=lambda findings: rank(worst(tuple(item.verdict for item in findings))))
