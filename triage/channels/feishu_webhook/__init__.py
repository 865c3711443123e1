"""Feishu group robots, out only."""
