"""The chat channels, one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from triage.channels.channel import Channel, Outgoing
from triage.channels.dingtalk_webhook.channel import DINGTALK_WEBHOOK
from triage.channels.feishu_webhook.channel import FEISHU_WEBHOOK
from triage.channels.hook.channel import HOOK
from triage.channels.robot import RobotChannel
from triage.channels.wechat.channel import WECHAT
from triage.channels.wecom_app.channel import WECOM_APP
from triage.channels.wecom_bot.channel import WECOM_BOT
from triage.channels.wecom_webhook.channel import WECOM_WEBHOOK

_CHANNELS: tuple[Channel[Any], ...] = (  # Any: each takes accounts of its own type, which the settings make
    WECHAT,
    WECOM_APP,
    WECOM_BOT,
    HOOK,
)
CHANNELS: Mapping[str, Channel[Any]] = {channel.name: channel for channel in _CHANNELS}
HOOKS = HOOK.name
"""The channel of `/hooks/<name>`."""
_ROBOTS = (WECOM_WEBHOOK, DINGTALK_WEBHOOK, FEISHU_WEBHOOK)
ROBOTS: Mapping[str, RobotChannel] = {channel.name: channel for channel in _ROBOTS}
"""Group robots, which only send."""
OUTGOING: Mapping[str, Outgoing[Any]] = {**CHANNELS, **ROBOTS}
DEFAULT_CHANNEL = CHANNELS["wechat"]
"""Whose pages are shown where no channel is involved: on the command line and by the API."""
