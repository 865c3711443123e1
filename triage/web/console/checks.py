"""What works and what does not, in words, each with what to try: what /readyz, the outbox and the metrics count."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from triage.errors import ReplacedFileError, SchemaError, StoreError
from triage.incidents import rota
from triage.incidents.story import clock
from triage.incidents.team import Team
from triage.pictures.reading import is_available
from triage.store import Backlog, Store
from triage.web.console.words import gettext as _
from triage.web.service import Service

_STUCK = timedelta(minutes=2)
_LOOKED_BACK = timedelta(days=1)
_LOOKED_AHEAD = timedelta(days=14)


class Level(enum.StrEnum):
    """How a thing is."""

    GOOD = "good"
    OPTIONAL = "optional"
    """It is not there, and need not be."""
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing of the service."""

    name: str
    level: Level
    said: str
    advice: str = ""
    """What to try; `""` where nothing is to be done."""


def look_at(service: Service, now: datetime) -> list[Check]:
    """Every thing, what is bad first."""
    found = [*_store(service, now), *_answers(service), *_people(service, now), *_extras(service)]
    return sorted(found, key=lambda check: check.level is not Level.BAD)


def _store(service: Service, now: datetime) -> Iterator[Check]:
    name = _("数据库")
    try:
        service.ask(Store.check)
        backlog = service.ask(lambda store: store.outbox.backlog(now, now - _LOOKED_BACK))
        has_members = bool(service.ask(Store.members))
    except SchemaError as exc:
        yield Check(name, Level.BAD, str(exc), _("停下服务，备份，运行 triage db upgrade，再启动。"))
    except ReplacedFileError as exc:
        said = _("数据库文件被删或被换了，现在什么都不记。")
        advice = _("把原来的文件放回去；要用新的就重启服务。")
        if exc.is_log:
            said = _("数据库的日志（-wal）被删或被换了，现在什么都不记。")
            advice = _("别让别的程序打开数据库；正常停下服务（不要 kill -9），日志里的会写进数据库，再启动。")
        yield Check(name, Level.BAD, said, advice)
    except StoreError:
        said = _("没有回应。排查步骤照发，只是不认得以前的事件。")
        advice = _("看数据库在不在跑、连不连得上；查 TRIAGE_DATABASE_URL；原因在日志的 store_failed 里。")
        yield Check(name, Level.BAD, said, advice)
    else:
        yield Check(name, Level.GOOD, _("正常"))
        yield _outgoing(backlog, now)
        yield _members(service, has_members=has_members)


def _outgoing(backlog: Backlog, now: datetime) -> Check:
    name = _("主动发出的消息")
    advice = _("看下面的清单，或运行 triage outbox --failed；多半是地址、密钥或对方的频率限制。")
    if backlog.oldest_due is not None and now - backlog.oldest_due > _STUCK:
        since = clock(backlog.oldest_due, dated=True)
        said = _("%(due)s 条该发没发，最早的从 %(since)s 等到现在。", due=backlog.due, since=since)
        return Check(name, Level.BAD, said, advice)
    if backlog.failed:
        said = _("最近一天有 %(failed)s 条没发出去。", failed=backlog.failed)
        return Check(name, Level.BAD, said, advice)
    return Check(name, Level.GOOD, _("该发的都发了。"))


def _members(service: Service, *, has_members: bool) -> Check:
    people = [person for person in service.admins if person.channel not in ("hook", "console")]
    if has_members or people:
        return Check(_("成员"), Level.GOOD, _("有成员能看事件。"))
    said = _("还没有一个成员，没人能认领事件。")
    return Check(
        _("成员"), Level.BAD, said, _("在跑服务的机器上运行 triage invite 名字，把那句话发给机器人。")
    )


def _answers(service: Service) -> Iterator[Check]:
    state, metrics = service.rules.state, service.metrics
    rules, advice = _("规则"), _("运行 triage rules check，它指出哪个文件哪一行，怎么改。")
    if not state.count:
        yield Check(rules, Level.BAD, state.problem or _("一条规则也没有。"), advice)
    elif state.problem:
        said = _("改过的规则有错，仍在用旧的：%(problem)s", problem=state.problem)
        yield Check(rules, Level.BAD, said, advice)
    else:
        said = _("%(count)s 条，版本 %(version)s", count=state.count, version=state.version)
        yield Check(rules, Level.GOOD, said)
    if broken := metrics.total(metrics.broken_templates):
        said = _("回复模板出错 %(count)s 次，发的是朴素的清单。", count=broken)
        advice = _("日志里 template_broken 写着是哪个模板；改 templates/reply 里的那个文件。")
        yield Check(_("回复模板"), Level.BAD, said, advice)
    if errors := metrics.total(metrics.callback_errors):
        said = _("有 %(count)s 次回调出错，对方收到的是合法的空回应。", count=errors)
        yield Check(_("回调"), Level.BAD, said, _("日志里 callback_failed 写着原因；请连同版本一起报告。"))
    if waiting := len(service.unrecorded):
        said = _("%(count)s 条报警给了步骤，还没记下来。", count=waiting)
        yield Check(_("没记下的消息"), Level.BAD, said, _("数据库好了会自己补记；在那之前别重启服务。"))


def _people(service: Service, now: datetime) -> Iterator[Check]:
    accounts = sum(map(len, service.accounts.values()))
    if service.settings.demo:
        yield Check(
            _("渠道"), Level.OPTIONAL, _("演示，没有接公众号。"), _("设好 TRIAGE_WECHAT_TOKEN 等三项再启动。")
        )
    else:
        yield Check(_("渠道"), Level.GOOD, _("%(count)s 个账号", count=accounts))
    if service.team is None:
        said = _("没有值班表，出了事不会主动叫人。")
        yield Check(
            _("值班"), Level.OPTIONAL, said, _("写一份 team.yml，设 TRIAGE_TEAM；写法见 docs/team.md。")
        )
    else:
        yield _on_call(service, service.team, now)


def _on_call(service: Service, team: Team, now: datetime) -> Check:
    try:
        overrides = (*team.overrides, *service.ask(lambda store: store.shifts(now)))
    except StoreError:
        overrides = team.overrides
    for rotation in team.rotations:
        gaps = rota.holes(rotation, overrides, now, now + _LOOKED_AHEAD)
        if gaps:
            start, end = (clock(at, dated=True) for at in (gaps[0].start, gaps[0].end))
            said = _(
                "%(rotation)s 两周内有 %(count)s 段没人值班，第一段 %(start)s 到 %(end)s。",
                rotation=rotation.id, count=len(gaps), start=start, end=end,
            )  # fmt: skip
            advice = _("在聊天里发“替班”或“换班”，或改 team.yml；triage team check 列出全部。")
            is_meant = all(gap.because is rota.Because.OFF_HOURS for gap in gaps)
            return Check(_("值班"), Level.OPTIONAL if is_meant else Level.BAD, said, advice)
    return Check(_("值班"), Level.GOOD, _("两周内每个班都有人。"))


def _extras(service: Service) -> Iterator[Check]:
    if service.settings.console_url is None:
        said = _("没设控制台的地址，发不了登录链接，机器人的回复也不带详情链接。")
        yield Check(
            _("控制台"), Level.OPTIONAL, said, _("设 TRIAGE_PUBLIC_URL，如 https://triage.example.cn。")
        )
    if not is_available():
        said = _("没装识图，截图里的报警读不了。")
        yield Check(_("截图"), Level.OPTIONAL, said, _("安装时带上 [pictures]，再启动。"))
