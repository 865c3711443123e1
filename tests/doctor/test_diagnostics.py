"""Every diagnostic of a host fires on a sick number and stays quiet on the sound one beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.hosts import GIB, SOUND, STILL, moments
from triage.doctor.diagnostics import examine
from triage.doctor.host import Host, Moment, Share
from triage.evidence.judgement import Verdict


def counting(**last: object) -> tuple[Moment, ...]:
    """The same, with other counters at the end."""
    *first, end = moments()
    return (*first, replace(end, **last))  # type: ignore[arg-type]  # any field of a moment


WORKER = SOUND.processes[0]

SICK = [
    (("uptime", "load_high"), {"load": (8.1, 8.0, 8.0)}, {"load": (4.0, 4.0, 4.0)}),
    (("uptime", "just_rebooted"), {"up_seconds": 599}, {"up_seconds": 601}),
    (
        ("vmstat", "cpu_saturated"),
        {"moments": moments(user=92, idle=8)},
        {"moments": moments(user=80, idle=20)},
    ),
    (
        ("vmstat", "io_wait"),
        {"moments": moments(idle=60, iowait=30)},
        {"moments": moments(idle=85, iowait=5)},
    ),
    (("vmstat", "steal"), {"moments": moments(idle=70, steal=20)}, {"moments": moments(idle=87, steal=3)}),
    (
        ("vmstat", "run_queue"),
        {"moments": tuple(replace(each, running=9) for each in moments())},
        {"moments": tuple(replace(each, running=8) for each in moments())},
    ),
    (
        ("vmstat", "blocked"),
        {"moments": tuple(replace(each, blocked=2) for each in moments())},
        {"moments": tuple(replace(each, blocked=1) for each in moments())},
    ),
    (
        ("vmstat", "swapping"),
        {"moments": tuple(replace(each, swapped=n * 8192) for n, each in enumerate(moments()))},
        {"moments": counting(swapped=8192)},
    ),
    (("free", "mem_low"), {"memory": Share(8 * GIB, GIB // 2)}, {"memory": Share(8 * GIB, 2 * GIB)}),
    (("free", "swap_full"), {"swap": Share(100, 81)}, {"swap": Share(100, 20)}),
    (
        ("iostat", "disk_slow"),
        {"moments": counting(disks={"vda": Share(6_000, 100)})},
        {"moments": counting(disks={"vda": Share(540, 9)})},
    ),
    (("df", "disk_full"), {"rooms": {"/": 40.0, "/var": 96.0}}, {"rooms": {"/": 84.0}}),
    (("df_inodes", "inode_full"), {"inodes": {"/": 95.0}}, {"inodes": {"/": 84.0}}),
    (("tcp_states", "close_wait"), {"states": {"CLOSE_WAIT": 100}}, {"states": {"CLOSE_WAIT": 9}}),
    (
        ("nstat", "rising"),
        {"moments": counting(overflows={"ListenOverflows": 3})},
        {"moments": counting(sent=900, resent=8)},
    ),
    (
        ("nstat", "retransmits"),
        {"moments": counting(sent=1_000, resent=50)},
        {"moments": counting(sent=199, resent=50)},
    ),
    (("kernel", "conntrack_full"), {"tracked": Share(100, 95)}, {"tracked": None}),
    (("kernel", "io_stalled"), {"pressure": {"io": 20.0}}, {"pressure": {"io": 19.9}}),
    (("ss", "no_web_listener"), {"listening": frozenset({22})}, {"listening": frozenset({443})}),
    (
        ("limits", "nofile_low"),
        {"processes": (WORKER, replace(WORKER, open_files_limit=1024, open_files=None))},
        {"processes": (replace(WORKER, open_files_limit=4097),)},
    ),
    (
        ("limits", "nofile_full"),
        {"processes": (replace(WORKER, open_files=60_000),)},
        {"processes": (replace(WORKER, open_files=50_000),)},
    ),
    (("limits", "not_root"), {"processes": (replace(WORKER, open_files=None),)}, {"processes": ()}),
    (
        ("cgroup_cpu", "cpu_throttled"),
        {"processes": (WORKER, replace(WORKER, throttled=Share(100, 25)))},
        {"processes": (replace(WORKER, throttled=Share(100, 4)),)},
    ),
    (
        ("cgroup_memory", "cgroup_oom"),
        {"processes": (replace(WORKER, kills=1),)},
        {"processes": (replace(WORKER, kills=None),)},
    ),
]


def found(host: Host) -> set[tuple[str, str]]:
    return {(part.tool, finding.id) for part in examine(host, {443}) for finding in part.findings}


def test_a_sound_host_is_healthy_in_every_part() -> None:
    parts = examine(SOUND, {443})
    assert {part.verdict for part in parts} == {Verdict.HEALTHY}
    assert found(SOUND) == set()


@pytest.mark.parametrize(
    ("expected", "sick", "sound"), SICK, ids=[f"{tool}-{id_}" for (tool, id_), *_ in SICK]
)
def test_a_sick_number_is_found_and_the_sound_one_beside_it_is_not(
    expected: tuple[str, str], sick: dict[str, object], sound: dict[str, object]
) -> None:
    assert expected in found(replace(SOUND, **sick))  # type: ignore[arg-type]  # any field of a host
    assert expected not in found(replace(SOUND, **sound))  # type: ignore[arg-type]


def test_without_a_callback_nobody_must_listen() -> None:
    parts = examine(replace(SOUND, listening=frozenset()))
    assert "ss" not in {part.tool for part in parts}


def test_one_look_at_the_processor_proves_nothing() -> None:
    (part,) = (part for part in examine(replace(SOUND, moments=(STILL,))) if part.tool == "vmstat")
    assert part.verdict is Verdict.UNREADABLE
