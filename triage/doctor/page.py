"""What was found on a host, on one page: the worst first, with its proof, what it causes and what to do first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from triage.evidence.findings import FINDINGS
from triage.evidence.judgement import Finding, Part, Verdict, rank
from triage.evidence.transcript import MARKS

LOOKED_AT: Mapping[str, str] = {
    "uptime": "负载",
    "vmstat": "CPU 和换页",
    "free": "内存",
    "iostat": "磁盘速度",
    "df": "磁盘空间",
    "df_inodes": "inode",
    "tcp_states": "连接状态",
    "nstat": "监听队列和重传",
    "kernel": "连接跟踪和等待",
    "ss": "监听端口",
    "limits": "打开的文件",
    "cgroup_cpu": "容器的 CPU 上限",
    "cgroup_memory": "容器的内存上限",
    "dig": "回调的域名",
    "probe_dns_wechat": "微信 DNS 的解析",
    "connect": "连到回调",
    "openssl": "回调的证书",
    "logs": "接入层日志",
    "nginx": "nginx 配置",
    "nginx_config": "这段 nginx 配置",
}
"""What a healthy part says was looked at, by its tool."""


def write_page(title: str, parts: Sequence[Part], kinds: Mapping[str, str], alert: str | None = None) -> str:
    """The page in Chinese.

    `kinds` are the titles of the alert kinds by id; `alert` is the id of the kind that is to be explained.
    """
    found = sorted(
        ((part, finding) for part in parts for finding in part.findings),
        key=lambda item: (rank(item[1].verdict), alert not in FINDINGS[item[1].id].explains),
    )
    lines = [title, ""]
    for _, finding in found:
        if finding.verdict is not Verdict.HEALTHY:
            lines += _told(finding, kinds, alert)
    healthy = [LOOKED_AT[part.tool] for part in parts if part.verdict is Verdict.HEALTHY]
    if healthy:
        lines.append(f"{MARKS[Verdict.HEALTHY]} 正常：{'、'.join(healthy)}")
    if alert and not any(_explains(finding, alert) for _, finding in found):
        lines.append(f"这台机器上没看到能引起「{kinds.get(alert, alert)}」的")
    return "\n".join(lines)


def _told(finding: Finding, kinds: Mapping[str, str], alert: str | None) -> Iterator[str]:
    meaning = FINDINGS[finding.id]
    yield f"{MARKS[finding.verdict]} {meaning.says}" + (f"：{finding.proof}" if finding.proof else "")
    if finding.verdict is Verdict.UNREADABLE:
        return
    if causes := [kinds.get(kind, kind) for kind in meaning.explains]:
        yield f"  能引起：{'、'.join(causes)}" + (
            "，就是这条报警" if alert and _explains(finding, alert) else ""
        )
    if meaning.next:
        yield f"  先做：{meaning.next}"


def _explains(finding: Finding, alert: str) -> bool:
    is_reason = finding.verdict in (Verdict.SICK, Verdict.SUSPECT)
    return is_reason and alert in FINDINGS[finding.id].explains
