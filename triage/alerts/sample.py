"""The alert's 错误样例: a run of `[key=value]` brackets, whose last values may be a whole reply body.

A value may hold brackets, line breaks and words that look like keys; a long body is cut with `...` and then
lacks its closing bracket. What ends a value is decided by the brackets themselves, by the declared
`response_length` and by what follows, never by a guess at the meaning.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import islice

from triage.alerts.cleaning import half_width, unindent


@dataclass(frozen=True, slots=True)
class Sample:
    """What the alert says of the first failure; `None` where the key is missing, `""` where it is empty."""

    openid: str | None = None
    stamp: int | None = None
    outer_ip: str | None = None
    callback_url: str | None = None
    ip: str | None = None
    host: str | None = None
    msg_type: int | None = None
    msg: str | None = None
    event: str | None = None
    http_code: int | None = None
    curl_error: int | None = None
    decrypt_fail: bool | None = None
    response_length: int | None = None
    response_content: str | None = None
    platform: str | None = None
    transaction_id: str | None = None
    resp: str | None = None

    def known(self) -> dict[str, str | int]:
        """The keys that are there, in the order of the contract."""
        return {name: value for name in SAMPLE_KEYS if (value := getattr(self, name)) is not None}


SAMPLE_KEYS = tuple(field.name for field in fields(Sample))
_NUMBERS = {"stamp", "msg_type", "http_code", "curl_error", "response_length"}
_WORDS = {"event", "msg", "platform"}
_FIRST = {"openid", "transaction_id"}
_BODIES = {"response_content", "resp"}
_PROSE = _BODIES | {"platform"}
KEY = re.compile(
    r"\[ {0,3}(?:(?:openid(?P<openid>)|stamp(?P<stamp>)|outer ?ip(?P<outer_ip>)|3rd ?url(?P<callback_url>)"
    r"|ip(?P<ip>)|host(?P<host>)|msg ?type(?P<msg_type>)|msg(?P<msg>)|event(?P<event>)|http[_ ]?code(?P<http_code>)"
    r"|curl[_ ]?error(?P<curl_error>)|response[_ ]?length(?P<response_length>)"
    r"|response[_ ]?content(?P<response_content>)|transaction[_ ]?id(?P<transaction_id>)) {0,3}="
    r"|第三方平台(?P<platform>) {0,3}(?:[:;=]|(?=\]))"
    r"|(?:decrypt[ _]?fail(?P<decrypt_fail>)|resp(?P<resp>)) {0,3}(?:=|(?=\])))"
)
"""What opens a bracket, with an empty group that bears the key's name in the contract."""
_BREAK = re.compile(r"\s*\n\s*")
_JSON = json.JSONDecoder(strict=False)
_BRACKET = re.compile(r"[\[\]]")
_CLOSE = re.compile(r"\]")
_PLATFORM = re.compile(r"(?<=[\].…])\s{0,20}\[ {0,3}第三方平台")
_BETWEEN = re.compile(r"[\s,;、|>*-]{0,200}(?=\[)")
_STRANGER = re.compile(r"\[[^\W\d][\w. -]{0,40}=[^\[\]\n]{0,500}\]")
_SHORT_VALUE = 4_000
_BODY = 16_000
_MAX_BRACKETS = 50
_MAX_IN_BODY = 1_000
"""So many brackets are looked at to find the end of a value."""
_COLON = r"[ \t*]{0,4}[:;]"
_PLAIN = r"[^\[\]{}<>\"]"
_SENTENCE = rf"内容{_COLON}\s{{0,4}}(?:微信服务器|推送(?:component|\"?支付|第三方平台|组件))"
_END_OF_ALERT = re.compile(
    r"(?P<tail>[报告]警排查指引)"
    rf"|(?P<header>app ?[il]d{_COLON}{_PLAIN}{{0,120}}?(?:[昵呢]称|时间|内容|次数|错误样例){_COLON}"
    rf"|[昵呢]称{_COLON}{_PLAIN}{{0,80}}?(?:时间|内容|次数){_COLON}"
    rf"|(?:时间{_COLON}{_PLAIN}{{0,40}}?)?{_SENTENCE})"
    rf"|(?P<part>时间{_COLON}\s{{0,4}}\d{{4}}[-/.]\d\d?[-/.]\d\d?{_PLAIN}{{0,40}}?(?:内容|次数){_COLON}"
    rf"|次数{_COLON}{_PLAIN}{{2,40}}?次|错误样例{_COLON}\s{{0,4}}\[)"
)
_FIRST_WORD = re.compile(r"app|昵称|呢称|时间|内容|次数|错误样例|报警排查|告警排查")
"""What the end of an alert begins with. Plain characters first: the regex engine skips what begins with another."""
_MARKS = r"(?:[\s>*_#|•·-]|<[^<>]{0,40}>){0,20}(?:\(?\d{1,2}[.)、]\s{0,4})?[*_]{0,2}$"
_CLOSED = re.compile(rf"(?:\]|\.\.\.|…|」){_MARKS}")
_NEW_LINE = re.compile(rf"\n{_MARKS}")
_PLATFORM_AT_END = re.compile(rf"\[ {{0,3}}第三方平台(?:[:;][^\[\]]{{0,100}})?\]{_MARKS}")
_CUT_OFF = re.compile(rf"(?:\.\.\.|…)(?=[\"'」]{{0,3}}{_MARKS})")
_CUT = r"(?:\.\.\.|…)(?=\s|$|[\u3000-\u9fff])"
"""Compiled when first needed, which is seldom: so wide a range takes a millisecond."""
_AFTER = re.compile(r"$|\s|[^\x00-\x7f]|\[|app ?[il]d|</?(?:p|br|div|span|li|pre|code)\b")
"""What may stand behind the `]` of a whole body."""
_WRAPPER = re.compile(
    r"\n[ \t>]{0,8}(?:```|(?:- ){4}|[-=_*]{3}|[^\n]{1,40}  \d{1,2}:\d\d\n"
    r"|[^\n]{1,40} \d{4}-\d\d-\d\d \d{1,2}:\d\d|\d{4}-\d\d-\d\d \d{1,2}:\d\d:\d\d [^\n]{1,40}\n)"
    r"|」\s{0,4}$|</(?:p|div|pre|code)>"
)
_WRAPPING = " \t\n\"'」"


class Landmarks:
    """Where keys, ends of alerts and wrappers stand in a text; found when needed, and once: reading stays linear."""

    def __init__(self, folded: str) -> None:
        self._folded = folded
        self.length = len(folded)

    @cached_property
    def _ends(self) -> list[re.Match[str]]:
        """From the first bracket on, as no end that begins before it reaches behind it."""
        ends: list[re.Match[str]] = []
        for word in _FIRST_WORD.finditer(self._folded, self._folded.find("[")):
            match = _END_OF_ALERT.match(self._folded, word.start())
            if match and (not ends or match.start() >= ends[-1].end()):
                ends.append(match)
        return ends

    @cached_property
    def _ends_of_bodies(self) -> list[re.Match[str]]:
        return [match for match in self._ends if _ends_a_body(self._folded, match)]

    @cached_property
    def _wrappers(self) -> list[int]:
        return [match.start() for match in _WRAPPER.finditer(self._folded)]

    def next_key(self, position: int) -> int:
        key = KEY.search(self._folded, position)
        return key.start() if key else self.length

    def next_end(self, position: int) -> int:
        return _next(self._ends, position, self.length)

    def next_end_of_body(self, position: int) -> int:
        return _next(self._ends_of_bodies, position, self.length)

    def is_tail(self, position: int) -> bool:
        return self.next_end(position) == position and self._folded.startswith(("报", "告"), position)

    def wrappers(self, start: int, end: int) -> Sequence[int]:
        return self._wrappers[bisect_left(self._wrappers, start) : bisect_right(self._wrappers, end)]


def _ends_a_body(folded: str, match: re.Match[str]) -> bool:
    """Whether it is no label inside a body: the tail line, or behind a closed bracket, or a header on its line."""
    before = folded[max(0, match.start() - 60) : match.start()]
    if match.lastgroup == "tail" or _CLOSED.search(before):
        return True
    return match.lastgroup == "header" and bool(_NEW_LINE.search(before))


def _next(matches: list[re.Match[str]], position: int, default: int) -> int:
    index = bisect_left(matches, position, key=re.Match.start)
    return matches[index].start() if index < len(matches) else default


@dataclass(frozen=True, slots=True)
class Brackets:
    """A run of brackets as read: where it ends, its values, how many look like the platform's, what is not clear."""

    sample: Sample
    end: int
    plausible: int
    """Counted up to two, as more prove no more."""
    unread: tuple[tuple[int, int], ...]
    unmistakable: bool = False
    """Whether a key is there that nobody but the platform writes like this."""


def parse_brackets(text: str, folded: str, start: int, marks: Landmarks) -> Brackets:
    """Read the run of brackets that begins at `start`, the position of a key."""
    values: dict[str, str | int | bool] = {}
    unread: list[tuple[int, int]] = []
    unmistakable = False
    opening = folded[folded.rfind("\n", 0, start) + 1 : start]
    position = end = start
    for _ in range(_MAX_BRACKETS):
        if not folded.startswith("[", position):
            if not (between := _BETWEEN.match(folded, position)):
                break
            position = between.end()
        key = KEY.match(folded, position)
        if key is None:
            stranger = _STRANGER.match(folded, position)
            if stranger is None:
                break
            unread.append(stranger.span())
            end = stranger.end()
        else:
            name = key.lastgroup or ""
            if name in _FIRST and name in values:
                break  # the brackets of the next alert
            low = key.end()
            high, end = _extent(text, folded, low, name, values, marks)
            value = _value(name, text[low:high], opening)
            unmistakable = unmistakable or _is_unmistakable(text[position:low], value)
            if value is None:
                unread.append((position, end))
            elif values.get(name, "") == "":
                values[name] = value
        position = end
    return Brackets(Sample(**values), end, _plausible(values), tuple(unread), unmistakable)  # type: ignore[arg-type]  # by name


def _is_unmistakable(key: str, value: str | int | bool | None) -> bool:
    """Other programs write `[ip=…]` and `[event=…]` too, but not in the platform's spelling and words."""
    spelled = half_width(key).translate(_AROUND_KEY)
    return spelled in _OURS or (spelled in ("Event", "Msg") and str(value) in _PUSHES)


_AROUND_KEY = str.maketrans("", "", "[【 =:")
_PLACEHOLDERS = ("...", "{", "<", "$", "%")
_OURS = {
    *("OpenID", "OuterIP", "3rdUrl", "MsgType", "cURLError", "decryptfail", "第三方平台"),
    *("response_length", "response_content", "transaction_id"),
}
_PUSHES = {
    *("Text", "Subscribe", "UnSubscribe", "Click", "Click Menu Url", "Scan QRCode", "Location Report"),
    *("Template Send Job Finish", "Component Ticket", "Component Info"),
}


def _plausible(values: dict[str, str | int | bool]) -> int:
    """How many values may come from the platform, up to two; the placeholders of an explanation do not."""
    found = 0
    for name, value in values.items():
        if name in _PROSE or (str(value).isascii() and not str(value).startswith(_PLACEHOLDERS)):
            found += 1
            if found > 1:
                break
    return found


def _value(name: str, raw: str, opening: str) -> str | int | bool | None:
    if name == "decrypt_fail":
        return True
    if name in _BODIES:
        return unindent(raw, opening).strip()
    if name in _NUMBERS:
        digits = half_width(raw).strip()
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else None
    value = raw.strip() if name in _WORDS else half_width(raw).strip()
    return _BREAK.sub(" " if name in _WORDS else "", value) if "\n" in value else value


def _extent(
    text: str, folded: str, start: int, name: str, known: dict[str, str | int | bool], marks: Landmarks
) -> tuple[int, int]:
    """Where a value ends, and where its bracket does."""
    if name in _BODIES and name not in known:
        return _body_extent(text, folded, start, known, marks)
    end = folded.find("]", start, start + _SHORT_VALUE)
    if end >= 0 and folded.find("[", start, end) < 0 and not _FIRST_WORD.search(folded, start, end):
        return end, end + 1
    limit = min(marks.next_key(start), marks.next_end(start), start + _SHORT_VALUE)
    close = _balanced(folded, start, limit)
    if close is not None:
        return close, close + 1
    stop = _line_end(folded, start, limit)
    if limit == marks.next_key(start) and limit < marks.length:
        close = len(folded[start:limit].rstrip(" \t\n,;、|>*-")) + start - 1
        close = close if folded.startswith("]", close) else -1
        stop = limit
    else:
        close = folded.find("]", start, stop)
    return (close, close + 1) if close >= 0 else (stop, stop)


def _line_end(folded: str, start: int, limit: int) -> int:
    newline = folded.find("\n", start, limit)
    return limit if newline < 0 else newline


def _balanced(folded: str, start: int, limit: int) -> int | None:
    """The `]` that closes a bracket opened before `start`, counting the pairs between."""
    depth = 0
    for match in islice(_BRACKET.finditer(folded, start, limit), _MAX_IN_BODY):
        depth += 1 if match[0] == "[" else -1
        if depth < 0:
            return match.start()
    return None


def _body_extent(
    text: str, folded: str, start: int, known: dict[str, str | int | bool], marks: Landmarks
) -> tuple[int, int]:
    close = _after_json(text, folded, start)
    if close is not None:
        return close, close + 1
    region = min(_region_end(folded, start, marks), start + _BODY)
    close = _by_shape(folded, start, region)
    if close is None and "response_length" in known:
        close = _exact(text, folded, start, int(known["response_length"]))
    if close is not None:
        return close, close + 1
    platform = _last_platform(folded, start, region)
    end = platform if platform is not None else region
    if platform is not None or marks.is_tail(end):
        return _before_next_part(folded, start, end)
    return _before_anything(folded, start, end)


def _last_platform(folded: str, start: int, end: int) -> int | None:
    """Where the bracket of the third-party platform begins, which is always the last one."""
    found = [match.start() for match in _PLATFORM.finditer(folded, start, end)]
    if found:
        return found[-1]
    match = _PLATFORM_AT_END.search(folded, max(start, end - 160), end)
    return match.start() if match else None


def _before_next_part(folded: str, start: int, end: int) -> tuple[int, int]:
    """A body with the alert's own next part behind it runs to the last `]`, or to the dots where WeChat cut it."""
    cut = _CUT_OFF.search(folded, max(start, end - 60), end)
    if cut:
        return cut.end(), end
    close = folded.rfind("]", start, end)
    return (close, close + 1) if close >= 0 else (end, end)


def _before_anything(folded: str, start: int, end: int) -> tuple[int, int]:
    """A body with chatter behind it, maybe, runs to the `]` that closes its bracket, or to the dots of a cut."""
    close = _closing(folded, start, end)
    if close is not None:
        return close, close + 1
    cut = re.compile(_CUT).search(folded, start, end)
    stop = cut.end() if cut else _line_end(folded, start, end)
    close = -1 if cut else folded.rfind("]", start, stop)
    return (close, close + 1) if close >= 0 else (stop, stop)


def _closing(folded: str, start: int, end: int) -> int | None:
    """The last of the `]` that stand together where the bracket is closed."""
    close = _balanced(folded, start, end)
    while close is not None and folded.startswith("]", close + 1):
        close += 1
    return close


def _exact(text: str, folded: str, start: int, length: int) -> int | None:
    """The `]` before which the body has just the declared number of bytes, blank lines of a copy aside."""
    size = doubled = 0
    previous = start
    while previous < len(text) and text[previous].isspace():
        previous += 1
    for match in islice(_CLOSE.finditer(folded, previous, start + _BODY), _MAX_IN_BODY):
        piece = text[previous : match.start()]
        size += len(piece.encode())
        doubled += piece.count("\n\n")
        trailing = len(piece) - len(piece.rstrip())
        if length in (size - trailing, size - doubled - trailing) and _AFTER.match(folded, match.end()):
            return match.start()
        if size - doubled - trailing > length + 200:
            return None
        previous = match.start()
    return None


def _region_end(folded: str, start: int, marks: Landmarks) -> int:
    """The first thing that cannot belong to the body: tail line, next alert, or what wraps the alert."""
    end = marks.next_end_of_body(start)
    for wrapper in marks.wrappers(start, min(end, start + _BODY)):
        if folded[max(start, wrapper - 40) : wrapper].rstrip(_WRAPPING).endswith(("]", "...", "…")):
            return wrapper
    return end


def _by_shape(folded: str, start: int, end: int) -> int | None:
    """The `]` behind a body that shows its own end: nothing at all, quotes, XML, HTML."""
    if folded.startswith("]", start) and _AFTER.match(folded, start + 1):
        return start
    body = folded[start : start + 200].lstrip()
    pattern = next((closer for openers, closer in _CLOSERS if body.startswith(openers)), None)
    match = pattern.search(folded, start + 1, end) if pattern else None
    return match.start("close") if match else None


_CLOSERS = [
    (('"',), re.compile(r"\"\s{0,9}(?P<close>\])")),
    (("<?xml", "<xml"), re.compile(r"</xml>\s{0,9}(?P<close>\])")),
    (("<!doctype html", "<html"), re.compile(r"</html>\s{0,9}(?P<close>\])")),
]


def _after_json(text: str, folded: str, start: int) -> int | None:
    """The `]` behind a body that is JSON, whatever its strings hold."""
    body = text[start : start + _BODY]
    skipped = len(body) - len(body.lstrip())
    if not body.startswith(("{", "["), skipped):
        return None
    try:
        _, stop = _JSON.raw_decode(body, skipped)
    except (ValueError, RecursionError):
        return None
    while stop < len(body) and body[stop].isspace():
        stop += 1
    return start + stop if folded.startswith("]", start + stop) else None
