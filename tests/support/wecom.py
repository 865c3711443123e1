"""An app and a bot of WeCom for tests: their accounts, and the settings that make them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from tests.support.sealed import CORPID, OF_APP, OF_BOT
from triage.channels.wecom_app.account import Account
from triage.channels.wecom_bot.account import BotAccount

NOW = datetime(2026, 4, 21, 18, 40, tzinfo=timezone(timedelta(hours=8)))
RANDOM = b"0123456789abcdef"
SECRET = "wecom-5ec4e7a1b2c3d4e5f6071829"  # noqa: S105 - nobody's
APP = Account(CORPID, 218, OF_APP, SECRET)
BOT = BotAccount(OF_BOT, "报警助手")
ENVIRONMENT = {
    "TRIAGE_WECOM_CORPID": CORPID,
    "TRIAGE_WECOM_AGENTID": "218",
    "TRIAGE_WECOM_TOKEN": OF_APP.token,
    "TRIAGE_WECOM_AES_KEY": OF_APP.aes_key,
    "TRIAGE_WECOM_SECRET": SECRET,
    "TRIAGE_WECOM_BOT_TOKEN": OF_BOT.token,
    "TRIAGE_WECOM_BOT_AES_KEY": OF_BOT.aes_key,
    "TRIAGE_WECOM_BOT_NAME": "报警助手",
}
