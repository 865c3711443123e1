"""Where a value of the 错误样例 ends.

A value may hold brackets, line breaks and words that look like keys; a long body is cut with `...` and then lacks its
closing bracket. The brackets themselves, the declared `response_length` and what follows decide, never a guess at the
meaning. Every search is bounded, so that a hostile text takes linear time.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import islice

from triage.alerts.cleaning import fold

KEY = re.compile(
    r"\[ {0,3}(?:(?:openid(?P<openid>)|stamp(?P<stamp>)|outer ?ip(?P<outer_ip>)|3rd ?url(?P<callback_url>)"
    r"|ip(?P<ip>)|host(?P<host>)|msg ?type(?P<msg_type>)|msg(?P<msg>)|event(?P<event>)|http[_ \n]?code(?P<http_code>)"
    r"|curl[_ \n]?error(?P<curl_error>)|response[_ ]?length(?P<response_length>)"
    r"|response[_ ]?content(?P<response_content>)|transaction[_ ]?id(?P<transaction_id>)) {0,3}="
    r"|第三方平台(?P<platform>) {0,3}(?:[:;=]|(?=\]))"
    r"|(?:decrypt[ _]?fail(?P<decrypt_fail>)|resp(?P<resp>)) {0,3}(?:=|(?=\])))"
)
"""What opens a bracket, with an empty group that bears the key's name in the contract."""
_JSON = json.JSONDecoder(strict=False)
_BRACKET = re.compile(r"[\[\]]")
_CLOSING_BRACKET = re.compile(r"\]")
_PLATFORM_BRACKET = re.compile(r"(?<=[\].…])\s{0,20}\[ {0,3}第三方平台")
_MAX_SHORT_VALUE = 4_000
"""Characters of a value that is no reply body."""
_MAX_BODY = 16_000
"""Characters of a reply body; the platform cuts one long before."""
_MAX_UNKNOWN = 500
"""Characters of a bracket whose key is not known."""
_MAX_UNKNOWN_RUN = 10
"""Such brackets, one after another."""
_SPACE = re.compile(r"\s{0,20}")
_MAX_BRACKETS_IN_VALUE = 1_000
"""Brackets looked at to find the end of one value."""
_MAX_SURPLUS = 200
"""Bytes by which a body may exceed its declared length before the search for its end is given up."""
_COLON = r"[ \t*]{0,4}[:;]"
_VALUE = r"[^\[\]{}<>\"]"
_NICKNAME = r"[^={}<>\"]"
"""A character of a nickname, which may hold brackets; a `=` belongs to a key of the 错误样例."""
_SENTENCE = rf"内容{_COLON}\s{{0,4}}(?:微信服务器|推送(?:component|\"?支付|第三方平台|组件))"
_END_OF_ALERT = re.compile(
    r"(?P<tail>[报告]警排查指引)"
    rf"|(?P<header>app ?[il]d{_COLON}{_VALUE}{{0,120}}?(?:[昵呢]称|时间|内容|次数|错误样例){_COLON}"
    rf"|[昵呢]称{_COLON}{_NICKNAME}{{0,80}}?(?:时间|内容|次数){_COLON}"
    rf"|(?:时间{_COLON}{_VALUE}{{0,40}}?)?{_SENTENCE})"
    rf"|(?P<part>时间{_COLON}\s{{0,4}}\d{{4}}[-/.]\d\d?[-/.]\d\d?{_VALUE}{{0,40}}?(?:内容|次数){_COLON}"
    rf"|次数{_COLON}{_VALUE}{{2,40}}?次|错误样例{_COLON}\s{{0,4}}\[)"
)
FIRST_WORD = re.compile(r"app|昵称|呢称|时间|内容|次数|错误样例|报警排查|告警排查")
"""What `_END_OF_ALERT` begins with; a search for plain characters is much faster."""
_LIST_MARKS = r"(?:[\s>*_#|•·-]|<[^<>]{0,40}>){0,20}(?:\(?\d{1,2}[.)、]\s{0,4})?[*_]{0,2}$"
_BEHIND_BRACKET = re.compile(rf"(?:\]|\.\.\.|…|」){_LIST_MARKS}")
_ON_NEW_LINE = re.compile(rf"\n{_LIST_MARKS}")
_PLATFORM_AT_END = re.compile(rf"\[ {{0,3}}第三方平台(?:[:;][^\[\]]{{0,100}})?\]{_LIST_MARKS}")
_CUT_AT_END = re.compile(rf"(?:\.\.\.|…)(?=[\"'」]{{0,3}}{_LIST_MARKS})")
_CUT_IN_TEXT = r"(?:\.\.\.|…)(?=\s|$|[\u3000-\u9fff])"
"""A string, compiled on first use: the wide range takes a millisecond, and few alerts need it."""
_AFTER_BODY = re.compile(r"$|\s|[^\x00-\x7f]|\[|app ?[il]d|</?(?:p|br|div|span|li|pre|code)\b")
"""What may follow the `]` behind an uncut body."""
_WRAPPER = re.compile(
    r"\n[ \t>]{0,8}(?:```|(?:- ){4}|[-=_*]{3}|[^\n]{1,40}  \d{1,2}:\d\d\n"
    r"|[^\n]{1,40} \d{4}-\d\d-\d\d \d{1,2}:\d\d|\d{4}-\d\d-\d\d \d{1,2}:\d\d:\d\d [^\n]{1,40}\n)"
    r"|」\s{0,4}$|</(?:p|div|pre|code)>"
)
_WRAPPING_CHARACTERS = " \t\n\"'」"


class Scanner:
    """A cleaned text, the same text folded for comparing, and where its keys, alerts and wrappers end.

    A place in one text is the same place in the other. Each list of landmarks is made once, when it is first asked for.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.folded = fold(text)
        self.length = len(text)

    @cached_property
    def _ends(self) -> list[re.Match[str]]:
        """Where alerts end, from the first bracket on: only values inside brackets are ended by the end of an alert."""
        ends: list[re.Match[str]] = []
        for word in FIRST_WORD.finditer(self.folded, self.folded.find("[")):
            match = _END_OF_ALERT.match(self.folded, word.start())
            if match and (not ends or match.start() >= ends[-1].end()):
                ends.append(match)
        return ends

    @cached_property
    def _ends_of_bodies(self) -> list[re.Match[str]]:
        return [match for match in self._ends if _ends_a_body(self.folded, match)]

    @cached_property
    def _wrappers(self) -> list[int]:
        return [match.start() for match in _WRAPPER.finditer(self.folded)]

    def next_key(self, position: int) -> int:
        """Where the next bracket with a known key begins; the length of the text where there is none."""
        key = KEY.search(self.folded, position)
        return key.start() if key else self.length

    def next_end(self, position: int) -> int:
        """Where the next thing begins that ends an alert: the tail line or the labels of another alert."""
        return _next(self._ends, position, self.length)

    def next_end_of_body(self, position: int) -> int:
        """Where the next thing begins that ends a reply body, passing over labels that may be part of the body."""
        return _next(self._ends_of_bodies, position, self.length)

    def is_tail(self, position: int) -> bool:
        """Whether the alert's tail line begins here."""
        return self.next_end(position) == position and self.folded.startswith(("报", "告"), position)

    def is_end(self, position: int) -> bool:
        """Whether the alert's tail line or the next alert begins here, behind white space."""
        first = self._behind_space(position)
        return self.next_end(first) == first < self.length

    def unknown_bracket_end(self, start: int) -> int | None:
        """Where the bracket that opens at `start` ends: behind its `]` on the line, or before a key that cuts it short.

        None where it does not end.
        """
        stop = self.line_end(start, min(start + _MAX_UNKNOWN, self.length))
        key = KEY.search(self.folded, start + 1, stop)
        close = _balanced(self.folded, start + 1, key.start() if key else stop)
        if close is not None:
            return close + 1
        if key:
            return key.start()
        return stop if KEY.match(self.folded, self._behind_space(stop)) else None

    def unknown_run_end(self, start: int) -> int:
        """Where the unknown brackets end that follow each other from `start` on; `start` if there are none."""
        end = start
        for _ in range(_MAX_UNKNOWN_RUN):
            first = self._behind_space(end)
            if not self.folded.startswith("[", first) or KEY.match(self.folded, first):
                break
            stop = self.unknown_bracket_end(first)
            if stop is None:
                break
            end = stop
        return end

    def _behind_space(self, position: int) -> int:
        space = _SPACE.match(self.folded, position)
        return space.end() if space else position

    def wrappers(self, start: int, end: int) -> Sequence[int]:
        """Where something begins that people wrap an alert in: a fence, a rule, the head of a chat message."""
        return self._wrappers[bisect_left(self._wrappers, start) : bisect_right(self._wrappers, end)]

    def line_end(self, start: int, limit: int) -> int:
        """The end of the line, or `limit` where that comes first."""
        newline = self.folded.find("\n", start, limit)
        return limit if newline < 0 else newline


def _ends_a_body(folded: str, match: re.Match[str]) -> bool:
    """Whether a label cannot be part of a body: the tail line, one behind a closed bracket, or one on its own line."""
    before = folded[max(0, match.start() - 60) : match.start()]
    if match.lastgroup == "tail" or _BEHIND_BRACKET.search(before):
        return True
    return match.lastgroup == "header" and bool(_ON_NEW_LINE.search(before))


def _next(matches: list[re.Match[str]], position: int, default: int) -> int:
    index = bisect_left(matches, position, key=re.Match.start)
    return matches[index].start() if index < len(matches) else default


Extent = tuple[int, int]
"""Where a value ends, and where its bracket does: behind the `]`, or at the same place where there is none."""


def find_extent(scanner: Scanner, start: int, *, is_body: bool, length: int | None) -> Extent:
    """The end of the value that begins at `start`; `length` is the declared number of bytes of a reply body."""
    return _body_extent(scanner, start, length) if is_body else _short_extent(scanner, start)


def _short_extent(scanner: Scanner, start: int) -> Extent:
    folded = scanner.folded
    end = folded.find("]", start, start + _MAX_SHORT_VALUE)
    if end >= 0 and folded.find("[", start, end) < 0 and not FIRST_WORD.search(folded, start, end):
        return end, end + 1
    limit = min(scanner.next_key(start), scanner.next_end(start), start + _MAX_SHORT_VALUE)
    close = _balanced(folded, start, limit)
    if close is not None:
        return close, close + 1
    stop = scanner.line_end(start, limit)
    if limit == scanner.next_key(start) and limit < scanner.length:
        close = len(folded[start:limit].rstrip(" \t\n,;、|>*-")) + start - 1
        close = close if folded.startswith("]", close) else -1
        stop = limit
    else:
        close = folded.find("]", start, stop)
    return (close, close + 1) if close >= 0 else (stop, stop)


def _balanced(folded: str, start: int, limit: int) -> int | None:
    """The `]` that closes a bracket opened before `start`; brackets that open after it are paired first."""
    depth = 0
    for match in islice(_BRACKET.finditer(folded, start, limit), _MAX_BRACKETS_IN_VALUE):
        depth += 1 if match[0] == "[" else -1
        if depth < 0:
            return match.start()
    return None


def _body_extent(scanner: Scanner, start: int, length: int | None) -> Extent:
    close = _after_json(scanner, start)
    if close is not None:
        return close, close + 1
    region = min(_region_end(scanner, start), start + _MAX_BODY)
    close = _by_shape(scanner.folded, start, region)
    if close is None and length is not None:
        close = _by_length(scanner, start, length)
    if close is not None:
        return close, close + 1
    platform = _last_platform(scanner.folded, start, region)
    end = platform if platform is not None else region
    if platform is not None or scanner.is_tail(end):
        return _before_next_part(scanner.folded, start, end)
    return _before_other_text(scanner, start, end)


def _last_platform(folded: str, start: int, end: int) -> int | None:
    """Where the bracket of the third-party platform begins; it is always the last one."""
    found = [match.start() for match in _PLATFORM_BRACKET.finditer(folded, start, end)]
    if found:
        return found[-1]
    match = _PLATFORM_AT_END.search(folded, max(start, end - 160), end)
    return match.start() if match else None


def _before_next_part(folded: str, start: int, end: int) -> Extent:
    """The end of a body that the alert's next part follows: the last `]`, or the dots where WeChat cut it."""
    cut = _CUT_AT_END.search(folded, max(start, end - 60), end)
    if cut:
        return cut.end(), end
    close = folded.rfind("]", start, end)
    return (close, close + 1) if close >= 0 else (end, end)


def _before_other_text(scanner: Scanner, start: int, end: int) -> Extent:
    """The end of a body that other text may follow: the `]` that closes its bracket, or the dots of a cut."""
    folded = scanner.folded
    close = _closing(folded, start, end)
    if close is not None:
        return close, close + 1
    cut = re.compile(_CUT_IN_TEXT).search(folded, start, end)
    stop = cut.end() if cut else scanner.line_end(start, end)
    close = -1 if cut else folded.rfind("]", start, stop)
    return (close, close + 1) if close >= 0 else (stop, stop)


def _closing(folded: str, start: int, end: int) -> int | None:
    """The `]` that closes the bracket; of several in a row the last."""
    close = _balanced(folded, start, end)
    while close is not None and folded.startswith("]", close + 1):
        close += 1
    return close


def _by_length(scanner: Scanner, start: int, length: int) -> int | None:
    """The `]` before which the body has the declared number of bytes.

    A copy may have added white space around the body, and doubled its line breaks.
    """
    text, folded = scanner.text, scanner.folded
    size = doubled = 0
    previous = start
    while previous < len(text) and text[previous].isspace():
        previous += 1
    for match in islice(
        _CLOSING_BRACKET.finditer(folded, previous, start + _MAX_BODY), _MAX_BRACKETS_IN_VALUE
    ):
        piece = text[previous : match.start()]
        size += len(piece.encode())
        doubled += piece.count("\n\n")
        trailing = len(piece) - len(piece.rstrip())
        if length in (size - trailing, size - doubled - trailing) and _AFTER_BODY.match(folded, match.end()):
            return match.start()
        if size - doubled - trailing > length + _MAX_SURPLUS:
            return None
        previous = match.start()
    return None


def _region_end(scanner: Scanner, start: int) -> int:
    """The first thing that cannot belong to the body: tail line, next alert, or what wraps the alert."""
    end = scanner.next_end_of_body(start)
    for wrapper in scanner.wrappers(start, min(end, start + _MAX_BODY)):
        before = scanner.folded[max(start, wrapper - 40) : wrapper].rstrip(_WRAPPING_CHARACTERS)
        if before.endswith(("]", "...", "…")):
            return wrapper
    return end


def _by_shape(folded: str, start: int, end: int) -> int | None:
    """The `]` behind a body that shows its own end: an empty one, one in quotes, XML, HTML."""
    if folded.startswith("]", start) and _AFTER_BODY.match(folded, start + 1):
        return start
    body = folded[start : start + 200].lstrip()
    pattern = next((closer for openers, closer in _BODY_ENDS if body.startswith(openers)), None)
    match = pattern.search(folded, start + 1, end) if pattern else None
    return match.start("close") if match else None


_BODY_ENDS = [
    (('"',), re.compile(r"\"\s{0,9}(?P<close>\])")),
    (("<?xml", "<xml"), re.compile(r"</xml>\s{0,9}(?P<close>\])")),
    (("<!doctype html", "<html"), re.compile(r"</html>\s{0,9}(?P<close>\])")),
]


def _after_json(scanner: Scanner, start: int) -> int | None:
    """The `]` behind a body that is JSON, whatever brackets its strings hold."""
    body = scanner.text[start : start + _MAX_BODY]
    skipped = len(body) - len(body.lstrip())
    if not body.startswith(("{", "["), skipped):
        return None
    try:
        _, stop = _JSON.raw_decode(body, skipped)
    except (ValueError, RecursionError):
        return None
    while stop < len(body) and body[stop].isspace():
        stop += 1
    return start + stop if scanner.folded.startswith("]", start + stop) else None
