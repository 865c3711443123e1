"""Fetches what a member has photographed."""

from __future__ import annotations

from triage.channels.apis import Apis
from triage.channels.pictures import QPIC, Fetcher, Origins
from triage.channels.wecom_app.account import Account
from triage.channels.wecom_app.messages import CHANNEL


def open_fetcher(account: Account, apis: Apis) -> Fetcher:
    """The `fetcher` of the channel: by PicUrl, which needs no Secret; with one, by the media id where that fails."""
    # imported here: requests takes a tenth of a second, and most commands fetch nothing
    from triage.channels.downloading import PictureFetcher
    from triage.channels.wecom_app.api import connect

    api = connect(account, account.secret, apis) if account.secret else None
    return PictureFetcher(apis.session, Origins(QPIC, apis.urls.get(CHANNEL)), api)
