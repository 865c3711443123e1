"""YAML to matches, each with its because."""
