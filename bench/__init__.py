"""The asv suite: costs by activation, HVA/GPA ratios measured in one process, exact counts.

One module for each room of the model, others for what spans rooms; README.md says how to use it.
Rules: a class per operation; ``version`` raised by hand, since asv hashes neither the kernels nor
the catalogue; imports guarded, so that the suite loads against any commit.
"""
