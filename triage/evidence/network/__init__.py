"""Tools that look at connections, names and certificates."""
