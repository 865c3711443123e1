"""Fetches a picture: from the platform's own hosts, within a time and a size, by address or by its API."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from urllib.parse import urljoin

import requests

from triage.channels.answers import error_code
from triage.channels.json_http import Answer, exchange, within
from triage.channels.pictures import Origins
from triage.channels.token_api import TokenApi
from triage.errors import ApiError, DownloadError
from triage.message import Picture

LARGEST_PICTURE = 10 * 1024 * 1024
MOST_REDIRECTS = 2
MEDIA_PATH = "cgi-bin/media/get"
_WHAT = "取图"
_LEAST_SECONDS = 0.001
_PASSING = (408, 425, 429)
_GONE = (401, 403, 404, 410)


class PictureFetcher:
    """Fetches for one account: by the address in the push, else by the API, where there is a secret for it."""

    def __init__(self, session: requests.Session, origins: Origins, api: TokenApi | None) -> None:
        self._session = session
        self._origins = origins
        self._api = api

    def fetch(self, picture: Picture, seconds: float) -> bytes:
        """The picture as a file, by its address or else by the API. Raises DownloadError within `seconds`."""
        end = time.monotonic() + seconds
        by_api = self._api if picture.media_id else None
        if picture.url is not None:
            try:
                return download(self._session, picture.url, self._origins, seconds / 2 if by_api else seconds)
            except DownloadError:
                if by_api is None:
                    raise
        if by_api is None or picture.media_id is None:
            raise DownloadError("推送里没有图的地址，也没有配置能取图的 Secret")
        return media(by_api, picture.media_id, end - time.monotonic())


def download(session: requests.Session, url: str, origins: Origins, seconds: float) -> bytes:
    """What is at a URL of the platform, which may redirect to another one of it. Raises DownloadError."""
    end = time.monotonic() + seconds
    for _ in range(MOST_REDIRECTS + 1):
        asked = origins.admit(url)
        if asked is None:
            raise DownloadError("图的地址不是平台自己的，不去取")
        times = within(max(end - time.monotonic(), _LEAST_SECONDS))
        answer = _ask(partial(exchange, session, asked, _WHAT, None, times, most=LARGEST_PICTURE))
        if not 300 <= answer.status < 400 or answer.location is None:
            return _content(answer)
        url = urljoin(asked, answer.location)
    raise DownloadError("取图时被一再转到别处，不再跟")


def media(api: TokenApi, media_id: str, seconds: float) -> bytes:
    """What the platform's API gives out by a media id. Raises DownloadError.

    https://developers.weixin.qq.com/doc/service/api/material/temporary/api_getmedia.html and
    https://developer.work.weixin.qq.com/document/path/90254
    """
    return _content(_ask(partial(api.fetch, MEDIA_PATH, {"media_id": media_id}, seconds, LARGEST_PICTURE)))


def _ask(asking: Callable[[], Answer]) -> Answer:
    try:
        return asking()
    except ApiError as exc:
        raise DownloadError(f"取图没成：{exc.hint}", is_passing=exc.errcode is None) from None


def _content(answer: Answer) -> bytes:
    code = error_code(answer.body)
    if code:
        raise DownloadError(f"取图时平台回了 errcode {code}", is_passing=code == -1)
    if answer.status != 200:
        is_passing = answer.status >= 500 or answer.status in _PASSING
        said = "图已经过期或取不到了" if answer.status in _GONE else "取图时平台没给"
        raise DownloadError(f"{said}（HTTP {answer.status}）", is_passing=is_passing)
    if len(answer.content) > LARGEST_PICTURE:
        raise DownloadError(f"图太大，最多读 {LARGEST_PICTURE // 1024 // 1024} MB")
    return answer.content
