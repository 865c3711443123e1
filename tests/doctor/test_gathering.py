"""The numbers of the machine that the tests run on: read without root, and true."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("/proc is Linux's", allow_module_level=True)

from triage.doctor.gathering import gather


def test_this_machine_is_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
            host = gather([port], pause=0.05)
    assert port in host.listening
    assert host.states["ESTABLISHED"] >= 2
    assert host.states["LISTEN"] >= 1
    assert host.cpus == len(os.sched_getaffinity(0))
    assert 0 < host.memory.part < host.memory.total
    assert "/" in host.rooms
    assert all(0 <= percent <= 100 for percent in (*host.rooms.values(), *host.inodes.values()))
    assert len(host.moments) == 3
    assert sum(host.moments[-1].cpu.values()) >= sum(host.moments[0].cpu.values()) > 0
    assert {"ListenOverflows", "ListenDrops"} == host.moments[0].overflows.keys()


def test_what_listens_on_the_callback_s_port_is_looked_at() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = gather([server.getsockname()[1]], moments=2, pause=0.01)
    (process,) = (each for each in host.processes if f"({os.getpid()})" in each.name)
    assert process.open_files is not None
    assert process.open_files == pytest.approx(len(list(Path("/proc/self/fd").iterdir())), abs=3)
    assert process.open_files_limit is not None
    assert process.open_files_limit > process.open_files
