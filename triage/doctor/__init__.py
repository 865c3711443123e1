"""Looks at the host of a callback and judges it as if its numbers had been pasted: read-only, and without root."""
