"""Answers of callback/check and getcallbackip.

https://developers.weixin.qq.com/doc/service/api/base/api_callbackcheck.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from triage.evidence.judgement import Finding, Part, sick, suspect
from triage.evidence.paste import Paste

_START = re.compile(r'\{\s*"(?:dns|ping|ip_list|errcode)"')
_ERROR = re.compile(r'"errcode"\s*:\s*(\d+)')
_MAX, _MAX_ANSWERS = 20_000, 20
"""Characters of one answer, and answers of a paste."""
_TOKEN = (40001, 42001, 40014)


def read(paste: Paste) -> Iterator[Part]:
    """One part for each JSON answer."""
    text = "\n".join(paste.lines)
    for match in islice(_START.finditer(text), _MAX_ANSWERS):
        try:
            value, size = json.JSONDecoder().raw_decode(text[match.start() : match.start() + _MAX])
        except (ValueError, RecursionError):
            continue
        first = text.count("\n", 0, match.start())
        lines = tuple(range(first, first + text.count("\n", match.start(), match.start() + size) + 1))
        part = _part(value, paste.commands[first], lines)
        if part:
            yield part


def _part(value: Any, command: str, lines: tuple[int, ...]) -> Part | None:
    if not isinstance(value, dict):
        return None
    if "dns" in value or "ping" in value:
        return Part("callback_check", tuple(_judge_check(value)), lines)
    if isinstance(value.get("ip_list"), list):
        return Part("callback_ip", (), lines)
    code = value.get("errcode")
    if isinstance(code, int) and (
        (str(code).startswith("402") and len(str(code)) == 5) or "callback/check" in command
    ):
        return Part("callback_check", tuple(_judge_error(code, check=True)), lines)
    if code in (*_TOKEN, 40164) and ("getcallbackip" in command or code == 40164):
        return Part("callback_ip", tuple(_judge_error(int(code), check=False)), lines)
    return None


def _judge_error(code: int, *, check: bool) -> Iterator[Finding]:
    if code in _TOKEN:
        yield sick("token_invalid", f"errcode {code}")
    elif code == 40164:
        yield sick("ip_not_allowed", f"errcode {code}")
    elif code and check:
        yield sick("check_error", f"errcode {code}")


def _judge_check(value: dict[str, Any]) -> Iterator[Finding]:
    if not value.get("dns"):
        yield sick("no_address", "dns 是空的")
    lost = [
        item
        for item in value.get("ping") or []
        if isinstance(item, dict) and str(item.get("package_loss")) not in ("0%", "")
    ]
    if lost:
        yield suspect("ping_loss", f"{lost[0].get('from_operator', '')} {lost[0].get('package_loss')}")
