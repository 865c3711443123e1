"""The platform's alert grammar: text in, alerts out.

An alert is the lines Appid, 昵称, 时间, 内容, 次数, 错误样例 and a tail with a link, in this order, any of them
missing. The parser finds the labels, decides which belong together, and takes the values between them; it knows no
kind of alert. The format is that of the official guide 报警排查指引:
https://developers.weixin.qq.com/doc/service/guide/dev/api/warn_guide.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise

from triage.alerts.cleaning import MAX_LINE, clean, half_width, has_words_between, trim_line, unfold
from triage.alerts.sample import Brackets, Sample, parse_brackets
from triage.alerts.scanner import KEY, Scanner
from triage.alerts.sentence import Placed, is_platform_sentence, sentence_before, sentence_between
from triage.errors import TextTooLargeError

BEIJING = timezone(timedelta(hours=8))
MAX_CHARACTERS = 2_000_000
"""Of one text; a longer one is refused."""
MAX_ALERTS = 500
"""Of one text; what follows is reported as unread."""
_MAX_TOKENS = 20 * MAX_ALERTS


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as written; None where a line is missing or empty."""

    appid: str | None
    nickname: str | None
    first_seen: datetime | None
    """The first failure of the window: aware, in Beijing time."""
    description: str | None
    """The sentence of the 内容 line."""
    window_minutes: int | None
    count: int | None
    """Failures within the window."""
    sample: Sample
    guide_url: str | None
    text: str = ""
    span: tuple[int, int] = (0, 0)
    """Where `text` stands in the text of the `Reading`: a half-open range in characters."""
    parts: tuple[tuple[str, int, int], ...] = field(default=(), compare=False, repr=False)
    """Of each value its key in the contract's JSON and where it stands there, with white space around it and with what
    precedes a link: `alerts.places` trims it.
    """
    doubtful: tuple[str, ...] | None = None
    """The fields that may have been read wrong in a picture; None where the alert came as text."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A parsed text."""

    text: str
    """The cleaned text; all spans are places in it."""
    alerts: tuple[Alert, ...]
    """In order of appearance."""
    unread: tuple[tuple[int, int], ...]
    """Where something stands that looks like a part of an alert and was not understood."""


_GAP = r"[ \t]{0,8}"
_COLON = rf"{_GAP}(?:\*\*|__|\])?{_GAP}[:;]"
_LABELS = ("app[ _]?[il]d", "昵称", "呢称", "时间", "内容", "次数", "错误样[例列]")
_WORD = re.compile(
    "|".join([*(label + _COLON for label in _LABELS), "报警排查指引", "告警排查指引", KEY.pattern])
)
"""A label or a key. It begins with plain characters, for which the regex engine searches fast."""
_KINDS = {"a": "appid", "时": "time", "内": "description", "次": "count", "错": "sample", "[": "brackets"}
_KINDS |= {"昵": "nickname", "呢": "nickname", "报": "tail", "告": "tail"}
"""The kind of a label or a key by its first character."""
_ORDER = ("appid", "nickname", "time", "description", "count", "sample", "brackets", "tail")
_NAMES = {"time": "first_seen", "tail": "guide_url"}
"""What the contract calls the values of some lines."""
_RANK = {kind: rank for rank, kind in enumerate(_ORDER)} | {"end": -1}
"""Where a line stands in an alert; the end of the text ranks before all of them."""
_TEXT_LINES = ("appid", "nickname", "description")
_BOLD_MARKS = ("**", "__")
_DATE = re.compile(
    r"\s{0,20}(\d{4}) ?[-/.年] ?(\d{1,2}) ?[-/.月] ?(\d{1,2})日?"
    r"[\st]{0,9}(\d{1,2}) ?[:;时] ?(\d{1,2})(?: ?[:;分] ?(\d{1,2}))?"
)
_COUNT = re.compile(r"\s{0,20}(?:(\d{1,6}) ?分钟内?[ \t,]{0,9})?(\d{1,3}(?:,\d{3}){1,3}|\d{1,12}) ?次")
_URL = re.compile(r"https? ?[:;] ?//[!-;=?-Z_a-z~%]{3,200}")
_PASTED_TO_URL = re.compile(r"(?:[^\w/-]|-{2,}+|_{2,}+)+$")
_EMPTY_VALUE = re.compile(rf"{_GAP}(?:\n|$|(?:app ?[il]d|[昵呢]称|时间|内容|次数|错误样例){_GAP}[:;])")
_MASKED_VALUE = re.compile(r"\s{0,8}[x*]{2}")
_APPID = re.compile(r"(?i)wx|[x*＊\s]+$")
"""An AppID of an Official Account, masked or not; other products of the platform have other ids."""
_YEARS = range(2000, 2100)
_LAST_STAMP = int(datetime(_YEARS.stop, 1, 1, tzinfo=UTC).timestamp())
_MAX_GLUED_VALUE = 500
"""Characters of a value to which the next label is glued."""


@dataclass(slots=True)
class _Token:
    """A label, a run of brackets or the end of the text."""

    kind: str
    start: int
    value: int
    """Where the value begins."""
    brackets: Brackets | None = None
    end: int = field(init=False)
    """Where the value ends; set when the value is parsed."""


@dataclass(slots=True)
class _Draft:
    """An alert that is being put together from tokens."""

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
        """Where its tokens stand in the text."""
        return self.tokens[0].start, self.tokens[-1].end

    @property
    def has_platform_sentence(self) -> bool:
        """Whether its description begins like the sentences that the platform writes."""
        return is_platform_sentence(self.description or "")


def parse(text: str) -> Reading:
    """Every alert in a text, in order of appearance. Raises TextTooLargeError; takes linear time."""
    if len(text) > MAX_CHARACTERS:
        raise TextTooLargeError(len(text), MAX_CHARACTERS)
    scanner = Scanner(clean(text))
    tokens = list(islice(_tokens(scanner), _MAX_TOKENS))
    alerts: list[Alert] = []
    unread: list[tuple[int, int]] = []
    end = 0
    for draft in _drafts(scanner, tokens):
        floor, end = end, draft.span[1]
        if len(alerts) < MAX_ALERTS and _is_alert(draft):
            if not draft.description:
                _take_sentence(draft, 0, sentence_before(scanner.text, draft.span[0], floor))
            alerts.append(_alert(scanner.text, draft))
            unread += draft.unread
        else:
            unread.append(draft.span)
    if len(tokens) == _MAX_TOKENS:
        unread.append((tokens[-1].end, scanner.length))
    return Reading(scanner.text, tuple(alerts), tuple(sorted(unread)))


def _tokens(scanner: Scanner) -> Iterator[_Token]:
    """The labels and the runs of brackets, in order, without words that only look like labels."""
    folded = scanner.folded
    previous: _Token | None = None
    position = runs = 0
    while word := _WORD.search(folded, position):
        start, position = word.span()
        kind = _KINDS[folded[start]]
        if kind == "brackets":
            runs += 1
            if runs > MAX_ALERTS:
                continue
            brackets = parse_brackets(scanner, start)
            previous = _Token(kind, start, start, brackets)
            position = max(brackets.end, position)
        elif not start or folded[start - 1] == "\n":  # neither glued nor bold
            previous = _Token(kind, start, position)
        elif _is_label(folded, kind, start, position, previous):
            previous = _Token(kind, start, _after_bold(folded, start, position))
        else:
            continue
        yield previous


def _after_bold(folded: str, start: int, end: int) -> int:
    """Where the value begins: behind the closing stars of a bold label."""
    bold = folded[max(0, start - 2) : start]
    closed_behind = bold in _BOLD_MARKS and bold not in folded[start:end] and folded.startswith(bold, end)
    return end + 2 if closed_behind else end


def _is_label(folded: str, kind: str, start: int, end: int, previous: _Token | None) -> bool:
    """Whether the word is a label: it is not part of a longer word, and its value can be one."""
    if kind == "tail":
        return True
    glued = folded[start - 1 : start].isalnum()
    if glued and kind == "appid" and not folded[start - 1].isascii():
        return True  # an intro of Chinese words may run into the alert's first label
    if glued and (previous is None or not _follows(folded, previous, start, kind)):
        return False
    if previous and previous.kind == "sample" and _is_in_bracket(folded, previous.value, start):
        return False
    if kind in ("time", "count") and not _at_line_start(folded, start):
        pattern = _DATE if kind == "time" else _COUNT
        return any(value.match(folded, end) for value in (pattern, _EMPTY_VALUE, _MASKED_VALUE))
    return True


def _follows(folded: str, previous: _Token, start: int, kind: str) -> bool:
    """Whether a glued label can be the next one of the same alert, on the same line."""
    if start - previous.value > _MAX_GLUED_VALUE or "\n" in folded[previous.value : start]:
        return False
    is_complete = previous.kind in ("count", "brackets", "tail")
    return is_complete or _RANK[kind] > _RANK[previous.kind]


def _is_in_bracket(folded: str, start: int, position: int) -> bool:
    """Whether a word of a sample opens a bracket, as `[时间:…]` does: the platform may have added such a key."""
    return folded[start:position].rstrip(" ").endswith("[") and "\n" not in folded[start:position].strip()


def _at_line_start(folded: str, position: int) -> bool:
    line = folded[max(0, position - 20) : position]
    return not line[line.rfind("\n") + 1 :].strip(" \t*_-#>[")


def _drafts(scanner: Scanner, tokens: list[_Token]) -> Iterator[_Draft]:
    """The tokens grouped by alert, their values parsed."""
    draft = _Draft()
    for token, following in pairwise([*tokens, _Token("end", scanner.length, scanner.length)]):
        if draft.tokens and _RANK[draft.tokens[-1].kind] < _RANK["description"] < _RANK[token.kind]:
            found = sentence_between(scanner.text, draft.tokens[-1].end, token.start)
            _take_sentence(draft, len(draft.tokens), found)
        if draft.tokens and _begins_next(scanner.folded, draft, token):
            yield draft
            draft = _Draft()
        draft.tokens.append(token)
        _parse_value(scanner, draft, token, following)
    if draft.tokens:
        yield draft


def _begins_next(folded: str, draft: _Draft, token: _Token) -> bool:
    """Whether a token begins the next alert: it is out of order, or other text separates it from an incomplete one."""
    last = draft.tokens[-1]
    if _RANK[token.kind] <= _RANK[last.kind]:
        return True
    if token.brackets and not token.brackets.is_unmistakable:
        return has_words_between(folded, last.end, token.start)
    if draft.count is not None or draft.brackets or (token.brackets and last.kind == "sample"):
        return False
    return has_words_between(folded, last.end, token.start) and not draft.has_platform_sentence


def _parse_value(scanner: Scanner, draft: _Draft, token: _Token, following: _Token) -> None:
    """Parse the value of a token into the draft; it ends before the following token."""
    kind, limit = token.kind, following.start
    if kind in _TEXT_LINES:
        _parse_line(scanner.text, draft, token, following)
    elif kind == "time":
        _parse_time(scanner, draft, token, limit)
    elif kind == "count":
        _parse_count(scanner, draft, token, limit)
    elif token.brackets:
        draft.brackets = token.brackets
        draft.unread += token.brackets.unread
        token.end = token.brackets.end
    elif kind == "tail":
        _parse_tail(scanner, draft, token, limit)
    else:
        token.end = scanner.unknown_run_end(token.value) if following.kind == "brackets" else token.value
        if token.end > token.value:
            draft.unread.append((token.value, token.end))


def _parse_tail(scanner: Scanner, draft: _Draft, token: _Token, limit: int) -> None:
    url = _URL.search(scanner.folded, token.value, min(limit, token.value + 300))
    token.end = url.end() if url else token.value
    if url:
        address = half_width(scanner.text[slice(*url.span())]).replace(" ", "").replace(";", ":", 1)
        draft.guide_url = address if address[-1].isalnum() else _PASTED_TO_URL.sub("", address)


def _parse_time(scanner: Scanner, draft: _Draft, token: _Token, limit: int) -> None:
    match = _DATE.match(scanner.folded, token.value, limit)
    try:
        if match is None or int(match[1]) not in _YEARS:
            raise ValueError
        year, month, day, hour, minute, second = map(int, match.groups("0"))
        draft.first_seen = datetime(year, month, day, hour, minute, second, tzinfo=BEIJING)
        token.end = match.end()
    except ValueError:
        _leave_unread(scanner, draft, token, limit)


def _parse_count(scanner: Scanner, draft: _Draft, token: _Token, limit: int) -> None:
    match = _COUNT.match(scanner.folded, token.value, limit)
    if match is None:
        return _leave_unread(scanner, draft, token, limit)
    token.end = match.end()
    draft.count = int(match[2].replace(",", ""))
    draft.window_minutes = int(match[1]) if match[1] else None
    return None


def _leave_unread(scanner: Scanner, draft: _Draft, token: _Token, limit: int) -> None:
    """Note a line whose value was not understood; an empty line is no mistake."""
    token.end = scanner.line_end(token.value, limit)
    if scanner.folded[token.value : token.end].strip():
        draft.unread.append((token.start, token.end))


def _parse_line(text: str, draft: _Draft, token: _Token, following: _Token) -> None:
    """A value of free text: its line, the next line where its own is empty, or all lines of a folded sentence."""
    limit, is_last = following.start, following.kind == "end"
    raw = text[token.value : limit].lstrip()
    start = limit - len(raw)
    goes_on = _RANK[following.kind] > _RANK[token.kind]
    is_sentence = token.kind != "description" and is_platform_sentence(raw)
    if "\n" in text[token.value : start] and (not goes_on or is_sentence):
        token.end = token.value
        return
    if goes_on and token.kind == "description" and (value := unfold(raw)) is not None:
        token.end = limit
    else:
        line, newline, _ = raw[:MAX_LINE].partition("\n")
        value = trim_line(line, is_last, not newline and not is_last)
        token.end = start + len(line)
    if value:
        setattr(draft, token.kind, value)


def _is_alert(draft: _Draft) -> bool:
    """Whether the draft is certainly an alert of the platform: enough parts of one that nothing else has."""
    plausible = draft.brackets.plausible if draft.brackets else 0
    tail = draft.guide_url is not None
    if tail and plausible:
        return True
    count = draft.count is not None and draft.window_minutes is not None
    if draft.brackets and plausible:
        is_sample = draft.brackets.is_unmistakable and draft.description is None and (plausible > 1 or count)
        sample_label = any(token.kind == "sample" for token in draft.tokens)
        return is_sample or sample_label or draft.has_platform_sentence
    appid = bool(_APPID.match(draft.appid or ""))
    if draft.has_platform_sentence:
        return count or appid or tail or draft.first_seen is not None
    return (count and (tail or appid)) or (
        draft.description is not None and tail and (draft.first_seen is not None or appid)
    )


def _take_sentence(draft: _Draft, index: int, found: Placed | None) -> None:
    """Make a sentence of the platform, whose label 内容 was lost, the description, as the token at `index`."""
    if found:
        draft.description, start, end = found
        token = _Token("description", start, start)
        token.end = end
        draft.tokens.insert(index, token)


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
        parts=_parts(draft),
    )


def _parts(draft: _Draft) -> tuple[tuple[str, int, int], ...]:
    parts: list[tuple[str, int, int]] = []
    for token in draft.tokens:
        if token.brackets:
            parts += token.brackets.places
        elif token.kind != "sample" and (token.start, token.end) not in draft.unread:
            parts.append((_NAMES.get(token.kind, token.kind), token.value, token.end))
    return tuple(parts)


def _instant(stamp: int | None) -> datetime | None:
    """The time of a Stamp, which is the instant of 时间 in unix seconds (guide P.6)."""
    if not stamp or stamp >= _LAST_STAMP:
        return None
    return datetime.fromtimestamp(stamp, UTC).astimezone(BEIJING)
