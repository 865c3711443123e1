"""DingTalk group robots, out only."""
