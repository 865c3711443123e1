"""`triage logs`: what access logs say of the pushes that an alert is about."""

from __future__ import annotations

import click

from triage.alerts.parser import parse
from triage.cli._commands import Command
from triage.cli._input import read_text
from triage.cli._language import gettext
from triage.cli._logs import join_logs
from triage.cli._output import dump, write
from triage.errors import InputError
from triage.logs.report import as_json, lines_of
from triage.logs.verdict import Verdict


@click.command(
    "logs",
    cls=Command,
    examples=(
        "triage logs access.log --alert alert.txt",
        "triage logs access.log* --alert alert.txt --nginx /etc/nginx/nginx.conf",
    ),
)
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@click.option("--alert", required=True, metavar="FILE", help="The alert's text; - reads standard input.")
@click.option("--nginx", metavar="CONF", help="The configuration whose log_format the logs have.")
@click.option("--json", "as_json_", is_flag=True, help="Print the verdict and the counts as JSON.")
def command(logs: tuple[str, ...], alert: str, nginx: str | None, as_json_: bool) -> int:
    """Say what became of the failed pushes of an alert by the access logs LOG: rotated, gzip and zstd too.

    The exit code is 0 where they arrived and were answered in time, else 1.
    """
    alerts = parse(read_text(alert)).alerts
    if not alerts:
        raise InputError(gettext("no alert in this text"))
    answer, traffic, target = join_logs(logs, alerts[0], nginx)
    if as_json_:
        write(dump(as_json(answer, traffic, target)))
    else:
        for line in lines_of(answer, traffic, target):
            write(line)
    return int(answer.verdict is not Verdict.ANSWERED_IN_TIME)
