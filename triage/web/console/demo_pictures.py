"""Pictures in the demo: the platform's part of them, which gives a picture out and shows what comes back.

Everything between is the program: the push through the callback, the outbox, the thread that reads, the 客服消息. A
picture goes by its media id and lies in this process's memory; no address is ever fetched for it.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import get_args

from flask import Blueprint, abort, request
from flask import Response as FlaskResponse

from triage.channels.delivery import Delivery, Notice, RateLimit, Result
from triage.channels.wechat.account import Account
from triage.channels.wechat.callback import PAGE_SIZE
from triage.channels.wechat.tappable import without_links
from triage.channels.xml import strip_controls
from triage.errors import DownloadError
from triage.message import PageSize, Person, Picture
from triage.pictures.formats import MAX_BYTES
from triage.pictures.values import PictureText
from triage.web.callback import Callback
from triage.web.callers import is_from_our_page
from triage.web.console import demo
from triage.web.console.demo import Sent, Who, deliver
from triage.web.console.demo_people import PEOPLE
from triage.web.responses import answer
from triage.web.service import the_service

UPLOAD = "/demo/picture"
_MOST_KEPT = 8
"""Pictures, the newest."""
_MOST_SHOWN = 200
"""Messages, the newest."""


class DemoPlatform:
    """Gives out the pictures that the page sent, and keeps what is sent to each person until the page asks."""

    limits: tuple[RateLimit, ...] = ()
    page_size: PageSize = PAGE_SIZE

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pictures: OrderedDict[str, bytes] = OrderedDict()
        self._found: OrderedDict[str, PictureText] = OrderedDict()
        self._shown: deque[tuple[int, str, str]] = deque(maxlen=_MOST_SHOWN)
        self._count = 0

    def keep(self, data: bytes) -> str:
        """Keep a picture that somebody sends; its media id."""
        with self._lock:
            self._pictures[_media_id(data)] = data
            _forget_oldest(self._pictures)
        return _media_id(data)

    def fetch(self, picture: Picture, seconds: float) -> bytes:
        """As `Fetcher.fetch`."""
        with self._lock:
            data = self._pictures.get(picture.media_id or "")
        if data is None:
            raise DownloadError("图已经过期或取不到了")
        return data

    def watched(self, read: Callable[[bytes], PictureText]) -> Callable[[bytes], PictureText]:
        """The same reader, of which the page shows what it found."""

        def reading(data: bytes) -> PictureText:
            found = read(data)
            with self._lock:
                self._found[_media_id(data)] = found
                _forget_oldest(self._found)
            return found

        return reading

    def found(self, media_id: str) -> PictureText | None:
        """What was read in a picture; None while it is being read, and where nothing could be."""
        with self._lock:
            return self._found.get(media_id)

    def send(self, notice: Notice, timeout: float) -> Delivery:
        """As `Sender.send`."""
        if not isinstance(notice.destination, Person):
            return Delivery(Result.OTHER_WAY, "演示里没有群")
        text = PAGE_SIZE.cut(without_links(strip_controls(notice.text)))
        with self._lock:
            self._count += 1
            self._shown.append((self._count, notice.destination.id, text))
        return Delivery(Result.SENT, "errcode 0")

    def heard(self, who: str, since: int) -> tuple[int, list[str]]:
        """What somebody was sent after message `since`, and the number of the newest message to anybody."""
        with self._lock:
            said = [text for number, to, text in self._shown if to == who and number > since]
            return self._count, said


def make_blueprints(
    callback: Callback, account: Account, platform: DemoPlatform
) -> tuple[Blueprint, Blueprint]:
    """The chat page; and the way of a picture from it, with what comes back."""
    blueprint = Blueprint("demo_pictures", __name__)
    blueprint.post(UPLOAD, endpoint="send")(partial(_send, callback, account, platform))
    blueprint.get("/demo/heard", endpoint="heard")(partial(_heard, platform))
    return demo.make_blueprint(callback, account), blueprint


def _send(callback: Callback, account: Account, platform: DemoPlatform) -> FlaskResponse:
    """A picture on its way through the callback, and the answer to its push."""
    who = _who()
    request.max_content_length = MAX_BYTES
    media_id = platform.keep(request.get_data())
    exchange = deliver(callback, account, Sent(who=who, push="image"), media_id)
    return answer({**exchange, "picture": media_id})


def _heard(platform: DemoPlatform) -> FlaskResponse:
    """What came for somebody, and what was found in a picture."""
    who = _who()
    newest, said = platform.heard(PEOPLE[who], request.args.get("since", 0, int))
    found = platform.found(request.args.get("picture", ""))
    return answer({"newest": newest, "said": said, "found": None if found is None else asdict(found)})


def _who() -> Who:
    if not is_from_our_page(the_service().settings.host):
        abort(403, "the demo answers its own page; open it by the address that triage serve shows")
    named = request.args.get("who", "wang")
    who = next((each for each in get_args(Who) if each == named), None)
    if who is None:
        abort(400, "who is one of wang, li, guest")
    return who  # type: ignore[no-any-return]  # one of the literals


def _media_id(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _forget_oldest(kept: OrderedDict[str, bytes] | OrderedDict[str, PictureText]) -> None:
    while len(kept) > _MOST_KEPT:
        kept.popitem(last=False)
