"""Pasted or gathered output of tools, log lines and configurations: what it is, and what it proves."""
