"""What was found on a host, on one page: the worst first, with its proof, what it causes and what to do first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from triage.evidence.findings import FINDINGS
from triage.evidence.judgement import Finding, Part, Verdict, rank
from triage.evidence.transcript import MARKS
from triage.wording import Wording, joined

LOOKED_AT: Mapping[str, str] = {
    "uptime": Wording("负载"),
    "vmstat": Wording("CPU 和换页"),
    "free": Wording("内存"),
    "iostat": Wording("磁盘速度"),
    "df": Wording("磁盘空间"),
    "df_inodes": "inode",
    "tcp_states": Wording("连接状态"),
    "nstat": Wording("监听队列和重传"),
    "kernel": Wording("连接跟踪和等待"),
    "ss": Wording("监听端口"),
    "limits": Wording("打开的文件"),
    "cgroup_cpu": Wording("容器的 CPU 上限"),
    "cgroup_memory": Wording("容器的内存上限"),
    "dig": Wording("回调的域名"),
    "probe_dns_wechat": Wording("微信 DNS 的解析"),
    "connect": Wording("连到回调"),
    "openssl": Wording("回调的证书"),
    "logs": Wording("接入层日志"),
    "nginx": Wording("nginx 配置"),
    "nginx_config": Wording("这段 nginx 配置"),
}
"""What a healthy part says was looked at, by its tool."""


def write_page(
    title: str, parts: Sequence[Part], kinds: Mapping[str, str], alert: str | None = None
) -> Iterator[str]:
    """The page, line by line.

    `kinds` are the titles of the alert kinds by id; `alert` is the id of the kind that is to be explained.
    """
    found = sorted(
        ((part, finding) for part in parts for finding in part.findings),
        key=lambda item: (rank(item[1].verdict), alert not in FINDINGS[item[1].id].explains),
    )
    yield title
    yield ""
    for _, finding in found:
        if finding.verdict is not Verdict.HEALTHY:
            yield from _told(finding, kinds, alert)
    healthy = [LOOKED_AT[part.tool] for part in parts if part.verdict is Verdict.HEALTHY]
    if healthy:
        yield Wording("✓ 正常：{names}", names=joined("{a}、{b}", healthy))
    if alert and not any(_explains(finding, alert) for _, finding in found):
        yield Wording("这台机器上没看到能引起「{kind}」的", kind=kinds.get(alert, alert))


def _told(finding: Finding, kinds: Mapping[str, str], alert: str | None) -> Iterator[str]:
    meaning = FINDINGS[finding.id]
    said: str = Wording(meaning.says)
    if finding.proof:
        said = Wording("{what}：{seen}", what=said, seen=finding.proof)
    yield Wording("{mark} {said}", mark=MARKS[finding.verdict], said=said)
    if finding.verdict is Verdict.UNREADABLE:
        return
    if causes := [kinds.get(kind, kind) for kind in meaning.explains]:
        can = Wording("  能引起：{kinds}", kinds=joined("{a}、{b}", causes))
        yield Wording("{can}，就是这条报警", can=can) if alert and _explains(finding, alert) else can
    if meaning.next:
        yield Wording("  先做：{next}", next=Wording(meaning.next))


def _explains(finding: Finding, alert: str) -> bool:
    is_reason = finding.verdict in (Verdict.SICK, Verdict.SUSPECT)
    return is_reason and alert in FINDINGS[finding.id].explains
