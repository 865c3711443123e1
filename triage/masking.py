"""Hides what must not be repeated in a chat: OpenIDs, tokens, signatures, query strings, passwords in addresses."""

from __future__ import annotations

import re

_OPENID = re.compile(r"(?<![A-Za-z0-9_-])o[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])")
_QUERY = re.compile(r"(https?://[^\s?'\"<>\]]{1,500})\?[^\s'\"<>\])）」]*", re.IGNORECASE)
_USER = re.compile(r"(://)[^/\s<>\"'，。]{1,200}@")
_SECRET = re.compile(
    r"(?i)((?:access_?token|token|app_?secret|secret|msg_signature|signature|sign|ticket|encoding_?aes_?key|key"
    r"|password|passwd|pwd|session|sid|openid|unionid|auth)\\?[\"']?\s{0,3}[=:]\s{0,3}\\?[\"']?)([^&\s\]\"'<>,;}]{4,})"
)
_LONG = re.compile(r"(?<![A-Za-z0-9+/=_-])(?=[A-Za-z+/=_-]*\d)[A-Za-z0-9+/=_-]{40,}(?![A-Za-z0-9+/=_-])")
_SHORTEST = 28
"""Below an OpenID's length there is no OpenID and no long token."""
_HEX = re.compile(r"(?<![A-Za-z0-9])[0-9A-Fa-f]{32,}(?![A-Za-z0-9])")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?")
_HEADER = re.compile(r"(?i)((?:authorization|cookie)\\?[\"']?\s{0,3}[=:]\s{0,3}\\?[\"']?)[^\n\"'<>\]]{4,}")
_APPID = re.compile(r"wx[0-9a-z]{16}")


def mask(text: str) -> str:
    """The text with every secret it shows cut down to its ends, or to `…`."""
    if "://" in text:
        text = _QUERY.sub(r"\1?…", _USER.sub(r"\1…@", text))
    if "=" in text or ":" in text:
        text = _SECRET.sub(r"\1…", _HEADER.sub(r"\1…", text))
    if "eyJ" in text:
        text = _JWT.sub("eyJ…", text)
    if len(text) < _SHORTEST:
        return text
    text = _OPENID.sub(lambda match: _ends(match[0]), text)
    text = _HEX.sub(lambda match: _ends(match[0]), text)
    return _LONG.sub(lambda match: _ends(match[0]), text)


def mask_appid(appid: str) -> str:
    """`wx12…90ab`; anything that is no AppID stays as written, it is masked already."""
    return _APPID.sub(lambda match: _ends(match[0]), appid)


def _ends(value: str) -> str:
    return f"{value[:4]}…{value[-4:]}"
