"""What the platform's error codes mean for a message to a follower, and what to do about those of other calls.

https://developers.weixin.qq.com/doc/service/guide/dev/api/errorcode.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from triage.channels.answers import Codes, Meaning
from triage.channels.delivery import Result
from triage.wording import Wording

TOKEN_REFUSED = (40001, 40014, 42001)
HINTS: Mapping[int, str] = {
    -1: Wording("系统繁忙，过一会儿再试"),
    40001: Wording("凭证无效：核对 AppSecret；看是否有别的程序用 cgi-bin/token 抢着刷新"),
    40002: Wording("grant_type 不对，应是 client_credential"),
    40013: Wording("AppID 无效：核对 TRIAGE_WECHAT_APPID"),
    40014: Wording("access_token 无效：看是否有别的程序在强制刷新"),
    40125: Wording("AppSecret 不对：核对 TRIAGE_WECHAT_SECRET，重置过就要换成新的"),
    40164: Wording("本机出口 IP 不在白名单：在公众平台的基本配置里把它加进 IP 白名单"),
    40243: Wording("AppSecret 已冻结：在公众平台解冻"),
    42001: Wording("access_token 过期：核对本机时钟"),
    45002: Wording("内容太长"),
    45009: Wording("今天的调用次数用完了，明天再试"),
    45011: Wording("一分钟内调用太多，过一分钟再试"),
    45015: Wording("对方 48 小时没有发过消息，不能主动发"),
    45047: Wording("对方上次发消息以后已经发了 5 条，不能再发"),
    48001: Wording("没有这个接口的权限：看账号是否认证、接口是否开通"),
    61004: Wording("本机出口 IP 不在白名单：在公众平台的基本配置里把它加进 IP 白名单"),
    89503: Wording("新的 IP 要管理员在微信里点同意"),
    **dict.fromkeys(
        (*range(40015, 40021), *range(40022, 40028)),
        Wording("菜单不合平台的规定：triage menu show 会指出哪一项"),
    ),
}
_RESULTS: Mapping[Result, tuple[int, ...]] = {
    Result.TOKEN_REFUSED: TOKEN_REFUSED,
    Result.LATER: (-1, 45009, 45011),
    Result.OTHER_WAY: (45015, 45047, 48001),
    Result.SETTING_WRONG: (40013, 40125, 40164, 40243, 61004, 89503),
    Result.OUR_TEXT: (45002,),
}
"""48001 is no setting: an account that is not verified may not write first, and answers at the next word."""
_AFTER = {45009: timedelta(days=1), 45011: timedelta(minutes=1)}

CODES: Codes = {
    code: Meaning(result, HINTS[code], _AFTER.get(code))
    for result, codes in _RESULTS.items()
    for code in codes
}
