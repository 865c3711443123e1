"""Reads a Linux host by psutil and from /proc and /sys; nothing is written, no program is run.

https://psutil.readthedocs.io/, https://man7.org/linux/man-pages/man5/proc.5.html,
https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/accounting/psi.html
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from triage.doctor.host import Host, Moment, Process, Share

_PROC, _GROUPS = Path("/proc"), Path("/sys/fs/cgroup")
_STATES = {
    "01": "ESTABLISHED", "02": "SYN_SENT", "03": "SYN_RECV", "04": "FIN_WAIT1", "05": "FIN_WAIT2", "06": "TIME_WAIT",
    "07": "CLOSE", "08": "CLOSE_WAIT", "09": "LAST_ACK", "0A": "LISTEN", "0B": "CLOSING",
}  # fmt: skip
"""By the kernel's number: include/net/tcp_states.h."""
_OVERFLOWS = ("ListenOverflows", "ListenDrops")
_NOT_COUNTED = ("squashfs", "iso9660", "tmpfs", "devtmpfs", "overlay")
"""File systems that are full by nature, or whose room is another one's; the root counts whatever it is."""
_NO_DEVICE = re.compile(r"(?:loop|ram|zram|sr|fd)\d")
_OPEN_FILES = re.compile(r"^Max open files\s+(\d+|unlimited)", re.MULTILINE)
_UNLIMITED = 2**31
_MOST_PROCESSES = 64
"""Processes of one server that are looked at."""


def gather(ports: Iterable[int], *, moments: int = 3, pause: float = 1.0) -> Host:
    """The host as it is now; the counters are read `moments` times, `pause` seconds apart.

    `ports` are those on which the callback should be listened for.
    """
    seen = [_moment()]
    for _ in range(moments - 1):
        time.sleep(pause)
        seen.append(_moment())
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    states, listening = _sockets()
    return Host(
        name=socket.gethostname(),
        cpus=len(os.sched_getaffinity(0)),
        load=os.getloadavg(),
        up_seconds=time.time() - psutil.boot_time(),
        memory=Share(memory.total, memory.available),
        swap=Share(swap.total, swap.used),
        moments=tuple(seen),
        rooms=dict(_rooms()),
        inodes=dict(_inodes()),
        states=states,
        listening=listening,
        tracked=_tracked(),
        pressure=dict(_pressure()),
        processes=tuple(map(_process, _servers(frozenset(ports)))),
    )


def _moment() -> Moment:
    counters = {**_counters("net/snmp"), **_counters("net/netstat")}
    cpu, swap = psutil.cpu_times(), psutil.swap_memory()
    busy = cpu.user + cpu.nice + cpu.system + cpu.irq + cpu.softirq
    tasks = dict(re.findall(r"^(procs_\w+) (\d+)$", _text("stat"), re.MULTILINE))
    disks = psutil.disk_io_counters(perdisk=True) or {}
    return Moment(
        cpu={"idle": cpu.idle, "iowait": cpu.iowait, "steal": cpu.steal, "busy": busy},
        running=max(0, int(tasks.get("procs_running", 1)) - 1),
        blocked=int(tasks.get("procs_blocked", 0)),
        swapped=swap.sin + swap.sout,
        disks={
            name: Share(disk.read_time + disk.write_time, disk.read_count + disk.write_count)
            for name, disk in disks.items()
            if not _NO_DEVICE.match(name)
        },
        sent=counters.get("Tcp.OutSegs", 0),
        resent=counters.get("Tcp.RetransSegs", 0),
        overflows={name: counters.get(f"TcpExt.{name}", 0) for name in _OVERFLOWS},
    )


def _text(name: str) -> str:
    """A file below /proc, `""` where there is none or it may not be read."""
    with suppress(OSError):
        return (_PROC / name).read_text(encoding="utf-8", errors="replace")
    return ""


def _counters(name: str) -> Mapping[str, int]:
    """A file of lines in pairs, the names and the numbers of a protocol: {"Tcp.OutSegs": 12}."""
    lines = _text(name).splitlines()
    return {
        f"{head.split(':')[0]}.{key}": int(value)
        for head, row in zip(lines[::2], lines[1::2], strict=False)
        for key, value in zip(head.split()[1:], row.split()[1:], strict=False)
    }


def _sockets() -> tuple[Mapping[str, int], frozenset[int]]:
    """How many TCP connections are in each state, and the ports that are listened on."""
    states: Counter[str] = Counter()
    listening = set()
    for name in ("net/tcp", "net/tcp6"):
        for line in _text(name).splitlines()[1:]:
            _, local, _, number = line.split()[:4]
            state = _STATES.get(number, "CLOSE")
            states[state] += 1
            if state == "LISTEN":
                listening.add(int(local.rpartition(":")[2], 16))
    return states, frozenset(listening)


def _mounts() -> Iterator[str]:
    for partition in psutil.disk_partitions(all=True):
        is_counted = partition.fstype not in _NOT_COUNTED and partition.device.startswith("/")
        if partition.mountpoint == "/" or (is_counted and Path(partition.mountpoint).is_dir()):
            yield partition.mountpoint


def _rooms() -> Iterator[tuple[str, float]]:
    for mount in _mounts():
        with suppress(OSError):
            yield mount, psutil.disk_usage(mount).percent


def _inodes() -> Iterator[tuple[str, float]]:
    for mount in _mounts():
        with suppress(OSError):
            found = os.statvfs(mount)
            if found.f_files:
                yield mount, 100 * (found.f_files - found.f_favail) / found.f_files


def _tracked() -> Share | None:
    count, room = (_text(f"sys/net/netfilter/nf_conntrack_{name}").strip() for name in ("count", "max"))
    return Share(int(room), int(count)) if count and room else None


def _pressure() -> Iterator[tuple[str, float]]:
    for resource in ("cpu", "memory", "io"):
        if some := re.search(r"^some avg10=(\d+\.\d+)", _text(f"pressure/{resource}")):
            yield resource, float(some[1])


# -- processes


def _servers(ports: frozenset[int]) -> Iterator[psutil.Process]:
    """nginx's workers, which hold the connections, and what listens on the ports, where that may be seen."""
    listeners = {
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port in ports
    }
    left = _MOST_PROCESSES
    for process in psutil.process_iter(["name", "cmdline"]):
        command = " ".join(process.info["cmdline"] or ())
        is_nginx = process.info["name"] == "nginx"
        is_worker = is_nginx and "worker process" in command
        if left and (is_worker or (process.pid in listeners and not is_nginx)):
            left -= 1
            yield process


def _process(process: psutil.Process) -> Process:
    name = f"{process.info['name'] or 'pid'} ({process.pid})"
    limit = _OPEN_FILES.search(_text(f"{process.pid}/limits"))
    opened = None
    with suppress(psutil.Error):
        opened = process.num_fds()
    return Process(
        name,
        None if limit is None else _UNLIMITED if limit[1] == "unlimited" else int(limit[1]),
        opened,
        *_control_group(process.pid),
    )


def _control_group(pid: int) -> tuple[Share | None, int | None]:
    """The throttled periods and the kills of a process's control group, in version 2 or 1."""
    paths = {
        controller: path.lstrip("/")
        for _, controllers, path in (
            line.split(":", 2) for line in _text(f"{pid}/cgroup").splitlines() if line.count(":") >= 2
        )
        for controller in (controllers or "").split(",")
    }
    processor = _numbers("cpu.stat", paths.get("", "")) or _numbers("cpu.stat", paths.get("cpu", ""), "cpu")
    memory = _numbers("memory.events", paths.get("", "")) or _numbers(
        "memory.oom_control", paths.get("memory", ""), "memory"
    )
    periods = processor.get("nr_periods")
    return (
        None if periods is None else Share(periods, processor.get("nr_throttled", 0)),
        memory.get("oom_kill"),
    )


def _numbers(name: str, path: str, controller: str = "") -> Mapping[str, int]:
    """The numbers of a control group's file; inside a container the group's own path is not there, but its root."""
    for folder in (_GROUPS / controller / path, _GROUPS / controller):
        with suppress(OSError):
            text = (folder / name).read_text(encoding="utf-8")
            return {key: int(value) for key, value in re.findall(r"^(\w+) (\d+)$", text, re.MULTILINE)}
    return {}
