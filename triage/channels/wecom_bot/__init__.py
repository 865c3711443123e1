"""A bot in groups of WeCom (智能机器人)."""
