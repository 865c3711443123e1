"""WeCom group robots, out only."""
