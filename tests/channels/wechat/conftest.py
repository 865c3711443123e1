"""The platform's API on loopback."""

from tests.support.wechat_api import platform

__all__ = ["platform"]
