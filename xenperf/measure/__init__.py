"""Samples with their conditions: workers, the schedule, clocks, the machine's description."""
