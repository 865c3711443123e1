"""What WeCom's error codes mean for a group robot: https://developer.work.weixin.qq.com/document/path/99110"""

from __future__ import annotations

from datetime import timedelta

from triage.channels.answers import Codes, Meaning
from triage.channels.delivery import Result

CODES: Codes = {
    -1: Meaning(Result.LATER, "系统繁忙，过一会儿再试"),
    45009: Meaning(Result.LATER, "一分钟超过 20 条，过一分钟再发", timedelta(seconds=65)),
    93000: Meaning(Result.SETTING_WRONG, "机器人的 key 已失效：在群里重新添加消息推送，换上新的 key"),
    45002: Meaning(Result.OUR_TEXT, "内容太长"),
    40058: Meaning(Result.OUR_TEXT, "参数不合规定"),
    40008: Meaning(Result.OUR_TEXT, "消息类型不对"),
}
