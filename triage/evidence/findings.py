"""What each finding says, which alerts it explains, and what to run next.

The ids are those of the contract's corpus of evidence; each tool's module holds the thresholds and their sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """A finding in words."""

    says: str
    """What is so, in Chinese, in a few words: 内存换页."""
    explains: tuple[str, ...] = ()
    """Ids of the alert kinds that it can cause."""
    next: str = ""
    """The command or the look that follows, in Chinese; `""` for none."""


_SLOW = ("request_timeout", "connect_timeout")
_BAD = ("bad_response",)

FINDINGS: Mapping[str, Meaning] = {
    # uptime, vmstat
    "load_high": Meaning("负载高过核数", _SLOW, "vmstat 1 5"),
    "load_unknown_cpus": Meaning("不知道几核，判断不了负载", (), "nproc"),
    "load_rising": Meaning("负载还在涨", _SLOW, "top -b -n 1 | head -20"),
    "load_falling": Meaning("负载在回落", (), ""),
    "just_rebooted": Meaning(
        "机器刚重启过", ("connect_timeout", "request_timeout"), "last -x reboot | head -3"
    ),
    "cpu_saturated": Meaning("CPU 用满", _SLOW, "top -b -n 1 | head -20"),
    "run_queue": Meaning("任务在排队等 CPU", _SLOW, "top -b -n 1 | head -20"),
    "io_wait": Meaning("CPU 在等磁盘", ("request_timeout",), "iostat -x 1 3"),
    "blocked": Meaning("有进程卡在磁盘上", ("request_timeout",), "iostat -x 1 3"),
    "steal": Meaning("CPU 被宿主机占走", _SLOW, "找云厂商，或换一台机器"),
    "swapping": Meaning("内存换页", ("request_timeout",), "free -m"),
    "swap_used_but_idle": Meaning("用过交换区，现在不换页", (), ""),
    "only_since_boot": Meaning("只有一个样本，是开机以来的平均", (), "vmstat 1 5"),
    # any
    "truncated": Meaning("没有粘全", (), "把整段输出再粘一次"),
}
