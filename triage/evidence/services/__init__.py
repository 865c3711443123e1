"""What nginx, an application and its database print and log."""
