"""The model against a real kernel: where both say the same, and every difference by name."""
