"""Alert text to values."""
