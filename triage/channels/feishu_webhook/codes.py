"""What Feishu's codes mean for a group robot.

https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
"""

from __future__ import annotations

from datetime import timedelta

from triage.channels.answers import Codes, Meaning
from triage.channels.delivery import Result

_TOO_FAST = Meaning(Result.LATER, "发得太快，过一分钟再发；整点和半点最容易被限", timedelta(minutes=1))

CODES: Codes = {
    9499: _TOO_FAST,
    11232: _TOO_FAST,
    19001: Meaning(Result.SETTING_WRONG, "Webhook 地址无效：机器人删掉了，重新添加后换上新地址"),
    19021: Meaning(Result.SETTING_WRONG, "签名校验失败：核对 TRIAGE_TEAM 这个群的 secret 和本机时钟"),
    19024: Meaning(
        Result.SETTING_WRONG, "消息里没有机器人的自定义关键词：把它写进 TRIAGE_TEAM 这个群的 keyword"
    ),
}
