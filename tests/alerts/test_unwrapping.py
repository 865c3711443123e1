"""An alert that came as a JSON string, a table or a phone's lines is the alert that the platform wrote."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from triage.alerts.parser import parse
from triage.alerts.unwrapping import unwrap

FIELDS = {
    "Appid": "wx014d339f79c92781",
    "昵称": "时令果蔬",
    "时间": "2023-11-08 09:30:11",
    "内容": "微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒",
    "次数": "5分钟 86次",
    "错误样例": "[OpenID=o1rdkn6ExZO99D28y8Qh_RStmLy3][Stamp=1699407011][OuterIP=198.51.100.40]"
    "[3rdUrl=http://wx.bus-s03.example.org/weixin/index.php][IP=192.0.2.126][Msg=Text]",
}
LINES = [f"{label}: {value}" for label, value in FIELDS.items()]
ALERT = "\n".join(LINES)
BODY = ALERT.replace("[Msg=Text]", '[response_content={"msg":"a\\nb 时间: 1","t":"\\u4e2d"}]')


def _broken_at(width: int) -> str:
    return "\n".join(line[at : at + width] for line in ALERT.split("\n") for at in range(0, len(line), width))


WRAPPED: dict[str, str] = {
    "a JSON string": json.dumps({"text": {"content": ALERT}}, ensure_ascii=False),
    "a JSON string in ASCII": json.dumps({"content": ALERT}),
    "JSON in JSON": json.dumps({"body": json.dumps({"text": ALERT}, ensure_ascii=False)}, ensure_ascii=False),
    "a card with bold labels": json.dumps({"content": "\n".join(f"**{k}**：{v}" for k, v in FIELDS.items())}),
    "escapes of Markdown": ALERT.replace("[", "\\[").replace("]", "\\]").replace("_", "\\_"),
    "a line of a log": "18:02:11 INFO recv text=" + ALERT.replace("\n", "\\n"),
    "a Markdown table": "| 字段 | 值 |\n|---|---|\n" + "\n".join(f"| {k} | {v} |" for k, v in FIELDS.items()),
    "cells between tabs": "\n".join(f"{label}\t{value}" for label, value in FIELDS.items()),
    "rows of a spreadsheet": "\t".join(FIELDS) + "\n" + "\t".join(FIELDS.values()),
    "rows of CSV": ",".join(FIELDS) + "\n" + ",".join(f'"{value}"' for value in FIELDS.values()),
    "rows of a Markdown table": "| "
    + " | ".join(FIELDS)
    + " |\n"
    + "|---" * 6
    + "|\n| "
    + " | ".join(FIELDS.values())
    + " |",
    "arrows": "\n".join(f"{label} → {value}" for label, value in FIELDS.items()),
    "dashes": "\n".join(f"{label} - {value}" for label, value in FIELDS.items()),
    "equals signs": "\n".join(f"{label}={value}" for label, value in FIELDS.items()),
    "values in colour": "\n".join(
        f'> {label}：<font color="comment">{value}</font>' for label, value in FIELDS.items()
    ),
    "a table of HTML": "<table>"
    + "".join(f"<tr><td>{k}</td><td>{v}</td></tr>" for k, v in FIELDS.items())
    + "</table>",
    "bold labels of HTML": "\n".join(f"<b>{label}</b>: {value}" for label, value in FIELDS.items()),
    "labels in brackets": "\n".join(f"【{label}】{value}" for label, value in FIELDS.items()),
    "labels on lines of their own": "\n\n".join(f"{label}\n{value}" for label, value in FIELDS.items()),
    "labels without a colon": "\n".join(f"{label} {value}" for label, value in FIELDS.items()),
    "Chinese numerals": "\n".join(f"{'一二三四五六'[i]}、{line}" for i, line in enumerate(LINES)),
    "spans of code": "\n".join(f"`{line}`" for line in LINES),
    "slashes between the labels": " / ".join(LINES),
    "labels in English": ALERT.replace("昵称:", "Nickname:")
    .replace("时间:", "Time:")
    .replace("内容:", "Content:")
    .replace("次数:", "Count:")
    .replace("错误样例:", "Error sample:"),
    "lines of 24 characters": _broken_at(24),
    "lines of 36 characters": "帮看下\n" + _broken_at(36) + "\n\n这个是网络问题吗",
}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "| 内容 | 错误的具体描述 |\n| 次数 | 失败的次数 |", id="a table that explains the fields"
        ),
        pytest.param(
            "| 类型 | 内容 |\n| 解析失败 | 微信服务器向公众号推送消息或事件时，解析DNS失败 |",
            id="a table of the sentences",
        ),
        pytest.param('{"content": "推送\\n时间: 周五\\n内容: 团建\\n次数: 3"}', id="a meeting as JSON"),
        pytest.param(
            "Appid,昵称,时间,内容\n导出微信报警的表头是这样", id="the header of a spreadsheet alone"
        ),
    ],
)
def test_what_looks_wrapped_and_is_no_alert_stays_none(text: str) -> None:
    assert parse(text).alerts == ()


def test_a_body_keeps_its_own_escapes() -> None:
    assert unwrap(BODY) == BODY
    body = parse(BODY).alerts[0].sample.response_content
    assert parse(json.dumps({"content": BODY})).alerts[0].sample.response_content == body


def test_labels_in_a_body_are_no_reason_to_change_it() -> None:
    body = '{"msg":"\\n时间: 1\\n内容: 2\\n次数: 3"}'
    (alert,) = parse(ALERT.replace("[Msg=Text]", f"[response_content={body}]")).alerts
    assert alert.sample.response_content == body


def test_an_alert_as_the_platform_writes_it_is_left_alone() -> None:
    assert unwrap(ALERT) is ALERT


@pytest.mark.parametrize("text", WRAPPED.values(), ids=WRAPPED)
def test_an_alert_is_read_out_of(text: str) -> None:
    (expected,), (alert,) = parse(ALERT).alerts, parse(text).alerts
    assert alert.sample == expected.sample
    for name in ("appid", "nickname", "first_seen", "description", "window_minutes", "count"):
        assert getattr(alert, name) == getattr(expected, name)


def test_cells_with_line_breaks_stay_in_their_row() -> None:
    values = [*FIELDS.values()]
    values[-1] = values[-1].replace("[Msg=Text]", "[response_content=<html>\n<p>502</p>\n</html>]")
    text = "\t".join(FIELDS) + "\n" + "\t".join(f'"{value}"' for value in values)
    (alert,) = parse(text).alerts
    assert alert.sample.response_content == "<html>\n<p>502</p>\n</html>"


@pytest.mark.parametrize("quotes", ['"', '"' + "a" * 200_000], ids=["an open quote", "a long cell"])
def test_a_broken_spreadsheet_is_borne(quotes: str) -> None:
    assert parse("Appid,昵称,时间,内容\n微信," + quotes).alerts == ()


HOSTILE: dict[str, Callable[[int], str]] = {
    "cells": lambda n: "内容" + " |" * n,
    "tags": lambda n: "微信" + "<b><b><b>内容</b></b>" * n,
    "escapes": lambda n: "\\n内容:" * n,
    "folds": lambda n: "微信错误样例: [Sta\n" + ("[x" * 15 + "\n") * n,
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_long(make: Callable[[int], str]) -> None:
    parse(make(5_000))
