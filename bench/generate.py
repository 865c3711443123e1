"""Alerts and rules for measuring: random, reproducible, and no text twice."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

_SENTENCES = (
    "微信服务器向公众号推送消息或事件后，开发者5秒内没有返回",
    "微信服务器连接公众号开发者服务器时发生超时，超时时间为5秒",
    "微信服务器向公众号推送消息或事件后，得到的回应不合法",
)
_EVENTS = ("Template Send Job Finish", "UnSubscribe", "Click", "Scan QRCode", "Location Report")
_BODIES = (
    '"success"',
    '{{"errcode":0,"errmsg":"{word}"}}',
    (
        "<xml><ToUserName><![CDATA[{openid}]]></ToUserName><FromUserName><![CDATA[gh_{word}]]></FromUserName>"
        "<CreateTime>{stamp}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[]]></Content></xml>"
    ),
    "Error 500: {word}",
)
_WORDS = string.ascii_lowercase + string.digits
_PLACES = (
    "支付机房",
    "订单中心",
    "会员系统",
    "营销平台",
    "客服后台",
    "门店小程序",
    "物流查询",
    "短信网关",
    "商城前端",
    "积分服务",
    "直播间",
    "抽奖活动",
)
_TROUBLES = (
    "请求超时",
    "连接超时",
    "回应失败",
    "域名解析",
    "证书过期",
    "磁盘写满",
    "连接数耗尽",
    "队列堆积",
    "缓存失效",
    "慢查询",
    "发布重启",
    "限流",
)


def _word(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(_WORDS, k=length))


def openid(rng: random.Random) -> str:
    """A follower of an account."""
    return "o" + "".join(rng.choices(string.ascii_letters + string.digits, k=27))


def alerts(count: int, seed: int) -> Iterator[str]:
    """Alert texts as the platform writes them, about 600 characters each."""
    rng = random.Random(seed)
    start = datetime(2024, 1, 1)  # noqa: DTZ001 - only printed
    for _ in range(count):
        moment = start + timedelta(seconds=rng.randrange(30_000_000))
        follower = openid(rng)
        values = {"word": _word(rng, 12), "openid": follower, "stamp": rng.randrange(10**9, 2 * 10**9)}
        sentence = rng.choice(_SENTENCES)
        body = rng.choice(_BODIES).format(**values) if "不合法" in sentence else ""
        sample = f"[ip={_address(rng)}][response_length={len(body.encode())}][response_content={body}]"
        yield (
            f"Appid: wx{rng.randrange(16**16):016x}\n昵称: 示例{_word(rng, 5)}\n时间: {moment:%Y-%m-%d %H:%M:%S}\n"
            f"内容: {sentence}\n次数: 5分钟 {rng.randrange(30, 90_000)}次\n"
            f"错误样例: [OpenID={follower}][Stamp={values['stamp']}][OuterIP=198.51.100.{rng.randrange(255)}]"
            f"[3rdUrl=https://{_word(rng, 8)}.example.cn/{_word(rng, 6)}?token={_word(rng, 16)}]"
            f"[Event={rng.choice(_EVENTS)}]{sample if body else f'[IP={_address(rng)}]'}\n"
            "报警排查指引，请见: https://mmbizurl.cn/s/MpkaZb8yg\n"
        )


def _address(rng: random.Random) -> str:
    return f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def _condition(rng: random.Random, index: int) -> str:
    """A condition as teams write them; one rule in a hundred has an expression without a literal."""
    choice = index % 100
    if choice < 25:
        return f"appid: wx{rng.randrange(16**16):016x}"
    if choice < 40:
        return f"domain: {_word(rng, 8)}.example.cn\n      count|gte: {rng.randrange(30, 900)}"
    if choice < 55:
        return f"text|contains: {_word(rng, 9)}"
    if choice < 70:
        return f"ip|cidr: 10.{rng.randrange(256)}.{rng.randrange(256)}.0/24"
    if choice < 85:
        return f"kind: request_timeout\n      path|startswith: /{_word(rng, 6)}/"
    if choice < 99:
        return f"response_content|regex: 'error {_word(rng, 7)} at \\d+'"
    return f"nickname|regex: '^[{_word(rng, 3)}]{{3}}\\d{{4}}$'"


def _rule(rng: random.Random, index: int) -> str:
    title = f"{rng.choice(_PLACES)}{rng.choice(_TROUBLES)} {_word(rng, 4)}{index}"
    return f"""\
  - id: rule_{index}
    title: {title}
    severity: high
    owner: 运维
    meaning: 第 {index} 条规则管的回调出了问题。
    when:
      {_condition(rng, index)}
    steps:
      - id: s{index}a
        do: 检查 {{{{ ip }}}} 上编号 {index} 的服务
        run: ss -s; curl -sv -m 5 {{{{ url }}}}
        source: field
      - id: s{index}b
        do: 看 {{{{ window_start }}}} 之后的日志
        healthy: 没有报错
        source: field
    examples:
      match:
        - query: {title}
      ignore:
        - query: 今天中午吃什么
"""


def write_rules(directory: Path, count: int, seed: int = 1) -> list[Path]:
    """`count` rules in packs of a hundred; the files."""
    rng = random.Random(seed)
    files = []
    for first in range(0, count, 100):
        rules = "".join(_rule(rng, index) for index in range(first, min(first + 100, count)))
        file = directory / f"pack_{first:05}.yml"
        file.write_text("rules:\n" + rules, encoding="utf-8")
        files.append(file)
    return files
