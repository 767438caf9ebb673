"""Proof that what is timed was compiled from this commit's sources."""

from .common import require


class Sources:
    version = "1"
    unit = "digest"

    def setup(self):
        require()

    def track_source_digest(self):
        """Return the first 48 bits of the digest that the machine code is cached under."""
        from xenperf.jit import DIGEST

        return int(DIGEST[:12], 16)
