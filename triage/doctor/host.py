"""A host as numbers: what `gathering` reads and `diagnostics` judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Share:
    """A total and how much of it is free or used, in one unit."""

    total: int
    part: int


@dataclass(frozen=True, slots=True)
class Moment:
    """Counters since boot at one moment; what they mean is the difference of two."""

    cpu: Mapping[str, float]
    """Seconds by use (idle, iowait, steal, busy), of all CPUs together."""
    running: int
    """Tasks that run or wait for a CPU, this program's own left out."""
    blocked: int
    swapped: int
    """Bytes that went to the swap space and back."""
    disks: Mapping[str, Share]
    """By device the milliseconds (`total`) that its requests (`part`) took."""
    sent: int
    resent: int
    """TCP segments."""
    overflows: Mapping[str, int]
    """Connections that found a listening queue full, by the kernel's name of the counter."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the web server, or the one that listens on the callback's port."""

    name: str
    open_files_limit: int | None
    open_files: int | None
    """None where only root may count them."""
    throttled: Share | None = None
    """Periods of its control group in all, and those in which it was kept from the CPU."""
    kills: int | None = None
    """Processes of its control group that were killed for their memory."""


@dataclass(frozen=True, slots=True)
class Host:
    """Everything that is looked at."""

    name: str
    cpus: int
    load: tuple[float, float, float]
    up_seconds: float
    memory: Share
    """Bytes in all and available."""
    swap: Share
    """Bytes in all and used."""
    moments: tuple[Moment, ...]
    """In order, the same time apart."""
    rooms: Mapping[str, float] = field(default_factory=dict)
    """By mount point the percentage of the space that is used."""
    inodes: Mapping[str, float] = field(default_factory=dict)
    """By mount point the percentage of the inodes that are used."""
    states: Mapping[str, int] = field(default_factory=dict)
    """TCP connections by state."""
    listening: frozenset[int] = frozenset()
    """Ports."""
    tracked: Share | None = None
    """Entries that the firewall's table of connections has room for, and those it has."""
    pressure: Mapping[str, float] = field(default_factory=dict)
    """By resource the percentage of the last ten seconds in which some task waited for it."""
    processes: tuple[Process, ...] = ()
