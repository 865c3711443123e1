"""How long ago something was, in the words of a chat."""

from __future__ import annotations

from datetime import datetime, timedelta

_UNITS = ((timedelta(days=2), timedelta(days=1), "天"), (timedelta(hours=1), timedelta(hours=1), "小时"))
"""From which age on a unit is used, the unit, and its name; what is younger is told in minutes."""
_MINUTE = timedelta(minutes=1)


def ago(moment: datetime, now: datetime) -> str:
    """`刚刚`, `9 分钟前`, `3 小时前`, `5 天前`, rounded down; `""` for what is still to come."""
    age = now - moment
    if age < -_MINUTE:  # clocks of two machines differ by seconds
        return ""
    if age < _MINUTE:
        return "刚刚"
    unit, name = next(((unit, name) for start, unit, name in _UNITS if age >= start), (_MINUTE, "分钟"))
    return f"{age // unit} {name}前"
