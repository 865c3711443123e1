"""Fetches what a follower has photographed, for three days after it was sent."""

from __future__ import annotations

from triage.channels.apis import Apis
from triage.channels.pictures import QPIC, Fetcher, Origins
from triage.channels.wechat.account import Account
from triage.channels.wechat.messages import CHANNEL


def open_fetcher(account: Account, apis: Apis) -> Fetcher:
    """The `fetcher` of the channel: by PicUrl, which needs no AppSecret; with one, by the media id where that fails."""
    # imported here: requests takes a tenth of a second, and most commands fetch nothing
    from triage.channels.downloading import PictureFetcher
    from triage.channels.wechat.sending import connect

    return PictureFetcher(apis.session, Origins(QPIC, apis.urls.get(CHANNEL)), connect(account, apis))
