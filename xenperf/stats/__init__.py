"""Judgement from numbers: pure Python, no NumPy, no Numba.

In the order a comparison uses them: ``paired`` reduces the rounds of every worker to one
ratio with its interval, ``verdict`` turns the ratios of a whole report into words.
``robust``, ``student``, ``modes`` and ``interval`` carry these two; ``wilson`` bounds
proportions; ``rounding`` drops the digits that an interval does not support.
"""
