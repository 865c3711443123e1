"""Fetches what was sent to a bot: a file that is encrypted by the bot's own key, for five minutes.

https://developer.work.weixin.qq.com/document/path/100719
"""

from __future__ import annotations

import re

from triage.channels.apis import Apis
from triage.channels.envelope import decrypt_file
from triage.channels.pictures import Fetcher, Origins
from triage.channels.wecom_bot.account import BotAccount
from triage.channels.wecom_bot.messages import CHANNEL
from triage.errors import DownloadError, UnreadableMessageError
from triage.message import Picture

BOT_PICTURES = re.compile(r"ww-aibot-img-1258476243\.cos\.[a-z0-9-]+\.myqcloud\.com")
"""The storage of WeCom's bots at Tencent Cloud, where everybody can have a bucket: the number is WeCom's."""


class BotPictureFetcher:
    """Fetches the pictures that were sent to one bot."""

    def __init__(self, account: BotAccount, apis: Apis) -> None:
        self._account = account
        self._session = apis.session
        self._origins = Origins(BOT_PICTURES, apis.urls.get(CHANNEL))

    def fetch(self, picture: Picture, seconds: float) -> bytes:
        """The picture as a file, decrypted. Raises DownloadError within `seconds`."""
        from triage.channels.downloading import download

        if picture.url is None:
            raise DownloadError("推送里没有图的地址")
        encrypted = download(self._session, picture.url, self._origins, seconds)
        try:
            return decrypt_file(encrypted, self._account.seal.aes_key)
        except UnreadableMessageError:
            raise DownloadError("取来的图解不开：核对 TRIAGE_WECOM_BOT_AES_KEY") from None


def open_fetcher(account: BotAccount, apis: Apis) -> Fetcher:
    """The `fetcher` of the channel: a picture is decrypted by the key of the bot it was sent to."""
    return BotPictureFetcher(account, apis)
