"""Alerts in a text that was read from a picture: what an eye confuses is put right where one reading alone is possible.

Pasted text never comes here. A bracket is known by the key behind it, a number, an address and a time by their shape,
an event by its name; whatever else is damaged stays as it was read, and its field is marked doubtful.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from triage.alerts.cleaning import fold
from triage.alerts.parser import Alert, Reading, parse
from triage.alerts.sample import PLATFORM_EVENTS

_KEYS = (
    "transaction_id", "response_content", "response_length", "decrypt fail", "cURL Error", "http code", "OuterIP",
    "3rdUrl", "MsgType", "OpenID", "Stamp", "Event", "Host", "resp", "Msg", "IP",
)  # fmt: skip
"""As the platform writes them, a key before the one that it begins with."""
_CONFUSED = {"i": "il1|!]", "l": "il1|", "o": "o0", "0": "o0", "s": "s5", "g": "g9", "_": "_ -", " ": " _"}
_PLATFORM_KEY = "第三方平台"
_NUMBERS = frozenset({"Stamp", "MsgType", "http code", "cURL Error", "response_length", "transaction_id"})
_ADDRESSES = frozenset({"IP", "OuterIP"})
_BODIES = frozenset({"response_content", "resp"})
_AS_DIGITS = str.maketrans({"O": "0", "o": "0", "D": "0", "Q": "0", "l": "1", "I": "1", "i": "1", "|": "1"})
_AS_OPENING, _AS_CLOSING = "Il1|J({", "Il1|Jj)}"
_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_ADDRESS = re.compile(rf"(?:{_BYTE}\.){{3}}{_BYTE}")
_APPID = re.compile(r"wx[0-9a-f]{16}")
_MASKED = re.compile(r"(?i)[x*＊\s]*")
_MIXED = re.compile(r"[A-Za-z0-9]+")
_EVENTS = {re.sub(r"\W", "", name).casefold(): name for name in PLATFORM_EVENTS}
_SAMPLE = re.compile(r"错误样[例列][ \t]{0,4}[:：;；]")
_TAIL = re.compile(r"[报告]警排查")
_OPEN_CDATA = re.compile(r"<!?\[?\s?CDATA ?[\[lI1|(]", re.IGNORECASE)
_END_CDATA = re.compile(r"[\]】］lI1|]{1,2}[>≥》](?=\s{0,4}</)")
_CAPITALS = re.compile(r"(?<![\w.-])[A-Z]{1,10}0[A-Z][A-Z_]{0,12}(?![\w.-])")
"""A word of a terminal in capitals, `CLOSE_WAIT` or `POST`, with a zero in it."""
_LABELS = re.compile(r"(?m)^(\s*)App[il1|][dD](?=\s*[:：])|(?<=[\s\d])App[l1|]d(?=\s*[:：])")
_DATE = re.compile(
    r"(时间\s{0,3}[:：]\s{0,3})([\dOolI|]{4}-[\dOolI|]{2}-[\dOolI|]{2})\s{0,3}([\dOolI|]{2}[:：][\dOolI|:：]{2,6})"
)
_COUNT = re.compile(r"(次数\s{0,3}[:：]\s{0,3})([\dOolI|]{1,6})(\s?分钟\s{0,3})([\dOolI|]{1,12})(\s?次)")
_APPID_LINE = re.compile(r"(?i)(app[il1|]d\s{0,3}[:：]\s{0,3})(wx[0-9a-z|]{16})(?![0-9a-z])")


def _pattern(key: str) -> str:
    """A key as it may have been read: letters that look alike, and a blank or a `_` that was lost."""
    signs = ""
    for sign in key:
        alike = _CONFUSED.get(sign.casefold())
        one = f"[{re.escape(alike)}]" if alike else re.escape(sign)
        signs += f"{one}?" if sign in "_ " else one
    return signs


_KEY = re.compile(
    "(?i)" + "|".join(f"(?P<k{number}>{_pattern(key)})" for number, key in enumerate(_KEYS)).join(("(?:", ")"))
    + rf"\s?[=＝]|(?P<platform>{_PLATFORM_KEY})"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Found:
    """A key in the text: which one, and from where to where it stands with its `=`."""

    key: str
    start: int
    end: int


def parse_picture(text: str) -> Reading:
    """The alerts in a text that was read from a picture; each says which of its fields are doubtful.

    Raises TextTooLargeError.
    """
    reading = parse(repair(text))
    return replace(
        reading, alerts=tuple(replace(alert, doubtful=_doubtful(alert)) for alert in reading.alerts)
    )


def repair(text: str) -> str:
    """The text with everything put right that can be read in one way alone."""
    text = _CAPITALS.sub(lambda found: found[0].replace("0", "O"), text)
    text = _LABELS.sub(r"\1Appid", text)
    text = _DATE.sub(
        lambda found: found[1] + _digits(found[2]) + " " + _digits(found[3]).replace("：", ":"), text
    )
    text = _COUNT.sub(
        lambda found: _apart(found) + found[1] + _digits(found[2]) + found[3] + _digits(found[4]) + found[5],
        text,
    )
    text = _APPID_LINE.sub(lambda found: found[1] + _appid(found[2]), text)
    whole = ""
    position = 0
    for start, end in _samples(text):
        whole += text[position:start] + _sample(text[start:end])
        position = end
    return whole + text[position:]


def _apart(found: re.Match[str]) -> str:
    """The blank that was lost before a label."""
    return " " if found.string[found.start() - 1 : found.start()].strip() else ""


def _samples(text: str) -> Iterator[tuple[int, int]]:
    """Where the brackets of an alert stand: behind its label, up to its tail or the next alert."""
    labels = list(_SAMPLE.finditer(text))
    for number, label in enumerate(labels):
        end = labels[number + 1].start() if number + 1 < len(labels) else len(text)
        tail = _TAIL.search(text, label.end(), end)
        yield label.end(), tail.start() if tail else end


def _sample(text: str) -> str:
    """A run of brackets with every known key between brackets of its own."""
    keys = list(_keys(text))
    if not keys:
        return text
    whole = _opened(text[: keys[0].start])
    for number, found in enumerate(keys):
        is_last = number + 1 == len(keys)
        value = text[found.end : len(text) if is_last else keys[number + 1].start]
        whole += _bracket(found.key, value, is_last=is_last)
    return whole


def _keys(text: str) -> Iterator[_Found]:
    """The keys, each opening a bracket; what stands within a body opens none."""
    is_body = False
    for match in _KEY.finditer(text):
        key = _PLATFORM_KEY if match["platform"] else _KEYS[int((match.lastgroup or "k0")[1:])]
        before = text[: match.start()].rstrip()
        opens = not before or before[-1] in "[【［" or (before[-1] in "]】］" + _AS_OPENING and not is_body)
        if opens and not (is_body and before[-2:-1] not in ("]", "】", "］")):
            yield _Found(key, match.start(), match.end())
            is_body = is_body or key in _BODIES


def _opened(before: str) -> str:
    """What stands before the first key, without the bracket that opens it."""
    kept = before.rstrip()
    return kept[:-1] if kept[-1:] and kept[-1] in "[【［" + _AS_OPENING else before


def _bracket(key: str, value: str, *, is_last: bool) -> str:
    """`[key=value]` of what stands between a key and the next one, with their brackets as they were read."""
    sign = ":" if key == _PLATFORM_KEY and value[:1] in (":", "：") else "" if key == _PLATFORM_KEY else "="
    value, behind = (_last_value(key, value)) if is_last else (_without_brackets(key, value), "")
    if sign == ":":
        value = value[1:]
    return f"[{key}{sign}{_value(key, value)}]{behind}"


def _without_brackets(key: str, value: str) -> str:
    """A value without the `][` behind it, of which each may have been read as a letter or not at all."""
    value = value.rstrip()
    had_opening = value[-1:] in ("[", "【", "［")
    if had_opening or value[-1:] in tuple(_AS_OPENING):
        shorter = value[:-1].rstrip()
        closes = shorter[-1:] in ("]", "】", "］")
        doubled = shorter[-1:] in ("[", "【", "［")
        if had_opening or closes or doubled or not _fits(key, value):
            value = shorter
    if value[-1:] in ("[", "【", "［"):
        value = value[:-1].rstrip()
    if value[-1:] in ("]", "】", "］"):
        return value[:-1]
    return value[:-1] if value[-1:] in tuple(_AS_CLOSING) and _is_closed_by_a_letter(key, value) else value


def _is_closed_by_a_letter(key: str, value: str) -> bool:
    """Whether the last sign of a value is its bracket: without it the value has its shape, or it would have none."""
    return _fits(key, value[:-1]) or not _fits(key, value)


def _fits(key: str, value: str) -> bool:
    value = value.strip()
    if key in _ADDRESSES:
        return not value or bool(_ADDRESS.fullmatch(value.translate(_AS_DIGITS)))
    if key in _NUMBERS:
        return value.translate(_AS_DIGITS).isdigit()
    return key not in ("Event", "Msg") or _event(value) is not None


def _last_value(key: str, value: str) -> tuple[str, str]:
    """The last value, and what stands behind its bracket."""
    if key in _BODIES:
        kept = value.rstrip()
        return (kept[:-1] if kept[-1:] in ("]", "】", "］") else kept), value[len(kept) :]
    closing = re.search(r"[\]】］]", value)
    if closing:
        return value[: closing.start()], value[closing.end() :]
    line, newline, rest = value.partition("\n")
    kept = line.rstrip()
    is_letter = kept[-1:] in tuple(_AS_CLOSING) and bool(kept) and _is_closed_by_a_letter(key, kept)
    return (kept[:-1] if is_letter else kept), newline + rest


def _value(key: str, value: str) -> str:
    """A value as the platform writes it, where what was read can be nothing else."""
    if key in _BODIES:
        return _END_CDATA.sub("]]>", _OPEN_CDATA.sub("<![CDATA[", value))
    value = value.strip()
    if key in _ADDRESSES or key in _NUMBERS:
        digits = re.sub(r"\s", "", value).translate(_AS_DIGITS).replace(",", ".")
        is_read = _ADDRESS.fullmatch(digits) if key in _ADDRESSES else digits.isdigit()
        return digits if is_read else value
    if key in ("Event", "Msg"):
        return _event(value) or value
    if key in ("3rdUrl", "Host"):
        return _url(re.sub(r"\s", "", value))
    return value


def _event(value: str) -> str | None:
    """The event that a name is, whatever blanks were lost or sign of its bracket is left; None for an unknown one.

    A last `l` may have gone with the bracket.
    """
    name = re.sub(r"\W", "", value).casefold()
    readings = [name, name + "l"]
    if value[-1:] in tuple("Jjl1I|"):
        readings += [name[:-1], name[:-1] + "l"]
    return next((_EVENTS[reading] for reading in readings if reading in _EVENTS), None)


def _url(value: str) -> str:
    """An address with its signs as in every address; the last part of a host has no digits."""
    value = re.sub(r"^(https?)[:：;]/?/?", r"\1://", value, flags=re.IGNORECASE)
    return (
        re.sub(r"(?<=\.)([a-z0-9]{2,6})(?=[/:?]|$)", lambda found: _as_letters(found[1]), value, count=1)
        if re.match(r"https?://[^/]*[a-z]", value)
        else value
    )


def _as_letters(label: str) -> str:
    """`c0m` is `com`; a label of digits alone is a part of an address."""
    letters = label.replace("0", "o").replace("1", "l")
    return letters if letters.isalpha() and not label.isdigit() else label


def _digits(value: str) -> str:
    return value.translate(_AS_DIGITS)


def _appid(value: str) -> str:
    """An AppID of 16 hexadecimal digits, if that is what was read."""
    fixed = "wx" + value[2:].casefold().translate(_AS_DIGITS)
    return fixed if _APPID.fullmatch(fixed) else value


def _doubtful(alert: Alert) -> tuple[str, ...]:
    """The names of the fields that may have been read wrong."""
    sample = alert.sample
    marks = {
        "appid": alert.appid is not None
        and not _APPID.fullmatch(alert.appid)
        and not _MASKED.fullmatch(alert.appid),
        "first_seen": alert.first_seen is None and "时间" in fold(alert.text),
        "count": alert.count is None and "次数" in fold(alert.text),
        "ip": bool(sample.ip)
        and not _ADDRESS.fullmatch(str(sample.ip))
        and not _MASKED.fullmatch(str(sample.ip)),
        "event": bool(sample.event) and sample.event not in PLATFORM_EVENTS,
        "msg": bool(sample.msg) and sample.msg not in PLATFORM_EVENTS,
        "callback_url": bool(sample.callback_url) and _looks_confused(str(sample.callback_url)),
        "response_content": bool(sample.response_content),
        "resp": bool(sample.resp),
    }
    return tuple(name for name, is_doubtful in marks.items() if is_doubtful)


def _looks_confused(address: str) -> bool:
    """Whether a part of an address holds signs that an eye confuses, where no word or number says which they are."""
    for part in _MIXED.findall(address):
        has_letters, has_digits = re.search("[A-Za-z]", part), re.search(r"\d", part)
        if (has_letters and has_digits and re.search("[0Oo1Il]", part)) or part in tuple("0Oo1Il"):
            return True
        if re.search("(?<=[a-z])I|I(?=[a-z]{0,2}$)", part):
            return True
    return False
