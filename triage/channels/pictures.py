"""Pictures that somebody sent: where a push says they are, and from where they may be fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from triage.message import Picture

_LONGEST_URL = 2048
_MEDIA_ID = re.compile(r"[!-~]{1,512}")
QPIC = re.compile(r"(?:[a-z0-9-]+\.)+qpic\.cn")
"""Where WeChat and WeCom keep what people send: mmbiz.qpic.cn, wework.qpic.cn and others."""
_PORTS = {"http": 80, "https": 443}


class Fetcher(Protocol):
    """Fetches pictures for one account of ours."""

    def fetch(self, picture: Picture, seconds: float) -> bytes:
        """The picture as a file. Raises DownloadError, after `seconds` at the latest."""


def pictures_of(fields: Mapping[str, str]) -> tuple[Picture, ...]:
    """The picture in a push of an Official Account or of an app of WeCom; nothing where neither field can be used."""
    url, media_id = fields.get("PicUrl", "").strip(), fields.get("MediaId", "").strip()
    picture = Picture(usable_url(url), media_id if _MEDIA_ID.fullmatch(media_id) else None)
    return () if picture == Picture() else (picture,)


def usable_url(value: object) -> str | None:
    """A URL as it may be kept; None for anything else."""
    is_url = isinstance(value, str) and value.isascii() and value.isprintable()
    return value if is_url and isinstance(value, str) and 0 < len(value) <= _LONGEST_URL else None


@dataclass(frozen=True, slots=True)
class Origins:
    """From where one platform's pictures may be fetched.

    By name and over TLS: whoever sends a false address, or turns a name to an address inside, has no certificate of
    the platform. The addresses themselves say nothing: on Tencent's own machines its storage has link-local ones.
    """

    hosts: re.Pattern[str]
    """The platform's own hosts."""
    api_url: str | None = None
    """Where a setting says that the platform is: its host and port are taken as they are."""

    def admit(self, url: str) -> str | None:
        """The URL as it is asked for, https where the platform says http; None for one that is not the platform's."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return None
        if not _PORTS.get(parts.scheme) or "@" in parts.netloc or "\\" in url:
            return None
        if self.api_url is not None and _origin(url) == _origin(self.api_url):
            return url
        if not self.hosts.fullmatch(host) or port not in (None, _PORTS[parts.scheme]):
            return None
        return urlunsplit(("https", host, parts.path, parts.query, ""))


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
