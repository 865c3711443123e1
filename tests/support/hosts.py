"""A sound host, for the tests of the doctor."""

from __future__ import annotations

from dataclasses import replace

from triage.doctor.host import Host, Moment, Process, Share

GIB = 1 << 30
STILL = Moment(
    cpu={"user": 0.0, "idle": 0.0, "iowait": 0.0, "steal": 0.0},
    running=1,
    blocked=0,
    swapped=0,
    disks={"vda": Share(0, 0)},
    sent=0,
    resent=0,
    overflows={"ListenOverflows": 0, "ListenDrops": 0},
)


def moments(**each: float) -> tuple[Moment, ...]:
    """Three moments a second apart on four CPUs, whose time was used in these percentages."""
    shares = {"user": 10.0, "idle": 90.0, "iowait": 0.0, "steal": 0.0} | each
    return tuple(
        replace(STILL, cpu={name: 4 * n * share / 100 for name, share in shares.items()}) for n in range(3)
    )


SOUND = Host(
    name="web-1",
    cpus=4,
    load=(0.4, 0.4, 0.4),
    up_seconds=86_400,
    memory=Share(8 * GIB, 4 * GIB),
    swap=Share(2 * GIB, 0),
    moments=moments(),
    rooms={"/": 40.0},
    inodes={"/": 5.0},
    states={"ESTABLISHED": 80, "LISTEN": 3},
    listening=frozenset({22, 443}),
    tracked=Share(65_536, 900),
    pressure={"cpu": 1.0, "memory": 0.0, "io": 0.5},
    processes=(Process("nginx（7）", 65_535, 200, Share(10_000, 10), 0),),
)
