"""Entry points of the model: what the host calls once, and the loops that are timed.

A loop takes ``(vm, cpu, n, a, b, c)``: the khva of the VM and of its processor, how many
operations, and three words that each loop explains. It returns how many operations had the outcome
expected, so a caller checks the answer of every timed run. State is as it was when a loop returns.
"""
