"""Reads WeChat push-failure alerts and answers with the matching checklist."""

__version__ = "0.1.0"
