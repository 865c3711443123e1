"""`triage push`: one push of any kind, as the platform would send it, and the judgement of its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from triage.alerts.parser import Alert, parse
from triage.cli._input import dump, read_text
from triage.errors import InputError, SettingsError
from triage.settings import load_settings

if TYPE_CHECKING:
    from triage.channels.wechat.callback import Account
    from triage.probe.guard import Guard, Target
    from triage.probe.push import Exchange, Platform, SamplePush

_MODES = ("plain", "compatible", "safe")


def account_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say for which account we play the platform, and where we may go."""
    for option in (
        click.option("--allow-private", is_flag=True, help="Allow loopback and private addresses."),
        click.option("--allow", multiple=True, metavar="HOST", help="Another host that may be called."),
        click.option("--account-id", help="The account's own id, gh_…; a random one by default."),
        click.option("--appid", help="The AppID. Default: TRIAGE_WECHAT_APPID."),
        click.option("--aes-key", help="The EncodingAESKey. Default: TRIAGE_WECHAT_AES_KEY."),
        click.option(
            "--token", help="The Token. Default: TRIAGE_WECHAT_TOKEN, which others cannot see in `ps`."
        ),
        click.option(
            "--mode", type=click.Choice(_MODES), help="Default: safe with an EncodingAESKey, else plain."
        ),
    ):
        function = option(function)
    return function


def make_account(
    token: str | None, aes_key: str | None, appid: str | None, mode: str | None
) -> tuple[Account, str]:
    """The account, and the mode it is pushed in. What is not given comes from the settings. Raises SettingsError."""
    from triage.channels.wechat.callback import Account

    if token is None or aes_key is None or appid is None:
        known = [item for item in load_settings().all_wechat_accounts if appid in (None, item.appid)]
        if len(known) > 1 and token is None:
            raise SettingsError("there are several accounts; name one with --appid")
        if len(known) == 1:
            (item,) = known
            own = item.account(load_settings().window)
            # a key belongs to its token: with another token the settings' key would only mislead
            aes_key = aes_key or (own.aes_key if token in (None, own.token) else None)
            token, appid = token or own.token, appid or own.appid
    if token is None:
        raise SettingsError("there is no Token; set TRIAGE_WECHAT_TOKEN, or give --token")
    account = Account(appid or "", token, aes_key)
    return account, mode or ("safe" if aes_key else "plain")


def make_guard(target: Target, allow: Sequence[str], *, allow_private: bool, named: bool = True) -> Guard:
    """The hosts that the operator named; `named` says whether the target is one of them."""
    from triage.probe.guard import Guard, parse_host

    hosts = {parse_host(host.strip("[]")) for host in allow} | ({target.host} if named else set())
    return Guard(frozenset(hosts), allow_private)


@click.command("push")
@click.argument("url", required=False)
@click.argument("kind", required=False)
@account_options
@click.option("--openid", help="The fan's OpenID; a random one by default.")
@click.option("--field", "fields", multiple=True, metavar="NAME=VALUE", help="A field of the push's XML.")
@click.option("--component", is_flag=True, help="KIND is a push of the Open Platform (InfoType).")
@click.option("--from-alert", metavar="FILE", help="Repeat the push that an alert speaks of, '-' for stdin.")
@click.option("--json", "as_json", is_flag=True, help="Print the exchange as JSON.")
def command(
    url: str | None,
    kind: str | None,
    mode: str | None,
    token: str | None,
    aes_key: str | None,
    appid: str | None,
    account_id: str | None,
    allow: tuple[str, ...],
    allow_private: bool,
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
    from triage.probe.guard import parse_target
    from triage.probe.push import Platform
    from triage.probe.reach import Connection, find_address

    alert = _read_alert(from_alert) if from_alert else None
    target = parse_target(url or _url_of(alert))
    chosen = _find_kind(kind, _read_fields(fields), alert, component=component)
    account, mode = make_account(token, aes_key, appid, mode)
    guard = make_guard(target, allow, allow_private=allow_private, named=url is not None)
    with Connection(target, find_address(target, guard), guard) as connection:
        platform = Platform(account, connection, mode, openid=openid, gh=account_id)
        exchange = platform.send(chosen)
    _show(exchange, target, platform, as_json=as_json)
    return 1 if exchange.findings else 0


def _read_alert(file: str) -> Alert:
    alerts = parse(read_text(file)).alerts
    if not alerts:
        raise InputError(f"there is no alert in {file}")
    return alerts[0]


def _url_of(alert: Alert | None) -> str:
    if alert is None:
        raise click.UsageError("give a URL, or --from-alert with an alert that holds one")
    if not alert.sample.callback_url:
        raise InputError("the alert does not say which URL failed ([3rdUrl=…]); give it as URL")
    return alert.sample.callback_url


def _read_fields(fields: Sequence[str]) -> dict[str, str]:
    pairs = [field.partition("=") for field in fields]
    for name, equals, _ in pairs:
        if not equals or not name.isidentifier() or not name.isascii():
            raise click.UsageError(f"--field wants NAME=VALUE, not '{name}'")
    return {name: value for name, _, value in pairs}


def _find_kind(
    kind: str | None, fields: dict[str, str], alert: Alert | None, *, component: bool
) -> SamplePush:
    from dataclasses import replace

    from triage.probe.push import find_sample_push, sample_push_of_alert

    if kind is None and alert is not None:
        found = sample_push_of_alert(alert)
        return replace(found, fields={**found.fields, **fields})
    return find_sample_push(kind or "text", fields, component=component)


def _show(exchange: Exchange, target: Target, platform: Platform, *, as_json: bool) -> None:
    from triage.probe.faults import with_hint
    from triage.probe.push import shown_request
    from triage.probe.report import finding_as_json, milliseconds

    request = shown_request(exchange.request, target.path)
    findings = [with_hint(finding) for finding in exchange.findings]
    answer = exchange.answer
    reply = answer.response.body.decode("utf-8", "replace") if answer else None
    if as_json:
        values = {
            "url": str(target),
            "kind": exchange.push.name,
            "mode": platform.mode,
            "request": request,
            "bytes": len(exchange.request.body),
            "status": answer.response.status if answer else None,
            "seconds": round(answer.seconds, 6) if answer else None,
            "reply": reply,
            "text": exchange.text,
            "findings": [finding_as_json(finding) for finding in findings],
        }
        click.echo(dump(values))
        return
    click.echo(f"→ {request}")
    click.echo(
        f"  {exchange.push.title}，{platform.mode} 模式，{len(exchange.request.body)} 字节，发往 {target}"
    )
    if answer:
        click.echo(
            f"← {answer.response.status}，{milliseconds(answer.seconds)}，{len(answer.response.body)} 字节"
        )
        click.echo(_shown_body(reply or "") or "  （空包体）")
    for finding in findings:
        click.echo(f"✗ {finding.id}：{finding.message}")
        click.echo(f"  怎么办：{finding.hint or '见出处'}（出处：{finding.source or '-'}）")
    if not findings:
        click.echo("✓ 回应合法" + (f"，用户看到：{exchange.text}" if exchange.text else ""))


def _shown_body(body: str) -> str:
    from triage.probe.report import printable

    return "\n".join(f"  {printable(line)}" for line in body[:2_000].splitlines())
