"""The platform's alert grammar: text in, alerts out.

An alert is the lines Appid, 昵称, 时间, 内容, 次数, 错误样例 and a tail with a link, in this order, any of them
missing. The scanner finds the labels, decides which belong together, and takes the values between them; it knows no
kind of alert. The format is that of the official guide 报警排查指引,
developers.weixin.qq.com/doc/service/guide/dev/api/warn_guide.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise

from triage.alerts.cleaning import clean, fold, half_width
from triage.alerts.sample import KEY, Brackets, Landmarks, Sample, parse_brackets
from triage.errors import TextTooLargeError

BEIJING = timezone(timedelta(hours=8))
MAX_CHARACTERS = 2_000_000
MAX_ALERTS = 500
_MAX_TOKENS = 20 * MAX_ALERTS
"""What comes after so many labels in one text is reported as unread."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as written; `None` where a line is missing or empty.

    `first_seen` is the first failure of the window, aware, in Beijing time; `span` is the half-open range of the
    alert in the text of its `Reading`.
    """

    appid: str | None
    nickname: str | None
    first_seen: datetime | None
    description: str | None
    window_minutes: int | None
    count: int | None
    sample: Sample
    guide_url: str | None
    text: str = ""
    span: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as the scanner saw it (`text`), its alerts in order, and the spans of what it did not understand."""

    text: str
    alerts: tuple[Alert, ...]
    unread: tuple[tuple[int, int], ...]


_GAP = r"[ \t]{0,8}"
_COLON = rf"{_GAP}(?:\*\*|__|\])?{_GAP}[:;]"
_LABELS = ("app[ _]?[il]d", "昵称", "呢称", "时间", "内容", "次数", "错误样[例列]")
_WORD = re.compile(
    "|".join([*(label + _COLON for label in _LABELS), "报警排查指引", "告警排查指引", KEY.pattern])
)
"""A label or a key. Plain characters first: the regex engine skips what begins with another."""
_KINDS = {"a": "appid", "时": "time", "内": "description", "次": "count", "错": "sample", "[": "brackets"}
_KINDS |= {"昵": "nickname", "呢": "nickname", "报": "tail", "告": "tail"}
"""What a word is, by its first character."""
_ORDER = ("appid", "nickname", "time", "description", "count", "sample", "brackets", "tail")
_RANK = {kind: rank for rank, kind in enumerate(_ORDER)} | {"end": -1}
"""The place of a kind in an alert; the end of the text follows nothing."""
_LINES = ("appid", "nickname", "description")
_BOLD = ("**", "__")
_DATE = re.compile(
    r"\s{0,20}(\d{4}) ?[-/.年] ?(\d{1,2}) ?[-/.月] ?(\d{1,2})日?"
    r"[\st]{0,9}(\d{1,2}) ?[:;时] ?(\d{1,2})(?: ?[:;分] ?(\d{1,2}))?"
)
_COUNT = re.compile(r"\s{0,20}(?:(\d{1,6}) ?分钟内?[ \t,]{0,9})?(\d{1,3}(?:,\d{3}){1,3}|\d{1,12}) ?次")
_URL = re.compile(r"https? ?[:;] ?//[!-;=?-Z_a-z~%]{3,200}")
_PASTED_TO_URL = re.compile(r"(?:[^\w/-]|-{2,}+|_{2,}+)+$")
_EMPTY = re.compile(rf"{_GAP}(?:\n|$|(?:app ?[il]d|[昵呢]称|时间|内容|次数|错误样例){_GAP}[:;])")
_MASKED = re.compile(r"\s{0,8}[x*]{2}")
_PLATFORM_SENTENCE = re.compile(
    r"微信服务器[向连]|推送(?:component|[\"「]?支付完成|第三方平台|组件消息|消息或事件)"
)
_BEGINNING = 20
"""What tells the platform's sentence stands in so many characters."""
_APPID = re.compile(r"(?i)wx|[x*＊\s]+$")
"""An appid, masked or not; other products number theirs otherwise."""
_DECORATION = re.compile(r"(?m)^\s*(?:\(?\d{1,2}[.)、]|[①-⑩])|</?[a-z][^<>]{0,200}>|```\w*")
_FOREIGN = re.compile(r"[^\W_]")
_YEARS = range(2000, 2100)
_LAST_STAMP = int(datetime(_YEARS.stop, 1, 1, tzinfo=UTC).timestamp())
_GLUED = 500
"""How long the value before a glued label may be, in characters."""


@dataclass(slots=True)
class _Token:
    """A label, a run of brackets or the end of the text, with the place of its value."""

    kind: str
    start: int
    value: int
    brackets: Brackets | None = None
    end: int = field(init=False)
    """Where the value ends, set when it is read."""


@dataclass(slots=True)
class _Draft:
    """An alert while it is put together."""

    tokens: list[_Token] = field(default_factory=list)
    unread: list[tuple[int, int]] = field(default_factory=list)
    appid: str | None = None
    nickname: str | None = None
    first_seen: datetime | None = None
    description: str | None = None
    window_minutes: int | None = None
    count: int | None = None
    brackets: Brackets | None = None
    guide_url: str | None = None

    @property
    def span(self) -> tuple[int, int]:
        return self.tokens[0].start, self.tokens[-1].end

    @property
    def has_platform_sentence(self) -> bool:
        return bool(_PLATFORM_SENTENCE.match(fold((self.description or "")[:_BEGINNING])))


def parse(text: str) -> Reading:
    """Every alert in a text, in order of appearance. Raises TextTooLargeError; takes linear time."""
    if len(text) > MAX_CHARACTERS:
        raise TextTooLargeError(len(text), MAX_CHARACTERS)
    cleaned = clean(text)
    folded = fold(cleaned)
    tokens = list(islice(_tokens(cleaned, folded), _MAX_TOKENS))
    alerts: list[Alert] = []
    unread: list[tuple[int, int]] = []
    for draft in _drafts(cleaned, folded, tokens):
        if len(alerts) < MAX_ALERTS and _is_alert(draft):
            alerts.append(_alert(cleaned, draft))
            unread += draft.unread
        else:
            unread.append(draft.span)
    if len(tokens) == _MAX_TOKENS:
        unread.append((tokens[-1].end, len(cleaned)))
    return Reading(cleaned, tuple(alerts), tuple(sorted(unread)))


def _tokens(text: str, folded: str) -> Iterator[_Token]:
    """The labels that count, and the runs of brackets, in order."""
    marks = Landmarks(folded)
    previous: _Token | None = None
    position = runs = 0
    while word := _WORD.search(folded, position):
        start, position = word.span()
        kind = _KINDS[folded[start]]
        if kind == "brackets":
            runs += 1
            if runs > MAX_ALERTS:
                continue
            brackets = parse_brackets(text, folded, start, marks)
            previous = _Token(kind, start, start, brackets)
            position = max(brackets.end, position)
        elif not start or folded[start - 1] == "\n":  # nothing to be glued to, or bold with
            previous = _Token(kind, start, position)
        elif _counts(folded, kind, start, position, previous):
            previous = _Token(kind, start, _after_bold(folded, start, position))
        else:
            continue
        yield previous


def _after_bold(folded: str, start: int, end: int) -> int:
    """Where the value begins: behind the closing stars of a bold label."""
    bold = folded[max(0, start - 2) : start]
    closed_behind = bold in _BOLD and bold not in folded[start:end] and folded.startswith(bold, end)
    return end + 2 if closed_behind else end


def _counts(folded: str, kind: str, start: int, end: int, previous: _Token | None) -> bool:
    """A word of the labels is a label unless it is part of a longer word, or its value cannot be one."""
    if kind == "tail":
        return True
    glued = folded[start - 1 : start].isalnum()
    if glued and kind == "appid" and not folded[start - 1].isascii():
        return True  # an intro of Chinese words may run into the alert's first label
    if glued and (previous is None or not _follows(folded, previous, start, kind)):
        return False
    if kind in ("time", "count") and not _at_line_start(folded, start):
        pattern = _DATE if kind == "time" else _COUNT
        return any(value.match(folded, end) for value in (pattern, _EMPTY, _MASKED))
    return True


def _follows(folded: str, previous: _Token, start: int, kind: str) -> bool:
    if start - previous.value > _GLUED or "\n" in folded[previous.value : start]:
        return False
    over = previous.kind in ("count", "brackets", "tail")
    return over or _RANK[kind] > _RANK[previous.kind]


def _at_line_start(folded: str, position: int) -> bool:
    line = folded[max(0, position - 20) : position]
    return not line[line.rfind("\n") + 1 :].strip(" \t*_-#>[")


def _drafts(text: str, folded: str, tokens: list[_Token]) -> Iterator[_Draft]:
    """Tokens that belong to one alert, values read."""
    draft = _Draft()
    for token, following in pairwise([*tokens, _Token("end", len(text), len(text))]):
        if draft.tokens and _opens(folded, draft, draft.tokens[-1], token):
            yield draft
            draft = _Draft()
        draft.tokens.append(token)
        _read(text, folded, draft, token, following.start, _RANK[following.kind])
    if draft.tokens:
        yield draft


def _opens(folded: str, draft: _Draft, last: _Token, token: _Token) -> bool:
    """Whether a token begins the next alert: out of order, or behind foreign text with nothing to join."""
    if _RANK[token.kind] <= _RANK[last.kind]:
        return True
    if token.brackets and not token.brackets.unmistakable:
        return _is_foreign(folded, last.end, token.start)
    if draft.count is not None or draft.brackets or (token.brackets and last.kind == "sample"):
        return False
    return _is_foreign(folded, last.end, token.start) and not draft.has_platform_sentence


def _is_foreign(folded: str, start: int, end: int) -> bool:
    between = folded[start : min(end, start + 2_000)]
    return between not in ("", "\n") and _has_words(between)


def _has_words(piece: str) -> bool:
    """Whether there is more than decoration; that takes no search where a letter is first, or nothing at all."""
    first = piece.lstrip()[:1]
    return first.isalpha() or (first != "" and bool(_FOREIGN.search(_DECORATION.sub("", piece))))


def _read(text: str, folded: str, draft: _Draft, token: _Token, limit: int, follower: int) -> None:
    """Read the value of a token into the draft."""
    kind = token.kind
    if kind in _LINES:
        _read_line(text, draft, token, limit, follower)
    elif kind == "time":
        _read_time(folded, draft, token, limit)
    elif kind == "count":
        _read_count(folded, draft, token, limit)
    elif token.brackets:
        draft.brackets = token.brackets
        draft.unread += token.brackets.unread
        token.end = token.brackets.end
    elif kind == "tail":
        _read_tail(text, folded, draft, token, limit)
    else:
        token.end = token.value


def _read_tail(text: str, folded: str, draft: _Draft, token: _Token, limit: int) -> None:
    url = _URL.search(folded, token.value, min(limit, token.value + 300))
    token.end = url.end() if url else token.value
    if url:
        address = half_width(text[slice(*url.span())]).replace(" ", "").replace(";", ":", 1)
        draft.guide_url = address if address[-1].isalnum() else _PASTED_TO_URL.sub("", address)


def _read_time(folded: str, draft: _Draft, token: _Token, limit: int) -> None:
    match = _DATE.match(folded, token.value, limit)
    try:
        if match is None or int(match[1]) not in _YEARS:
            raise ValueError
        year, month, day, hour, minute, second = map(int, match.groups("0"))
        draft.first_seen = datetime(year, month, day, hour, minute, second, tzinfo=BEIJING)
        token.end = match.end()
    except ValueError:
        _not_understood(folded, draft, token, limit)


def _read_count(folded: str, draft: _Draft, token: _Token, limit: int) -> None:
    match = _COUNT.match(folded, token.value, limit)
    if match is None:
        return _not_understood(folded, draft, token, limit)
    token.end = match.end()
    draft.count = int(match[2].replace(",", ""))
    draft.window_minutes = int(match[1]) if match[1] else None
    return None


def _not_understood(folded: str, draft: _Draft, token: _Token, limit: int) -> None:
    newline = folded.find("\n", token.value, limit)
    token.end = limit if newline < 0 else newline
    if folded[token.value : token.end].strip():
        draft.unread.append((token.start, token.end))


def _read_line(text: str, draft: _Draft, token: _Token, limit: int, follower: int) -> None:
    """A value of free text: its line, the next one where its own is empty, the rest where a sentence was folded."""
    raw = text[token.value : limit].lstrip()
    start = limit - len(raw)
    goes_on = follower > _RANK[token.kind]
    if not goes_on and "\n" in text[token.value : start]:
        token.end = token.value
        return
    if goes_on and token.kind == "description" and (value := _folded_line(raw)) is not None:
        token.end = limit
    else:
        line, newline, _ = raw[:2_000].partition("\n")
        value = _trim(line, follower < 0, not newline and follower >= 0)
        token.end = start + len(line)
    if value:
        setattr(draft, token.kind, value)


def _folded_line(raw: str) -> str | None:
    """The lines of a folded sentence as one; None where they are too many to be one."""
    written = [line for line in raw[:2_000].split("\n") if _has_words(line)]
    if len(written) > 5:
        return None
    return "".join([_trim(line, False, False) for line in written]).rstrip(";；,，、")


def _trim(line: str, is_last: bool, has_follower: bool) -> str:
    """A line without what wraps the alert: tags, fences, stars around the whole, the next line's list mark."""
    if not has_follower and not _WRAPPED.search(line):
        return line.strip()
    line = (_TAGS_AT_END.sub("", line.rstrip()) or line) if ">" in line else line.rstrip()
    if "```" in line:
        line = re.sub(r"\s*```.*$", "", line)
    if has_follower:
        line = re.sub(r"\s+(?:[-#>|*•·]|\(?\d{1,2}[.)、])$", "", line).rstrip(";；,，、")
    line = (re.sub(r"\s+\|$", "", line) if line.endswith("|") else line).strip()
    if is_last and line.endswith("」") and line.count("「") < line.count("」"):
        line = line.rstrip("」")
    for mark in ("**", "`"):
        if line.startswith(mark) and line.endswith(mark) and line.strip("*`"):
            line = line.strip(mark)
    return line.removesuffix("**") if line.strip("*") and "**" not in line[:-2] else line


_WRAPPED = re.compile(r"[>`|」*]")
"""What every wrapping holds and hardly any value does."""
_TAGS_AT_END = re.compile(r"(?:\s*</?[A-Za-z][^<>]{0,200}>){1,5}\s*$")


def _is_alert(draft: _Draft) -> bool:
    """Whether what was read can only be an alert of the platform."""
    plausible = draft.brackets.plausible if draft.brackets else 0
    tail = draft.guide_url is not None
    if tail and plausible:
        return True
    count = draft.count is not None and draft.window_minutes is not None
    if draft.brackets and plausible:
        ours = draft.brackets.unmistakable and draft.description is None and (plausible > 1 or count)
        sample_label = any(token.kind == "sample" for token in draft.tokens)
        return ours or sample_label or draft.has_platform_sentence
    appid = bool(_APPID.match(draft.appid or ""))
    if draft.has_platform_sentence:
        return count or appid or tail or draft.first_seen is not None
    return (count and (tail or appid)) or (
        draft.description is not None and tail and (draft.first_seen is not None or appid)
    )


def _alert(text: str, draft: _Draft) -> Alert:
    sample = draft.brackets.sample if draft.brackets else Sample()
    span = draft.span
    return Alert(
        appid=draft.appid,
        nickname=draft.nickname,
        first_seen=draft.first_seen or _instant(sample.stamp),
        description=draft.description,
        window_minutes=draft.window_minutes,
        count=draft.count,
        sample=sample,
        guide_url=draft.guide_url,
        text=text[slice(*span)],
        span=span,
    )


def _instant(stamp: int | None) -> datetime | None:
    """Stamp is the same instant as 时间, in unix seconds."""
    if not stamp or stamp >= _LAST_STAMP:
        return None
    return datetime.fromtimestamp(stamp, UTC).astimezone(BEIJING)
