"""Times as pages show them: by Beijing's clock, and how long ago, in the language of the request."""

from __future__ import annotations

from datetime import datetime, timedelta

from triage.alerts.parser import BEIJING
from triage.incidents import story
from triage.web.console.words import gettext as _

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def clock(moment: datetime, now: datetime) -> str:
    """`18:31`, with the date before it if that was another day: `11-28 18:31`."""
    local = moment.astimezone(BEIJING)
    return story.clock(local, dated=local.date() != now.astimezone(BEIJING).date())


def ago(moment: datetime, now: datetime) -> str:
    """`刚刚`, `9 分钟前`, `3 小时前`, `5 天前`, rounded down."""
    age = now - moment
    if age < _MINUTE:
        return _("刚刚")
    if age < _HOUR:
        return _("%(n)s 分钟前", n=age // _MINUTE)
    if age < 2 * _DAY:
        return _("%(n)s 小时前", n=age // _HOUR)
    return _("%(n)s 天前", n=age // _DAY)


def lasting(time: timedelta) -> str:
    """How long something takes or has taken: `34 秒`, `9 分钟`, `3 小时 5 分钟`, `5 天`, rounded down."""
    if time < _MINUTE:
        return _("%(n)s 秒", n=max(0, int(time.total_seconds())))
    if time < _HOUR:
        return _("%(n)s 分钟", n=time // _MINUTE)
    if time < 2 * _DAY:
        return _("%(hours)s 小时 %(minutes)s 分钟", hours=time // _HOUR, minutes=time % _HOUR // _MINUTE)
    return _("%(n)s 天", n=time // _DAY)
