"""Access logs as nginx writes them, around one alert."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path

from triage.alerts.parser import BEIJING
from triage.evidence.nginx.configuration import tree_of
from triage.evidence.nginx.tree import Source
from triage.logs.join import ConfiguredLog
from triage.logs.nginx_config import configured_logs

OPENID = "oF0PnGE8JyPtrVClEWNMl2Iff531"
FIRST = datetime(2026, 11, 28, 20, 30, tzinfo=BEIJING)
"""The first failure of the alert."""
MINUTES = 5
BACKEND = "10.0.0.1:8080"
ALERT = f"""\
Appid: wx71419d29a96bc420
昵称: 晨曦助手
时间: {FIRST:%Y-%m-%d %H:%M:%S}
内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回
次数: {MINUTES}分钟 33次
错误样例: [OpenID={OPENID}][Stamp=1795869000][OuterIP=198.51.100.155][3rdUrl=http://wx.example.com/wx][Event=Click]
"""


def stamp(end: float, zone: float = 0) -> str:
    """`$time_local` so many seconds after the first failure, on a host so many hours east of Greenwich."""
    at = FIRST.astimezone(timezone(timedelta(hours=zone))) + timedelta(seconds=end)
    return f"{at:%d/%b/%Y:%H:%M:%S %z}"


def line(
    end: float,
    status: int = 200,
    seconds: str = "0.021",
    upstream: str = BACKEND,
    upstream_seconds: str | None = None,
    *,
    path: str = "/wx",
    openid: str = "oOther_follower_of_the_acct0",
    zone: float = 0,
    size: int = 7,
) -> str:
    """A line of the guide's format; `end` counts from the first failure."""
    backend = upstream_seconds or ("-" if upstream == "-" else seconds)
    answered = "-" if upstream == "-" or status == 499 else str(status)
    return (
        f'198.51.100.155  - - [{stamp(end, zone)}] "POST {path}?signature=0123456789abcdef&timestamp=1795869000&nonce=1'
        f'&openid={openid} HTTP/1.1" {status} {size} "-" "Mozilla/4.0" "-" "wx.example.com"  "-" "{upstream}"   '
        f'"{answered}"  "{seconds}"  "{backend}" '
    )


def combined(end: float, status: int = 200, **more: str) -> str:
    """A line of nginx's own format, without times."""
    return line(end, status, **more).partition(' "-" "wx.example.com"')[0].replace("  - -", " - -")  # type: ignore[arg-type]


BEFORE, AFTER = line(-300, path="/api"), line(400, path="/api")
"""They show that the log covers the window."""


def write(path: Path, lines: Iterable[str]) -> Path:
    """A log with these lines."""
    path.write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")
    return path


def configured(conf: Path) -> tuple[ConfiguredLog, ...]:
    """The access logs of a configuration, with the files beside it that it includes."""

    def find(pattern: str) -> list[Source]:
        return [(str(file), file.read_text(encoding="utf-8")) for file in conf.parent.glob(pattern)]

    return configured_logs(tree_of((str(conf), conf.read_text(encoding="utf-8")), find))
