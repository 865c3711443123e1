"""What DingTalk's error codes mean for a group robot.

https://open.dingtalk.com/document/orgapp/custom-robot-access
"""

from __future__ import annotations

from datetime import timedelta

from triage.channels.answers import Codes, Meaning
from triage.channels.delivery import Result


def _refused_by(said: str) -> str:
    """310000 stands for three settings of the robot; the words tell which one refused."""
    words = said.casefold()
    if "keyword" in words or "关键词" in words:
        return "消息里没有机器人的自定义关键词：把它写进 TRIAGE_TEAM 这个群的 keyword"
    if "sign" in words or "签名" in words or "timestamp" in words:
        return "加签不对：核对 TRIAGE_TEAM 这个群的 secret（SEC 开头）和本机时钟"
    return "本机出口 IP 不在机器人的 IP 段里：在钉钉群的机器人设置里加上"


CODES: Codes = {
    -1: Meaning(Result.LATER, "系统繁忙，过一会儿再试"),
    130101: Meaning(Result.LATER, "一分钟超过 20 条，被限流 10 分钟", timedelta(minutes=10)),
    310000: Meaning(Result.SETTING_WRONG, _refused_by),
    300001: Meaning(Result.SETTING_WRONG, "access_token 不存在：机器人删掉了，重新添加后换上新地址"),
}
