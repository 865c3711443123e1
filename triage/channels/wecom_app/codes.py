"""What WeCom's error codes mean for a message to members: https://developer.work.weixin.qq.com/document/path/90313"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from triage.channels.answers import Codes, Meaning
from triage.channels.delivery import Result

TOKEN_REFUSED = (40014, 42001)
"""40001 is none of them: here it means a wrong Secret."""
_FROM_IP = re.compile(r"from ip: ?([0-9A-Fa-f.:]{3,45})")
_MINUTE = timedelta(seconds=65)


def _trusted_ip(said: str) -> str:
    """The advice, with the address to enter, which stands in the platform's words alone."""
    found = _FROM_IP.search(said)
    ip = found[1] if found else "本机出口 IP"
    return f"企业微信后台 → 应用管理 → 这个应用 → 企业可信IP：加上 {ip}"


def _codes() -> Mapping[int, Meaning]:
    later, other, setting = Result.LATER, Result.OTHER_WAY, Result.SETTING_WRONG
    return {
        40014: Meaning(Result.TOKEN_REFUSED, "access_token 无效：看是否有别的程序在刷新"),
        42001: Meaning(Result.TOKEN_REFUSED, "access_token 过期：核对本机时钟"),
        -1: Meaning(later, "系统繁忙，过一会儿再试"),
        45009: Meaning(later, "调用太频繁，过一分钟再试", _MINUTE),
        45033: Meaning(later, "并发太多，过一会儿再试"),
        81013: Meaning(other, "收件人都不在应用可见范围里"),
        60111: Meaning(other, "没有这个 userid：核对 TRIAGE_TEAM 里的 wecom"),
        40001: Meaning(setting, "Secret 不对：核对 TRIAGE_WECOM_SECRET"),
        40013: Meaning(setting, "企业 ID 不对：核对 TRIAGE_WECOM_CORPID"),
        40056: Meaning(setting, "AgentId 不对：核对 TRIAGE_WECOM_AGENTID"),
        60011: Meaning(setting, "没有权限：把收件人加进应用的可见范围"),
        60020: Meaning(setting, _trusted_ip),
        301002: Meaning(setting, "Secret 不是这个应用的：核对 TRIAGE_WECOM_AGENTID 和 TRIAGE_WECOM_SECRET"),
        45002: Meaning(Result.OUR_TEXT, "内容太长"),
        40058: Meaning(Result.OUR_TEXT, "参数不合规定"),
        40008: Meaning(Result.OUR_TEXT, "消息类型不对"),
    }


CODES: Codes = _codes()
