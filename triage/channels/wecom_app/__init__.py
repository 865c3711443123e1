"""A WeCom app."""
