"""What programs post to group robots, and how a robot answers: WeCom, DingTalk, Feishu; and plain text.

WeCom's and DingTalk's bodies have `msgtype`, Feishu's `msg_type`: developer.work.weixin.qq.com/document/path/99110,
open.dingtalk.com/document/orgapp/custom-robot-access, open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from triage.channels.xml import strip_controls
from triage.errors import BadMessageError
from triage.message import Response
from triage.printing import dump_json

_BUSY = -1
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "text": ("content",),
    "markdown": ("content", "text"),
    "markdown_v2": ("content",),
}
"""By `msgtype`, where the words are: DingTalk's Markdown has them in `text`."""
_WORDS = ("text", "content")
_DEEPEST = 12


class Dialect(enum.StrEnum):
    """How a program talks, and so how it is answered."""

    ROBOT = "robot"
    """As to a robot of WeCom or DingTalk, which look alike."""
    FEISHU = "feishu"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted."""

    text: str
    dialect: Dialect


def read_body(body: bytes) -> Posted:
    """The words of a body. Raises BadMessageError for one that is none of these."""
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError as exc:
        raise BadMessageError("the body is no UTF-8") from exc
    if not text.startswith("{"):
        return Posted(strip_controls(text), Dialect.PLAIN)
    try:
        posted = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise BadMessageError("the body begins like JSON and is none") from exc
    dialect = Dialect.FEISHU if "msg_type" in posted else Dialect.ROBOT
    words = _feishu(posted) if dialect is Dialect.FEISHU else _robot(posted)
    return Posted(strip_controls(words), dialect)


def _robot(posted: Mapping[str, object]) -> str:
    kind = posted.get("msgtype")
    part = posted.get(kind) if isinstance(kind, str) and kind in _TEXTS else None
    found = [part[name] for name in _TEXTS[str(kind)] if name in part] if isinstance(part, dict) else []
    if not found or not isinstance(found[0], str):
        raise BadMessageError("the body is none of text, markdown with their content; see docs/commands.md")
    return found[0]


def _feishu(posted: Mapping[str, object]) -> str:
    """Text, rich text and cards: their words stand under `text` and `content`, at whatever depth."""
    words = "\n".join(_collect(posted.get("content") or posted.get("card"), _DEEPEST))
    if not words:
        raise BadMessageError("the body has no content with words; see docs/commands.md")
    return words


def _collect(part: object, deeper: int) -> Iterator[str]:
    if deeper == 0:
        return
    if isinstance(part, list):
        for inner in part:
            yield from _collect(inner, deeper - 1)
    elif isinstance(part, dict):
        for name, inner in part.items():
            if name in _WORDS and isinstance(inner, str):
                yield inner
            else:
                yield from _collect(inner, deeper - 1)


def taken(dialect: Dialect, text: str) -> Response:
    """What a robot says to a message that it took; to plain text, what is to be done."""
    if dialect is Dialect.PLAIN:
        return Response(200, f"{text}\n".encode())
    if dialect is Dialect.FEISHU:
        return _json({"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"})
    return _json({"errcode": 0, "errmsg": "ok"})


def not_taken(dialect: Dialect | None = None) -> Response:
    """What a robot says when it is to be tried again; for a program of any dialect where that is not known."""
    words = "not recorded; send it again"
    if dialect is Dialect.PLAIN:
        return Response(503, f"{words}\n".encode())
    return _json({"errcode": _BUSY, "errmsg": words, "code": _BUSY, "msg": words})


def _json(value: Mapping[str, object]) -> Response:
    return Response(200, dump_json(value).encode(), "application/json")
