"""Which alerts belong together."""
