"""What WeChat pushes, accepts and counts."""
