"""The chat channels, one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from triage.channels.channel import Channel
from triage.channels.wechat.channel import WechatChannel

_CHANNELS: tuple[Channel[Any], ...] = (  # Any: each takes accounts of its own type, which the settings make
    WechatChannel(),
)
CHANNELS: Mapping[str, Channel[Any]] = {channel.name: channel for channel in _CHANNELS}
DEFAULT_CHANNEL = CHANNELS["wechat"]
"""Whose pages are shown where no channel is involved: on the command line and by the API."""
