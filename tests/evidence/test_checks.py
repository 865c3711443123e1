"""Machine checks: healthy only when all of it was looked at, sick by one finding, each with its proof."""

from __future__ import annotations

import pytest

from triage.evidence.checks import PROBE, SIGNS, Tick, decided, tick_checks, tick_step, tools_asked
from triage.evidence.findings import FINDINGS
from triage.evidence.judgement import Part, Verdict, note, sick, suspect, unreadable
from triage.rules.checks import CHECKS
from triage.rules.model import RuleSet

UPTIME, VMSTAT, FREE = (Part(tool, (), ()) for tool in ("uptime", "vmstat", "free"))
SWAPPING = Part("vmstat", (sick("swapping", "si+so 12、40"),), ())


def test_every_check_is_decided_by_known_findings() -> None:
    assert SIGNS.keys() == CHECKS.keys()
    assert {sign for signs in SIGNS.values() for sign in signs} <= FINDINGS.keys()


def test_every_check_of_the_rules_is_one_that_something_reports(rules: RuleSet) -> None:
    named = {step.check for rule in rules.rules for step in rule.steps if step.check}
    assert named <= CHECKS.keys()


@pytest.mark.parametrize(
    ("check", "parts", "tick"),
    [
        pytest.param(
            "host_load", (UPTIME,), Tick(Verdict.UNREADABLE, "还差 vmstat"), id="half of it is no health"
        ),
        pytest.param("host_load", (), None, id="nothing says nothing"),
        pytest.param(
            "access_log", (Part("access_log", (), ()),), None, id="some lines of a log prove no health"
        ),
        pytest.param(
            "nginx_config", (Part("nginx_config", (), ()),), None, id="a part of a configuration neither"
        ),
        pytest.param(
            "answer_time", (Part("curl_timing", (), ()),), None, id="an unsigned request is no push"
        ),
        pytest.param(
            "fd_limit",
            (Part("limits", (unreadable("not_root"),), ()),),
            None,
            id="what only root can see was not seen",
        ),
        *(
            pytest.param(
                check, (Part(tool, (sick(finding),), ()),), None, id=f"{check} is not healthy by {finding}"
            )
            for check, tool, finding in (
                ("tls", "openssl", "connection_refused"),
                ("tcp_connect", "curl", "name_not_resolved"),
                ("dns_wechat", "callback_check", "token_invalid"),
                ("dns_wechat", "callback_check", "check_error"),
                ("egress_ip", "callback_check", "token_invalid"),
            )
        ),
        pytest.param(
            "dns_wechat",
            (Part(f"{PROBE}dns_wechat", (sick("name_not_resolved", "没有这个域名"),), ()),),
            Tick(Verdict.SICK, "triage probe 域名解析不了（没有这个域名）"),
            id="what the doctor asked of WeChat's DNS",
        ),
        pytest.param("host_load", (UPTIME, VMSTAT), Tick(Verdict.HEALTHY, "uptime、vmstat"), id="all of it"),
        pytest.param(
            "host_memory",
            (SWAPPING, FREE),
            Tick(Verdict.SICK, "vmstat 内存换页（si+so 12、40）"),
            id="one sick finding beside a healthy tool",
        ),
        pytest.param(
            "host_memory", (SWAPPING, VMSTAT, FREE), Tick(Verdict.HEALTHY, "free、vmstat"), id="well again"
        ),
        pytest.param(
            "host_load",
            (Part("uptime", (suspect("load_high", "5"),), ()), VMSTAT),
            Tick(Verdict.SUSPECT, "uptime 负载高过核数（5）"),
            id="suspect is not healthy",
        ),
        pytest.param(
            "access_log",
            (Part("logs", (note("answered_in_time"),), ()),),
            Tick(Verdict.HEALTHY, "logs"),
            id="the join of the logs covers the minutes",
        ),
        pytest.param(
            "retry",
            (Part(f"{PROBE}retry", (sick("probe_failed", "三次三个样"),), ()),),
            Tick(Verdict.SICK, "triage probe 探测没通过（三次三个样）"),
            id="the probe",
        ),
    ],
)
def test_a_check_has_its_state_and_its_proof(check: str, parts: tuple[Part, ...], tick: Tick | None) -> None:
    assert tick_checks(parts).get(check) == tick


def test_json_leaves_out_what_was_not_looked_at() -> None:
    assert decided(tick_checks((SWAPPING, UPTIME))) == {
        "host_load": "sick",
        "host_memory": "sick",
    }


@pytest.mark.parametrize(
    ("command", "tools"),
    [
        ("nproc; uptime; vmstat 1 5", ("uptime", "vmstat")),
        ("df -h; df -i", ("df", "df_inodes")),
        ("triage logs access.log* --alert alert.txt", ("logs",)),
        ("ss -ant | awk 'NR>1 {++s[$1]} END {for (k in s) print k, s[k]}'", ("tcp_states",)),
        ("sysctl net.core.somaxconn; ss -lnt | head -5", ("ss",)),
        ("dig +trace example.com", ()),
        ("grep -F /cb access.log", ()),
        ("curl -sS -o /dev/null -w '%{http_code} %{time_total}' http://a/", ("curl_timing",)),
        ("openssl s_client -connect a:443 </dev/null | openssl x509 -noout -dates", ()),
    ],
)
def test_a_command_asks_for_its_tools(command: str, tools: tuple[str, ...]) -> None:
    assert tools_asked(command) == tools


@pytest.mark.parametrize(
    ("check", "command", "parts", "tick"),
    [
        pytest.param(None, "echo", (UPTIME,), None, id="no machine can look"),
        pytest.param(
            "dns_system",
            "dig +short a.example",
            (Part("dig", (), ()),),
            Tick(Verdict.HEALTHY, "dig"),
            id="the check counts where the answer alone does not",
        ),
        pytest.param(
            None,
            "dig +short a.example",
            (Part("dig", (), ()),),
            Tick(Verdict.UNREADABLE),
            id="whether an address is the right one only a person knows",
        ),
        pytest.param(
            "host_load",
            "uptime",
            (UPTIME,),
            Tick(Verdict.HEALTHY, "uptime", is_answered=True),
            id="the output that the step asked for",
        ),
        pytest.param(
            "host_load",
            "uptime; vmstat 1 5",
            (UPTIME,),
            Tick(Verdict.UNREADABLE, "还差 vmstat"),
            id="one of two",
        ),
        pytest.param(
            "host_load",
            "uptime",
            (SWAPPING,),
            Tick(Verdict.SICK, "vmstat 内存换页（si+so 12、40）"),
            id="what another tool found",
        ),
        pytest.param("host_load", "uptime", (FREE,), Tick(Verdict.UNREADABLE), id="something else"),
    ],
)
def test_a_step_is_ticked_by_its_check_and_its_command(
    check: str | None, command: str, parts: tuple[Part, ...], tick: Tick | None
) -> None:
    assert tick_step(check, command, parts) == tick
