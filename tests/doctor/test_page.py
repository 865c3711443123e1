"""The page of the doctor: the worst first, what explains the alert before the rest, nothing said twice."""

from __future__ import annotations

from tests.support.hosts import SOUND
from triage.doctor.diagnostics import examine
from triage.doctor.page import LOOKED_AT, write_page
from triage.evidence.judgement import Part, sick, suspect, unreadable

KINDS = {"request_timeout": "请求超时", "connect_timeout": "连接超时", "dns_failure": "DNS 失败"}
PARTS = (
    Part("free", (), ()),
    Part("uptime", (suspect("load_high", "1 分钟负载 5，4 核"),), ()),
    Part("dig", (sick("name_not_resolved", "没有这个名字"),), ()),
    Part("vmstat", (sick("swapping", "si+so 12、40"),), ()),
    Part("limits", (unreadable("not_root", "nginx（7）"),), ()),
)


def page(alert: str | None = None) -> list[str]:
    return [str(line) for line in write_page("主机 web-1", PARTS, KINDS, alert)]


def test_every_part_has_a_name_for_people() -> None:
    way = ("dig", "probe_dns_wechat", "connect", "openssl", "logs", "nginx", "nginx_config")
    assert {*(part.tool for part in examine(SOUND, {443})), *way} == LOOKED_AT.keys()


def test_the_worst_comes_first_with_its_proof_what_it_causes_and_what_to_do() -> None:
    assert page() == [
        "主机 web-1",
        "",
        "✗ 域名解析不了：没有这个名字",
        "  能引起：DNS 失败",
        "  先做：dig 域名",
        "✗ 内存换页：si+so 12、40",
        "  能引起：请求超时",
        "  先做：free -m",
        "! 负载高过核数：1 分钟负载 5，4 核",
        "  能引起：请求超时、连接超时",
        "  先做：vmstat 1 5",
        "? 不是 root，不能算数：nginx（7）",
        "✓ 正常：内存",
    ]


def test_what_explains_the_alert_stands_before_the_rest() -> None:
    lines = page("request_timeout")
    assert lines[2:4] == ["✗ 内存换页：si+so 12、40", "  能引起：请求超时，就是这条报警"]


def test_an_alert_that_nothing_explains_is_said() -> None:
    assert page("bad_response")[-1] == "这台机器上没看到能引起「bad_response」的"
