"""Tools that look at a machine: load, memory, disks, limits."""
