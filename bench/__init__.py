"""The asv suite: costs by activation, HVA/GPA ratios measured in one process, exact counts.

Run one benchmark without recording it: ``asv run --quick --dry-run --bench send.Delivered HEAD^!``.
Rules: a class per operation; ``version`` raised by hand, since asv hashes neither the kernels nor
the catalogue; imports guarded, so that the suite loads against any commit.
"""
