"""`triage push`: one push of any kind, as the platform would send it, and the judgement of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from triage.alerts.parser import Alert, parse
from triage.cli._commands import Command
from triage.cli._input import read_text
from triage.cli._language import gettext
from triage.cli._options import AccountOptions, account_options
from triage.cli._output import dump, write
from triage.errors import InputError
from triage.findings import Finding
from triage.settings.directories import load_sources
from triage.wording import Wording

if TYPE_CHECKING:
    from triage.probe.guard import Target
    from triage.probe.push import Exchange, SamplePush

_SHOWN_CHARACTERS = 2_000


@click.command(
    "push",
    cls=Command,
    examples=(
        "triage push https://mp.example.com/wx text --field Content=在吗",
        "triage push https://mp.example.com/wx subscribe --json",
        "triage push --from-alert alert.txt --allow mp.example.com",
    ),
)
@click.argument("url", required=False)
@click.argument("kind", required=False)
@account_options
@click.option("--openid", metavar="OPENID", help="The fan's OpenID; a random one by default.")
@click.option("--field", "fields", multiple=True, metavar="NAME=VALUE", help="A field of the push's XML.")
@click.option("--component", is_flag=True, help="KIND is a push of the Open Platform (InfoType).")
@click.option("--from-alert", metavar="FILE", help="Repeat the push that an alert speaks of, '-' for stdin.")
@click.option("--json", "as_json", is_flag=True, help="Print the exchange as JSON.")
def command(
    url: str | None,
    kind: str | None,
    options: AccountOptions,
    openid: str | None,
    fields: tuple[str, ...],
    component: bool,
    from_alert: str | None,
    as_json: bool,
) -> int:
    """Send one push to URL as WeChat would, signed now, and judge the answer; exit 1 if it breaks a rule.

    KIND is a message, an event or a component push by its wire name: text (the default), subscribe, CLICK,
    component_verify_ticket … or unknown_event. With --from-alert both may be left out; the alert's host must then be
    named with --allow.
    """
    from triage.probe.connection import Connection
    from triage.probe.guard import parse_target
    from triage.probe.push import Platform
    from triage.probe.resolver import find_address

    alert = _read_alert(from_alert) if from_alert else None
    target = parse_target(url or _url_of(alert))
    chosen = _find_kind(kind, _read_fields(fields), alert, component=component)
    account, mode = options.make_account()
    guard = options.make_guard(target, is_named=url is not None)
    with Connection(target, find_address(target, guard), guard) as connection:
        platform = Platform(account, connection, mode, openid=openid, gh=options.account_id)
        exchange = platform.send(chosen)
    if as_json:
        write(dump(_as_json(exchange, target, mode)))
    else:
        _show(exchange, target, mode)
    return 1 if any(finding.is_fault for finding in exchange.findings) else 0


def _read_alert(file: str) -> Alert:
    alerts = parse(read_text(file)).alerts
    if not alerts:
        raise InputError(gettext("there is no alert in {file}", file=file))
    return alerts[0]


def _url_of(alert: Alert | None) -> str:
    if alert is None:
        raise click.UsageError(gettext("give a URL, or --from-alert with an alert that holds one"))
    if not alert.sample.callback_url:
        raise InputError(gettext("the alert does not say which URL failed ([3rdUrl=…]); give it as URL"))
    return alert.sample.callback_url


def _read_fields(fields: Sequence[str]) -> dict[str, str]:
    pairs = [field.partition("=") for field in fields]
    for name, equals, _ in pairs:
        if not equals or not name.isidentifier() or not name.isascii():
            raise click.UsageError(gettext("--field wants NAME=VALUE, not '{name}'", name=name))
    return {name: value for name, _, value in pairs}


def _find_kind(
    kind: str | None, fields: dict[str, str], alert: Alert | None, *, component: bool
) -> SamplePush:
    from triage.probe.push import find_sample_push, sample_push_of_alert

    if kind is None and alert is not None:
        found = sample_push_of_alert(alert)
        return replace(found, fields={**found.fields, **fields})
    return find_sample_push(kind or "text", fields, component=component)


def _as_json(exchange: Exchange, target: Target, mode: str) -> dict[str, Any]:
    from triage.probe.faults import with_hint
    from triage.probe.push import shown_request
    from triage.probe.report import finding_as_json

    answer = exchange.answer
    return {
        "url": str(target),
        "kind": exchange.push.name,
        "mode": mode,
        "request": shown_request(exchange.request, target.path),
        "bytes": len(exchange.request.body),
        "status": answer.response.status if answer else None,
        "seconds": round(answer.seconds, 6) if answer else None,
        "reply": answer.response.body.decode("utf-8", "replace") if answer else None,
        "text": exchange.text,
        "findings": [finding_as_json(with_hint(finding)) for finding in exchange.findings],
    }


def _show(exchange: Exchange, target: Target, mode: str) -> None:
    from triage.probe.faults import with_hint
    from triage.probe.push import shown_request
    from triage.probe.report import milliseconds

    size = len(exchange.request.body)
    write(f"→ {shown_request(exchange.request, target.path)}")
    sent = gettext(
        "  {push}, {mode} mode, {size} bytes, to {target}",
        push=exchange.push.title,
        mode=mode,
        size=size,
        target=target,
    )
    write(sent)
    if answer := exchange.answer:
        body = answer.response.body
        time = milliseconds(answer.seconds)
        write(
            gettext(
                "← {status}, {time}, {size} bytes", status=answer.response.status, time=time, size=len(body)
            )
        )
        write(_shown_body(body.decode("utf-8", "replace")) or gettext("  (empty)"))
    for finding in map(with_hint, exchange.findings):
        _show_finding(finding)
    if not any(finding.is_fault for finding in exchange.findings):
        legal = gettext("✓ the answer is legal")
        seen = gettext("{legal}; the user sees: {shown}", legal=legal, shown=exchange.text)
        write(seen if exchange.text else legal)


def _show_finding(finding: Finding) -> None:
    mark = "✗" if finding.is_fault else gettext("hint")
    write(gettext("{mark} {id}: {message}", mark=mark, id=finding.id, message=finding.message))
    source = load_sources().label(finding.source)
    hint = finding.hint or Wording("见出处")
    write(gettext("  what to do: {hint} (source: {source})", hint=hint, source=source))


def _shown_body(body: str) -> str:
    from triage.probe.report import printable

    return "\n".join(f"  {printable(line)}" for line in body[:_SHOWN_CHARACTERS].splitlines())
