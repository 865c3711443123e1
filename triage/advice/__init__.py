"""A text to its answer, without a memory."""
