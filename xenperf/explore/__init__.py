"""Every interleaving of two model operations, deterministically, from the model's own source."""
