"""Joins access logs with an alert: which requests came in when the pushes failed, and what became of them."""
