"""Masks what must not be repeated in a chat: OpenIDs, tokens, signatures, query strings, passwords in addresses."""

from __future__ import annotations

import re

from triage.printing import one_line

_OPENID = re.compile(r"(?<![A-Za-z0-9_-])o[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])")
_QUERY = re.compile(r"(https?://[^\s?'\"<>\]]{1,500})\?[^\s'\"<>\])）」]*", re.IGNORECASE)
_USER = re.compile(r"(://)[^/\s<>\"'，。]{1,200}@")
_SECRET_NAMES = (
    *("token", "secret", "signature", "sign", "ticket", "key", "password", "passwd", "pwd"),
    *("session", "sid", "openid", "unionid", "auth"),
)
"""What the name of a secret ends with: `access_token`, `AppSecret`, `EncodingAESKey`."""
_HEADERS = ("authorization", "cookie")
_ASSIGNED = r"\\?[\"']?\s{0,3}[=:]\s{0,3}\\?[\"']?"
_SECRET = re.compile(rf"(?i)((?:{'|'.join(_SECRET_NAMES)}){_ASSIGNED})[^&\s\]\"'<>,;}}]{{4,}}")
_HEADER = re.compile(rf"(?i)((?:{'|'.join(_HEADERS)}){_ASSIGNED})[^\n\"'<>\]]{{4,}}")
_SPACED = re.compile(
    r"(?i)(?<![\w$-])((?=[\w$-]*?(?:authorization|cookie|token|secret|passw|pwd|x-auth|api[_-]?key|sign|session"
    r"|credential))[\w$-]++[\"']?(?:[ \t]+|[ \t]*!?[=~:*]+[ \t]*))(\S.*)"
)
"""A name that holds a word of a secret, and the rest of its line."""
_LOOKALIKES = "İıſ"
"""Letters that match i or s in an expression that ignores case, and that `str.lower` leaves."""
_PRECHECK = (*_SECRET_NAMES, *_HEADERS, *map(str.lower, _LOOKALIKES))
"""A cheap check: the text in lower case holds one of these wherever _SECRET or _HEADER can match."""
_LONG_TOKEN = re.compile(
    r"(?<![A-Za-z0-9+/=_-])(?=[A-Za-z+/=_-]*\d)[A-Za-z0-9+/=_-]{40,}(?![A-Za-z0-9+/=_-])"
)
_MIN_TOKEN = 28
"""The length of an OpenID; every token that is recognised by its length alone is longer."""
_TOKEN_RUN = re.compile(rf"[A-Za-z0-9+/=_-]{{{_MIN_TOKEN}}}")
_HEX = re.compile(r"(?<![A-Za-z0-9])[0-9A-Fa-f]{32,}(?![A-Za-z0-9])")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?")
_APPID = re.compile(r"wx[0-9a-z]{16}")
_LINK = re.compile(
    r"(?i)[a-z][a-z0-9+.-]{0,20}://\S*|(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}(?![a-z])(?:[/?#:]\S*)?"
)
"""What a chat makes tappable, a bare domain too."""
_LOOKED_AT = 4
"""Times the limit of a word that are masked before it is cut, so that no half of a secret stays."""
LONGEST_WORD = 24
"""Characters of a foreign name in a list; an AppID has 18."""


def mask(text: str) -> str:
    """The text with every secret cut to its first and last four characters, or to `…`. Takes linear time."""
    if "://" in text:
        text = _USER.sub(lambda match: f"{match[1]}…@", text) if "@" in text else text
        text = _QUERY.sub(lambda match: f"{match[1]}?…", text) if "?" in text else text
    if ("=" in text or ":" in text) and _names_a_secret(text):
        text = _SECRET.sub(r"\1…", _HEADER.sub(r"\1…", text))
    if "eyJ" in text:
        text = _JWT.sub("eyJ…", text)
    if len(text) < _MIN_TOKEN or not _TOKEN_RUN.search(text):
        return text
    text = _OPENID.sub(lambda match: _ends(match[0]), text)
    text = _HEX.sub(lambda match: _ends(match[0]), text)
    return _LONG_TOKEN.sub(lambda match: _ends(match[0]), text)


def mask_paste(text: str) -> str:
    """As `mask`; and what follows the name of a secret on its line is `…`, as configurations write it."""
    return _SPACED.sub(r"\1…", mask(text))


def _names_a_secret(text: str) -> bool:
    """Whether _SECRET or _HEADER may match; most texts are decided here."""
    lowered = text.lower()
    for word in _PRECHECK:  # noqa: SIM110 - a generator would cost more than the test
        if word in lowered:
            return True
    return False


def foreign_word(text: str, limit: int = LONGEST_WORD) -> str:
    """A name that somebody outside chose, as lists may show it: one masked line, without links, cut to `limit`."""
    line = one_line(_LINK.sub("…", mask(text[: _LOOKED_AT * limit])))
    return line if len(line) <= limit else line[:limit].rstrip() + "…"


def mask_appid(appid: str) -> str:
    """An AppID as `wx12…90ab`; anything else, such as an AppID that a person has masked, stays as written."""
    return _APPID.sub(lambda match: _ends(match[0]), appid)


def _ends(value: str) -> str:
    return f"{value[:4]}…{value[-4:]}"
