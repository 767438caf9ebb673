"""HVA over GPA, measured in one process: the figures to follow over time, since drift cancels.

A pair of rounds goes GPA HVA, HVA GPA; its ratio is the geometric mean of the two, so that neither
place is favoured. The machines are built twice, in either order. The figure is the median of all
pairs: a few disturbed rounds do not move it.
"""

import math

from .common import ACTIVATIONS, WHY_NOT, _Machines, require

if WHY_NOT is None:
    from xenperf.measure.schedule import alternate
    from xenperf.scenarios import catalogue

ROUNDS = 24  # of either order of building; even
SLICE_NS = 1_000_000


class _Ratio(_Machines):
    """One ratio for each cost. A leaf lists them and sets its version."""

    params = ()
    param_names = ("benchmark",)
    unit = "ratio"

    def setup(self, benchmark):
        """Skip what this commit does not have; compile the rest."""
        require(benchmark)
        self.pairs(catalogue.benchmark(benchmark), ACTIVATIONS, rounds=2)

    def track_hva_over_gpa(self, benchmark):
        """Return the median ratio; 1: the two cost the same; below: HVA takes less."""
        entry = catalogue.benchmark(benchmark)
        both = ACTIVATIONS, ACTIVATIONS[::-1]
        ratios = sorted(pair for order in both for pair in self.pairs(entry, order, ROUNDS))
        middle = len(ratios) // 2
        return (ratios[middle - 1] + ratios[middle]) / 2  # there are evenly many

    def pairs(self, entry, order, rounds):
        """Return the ratio of each pair of rounds, on machines that are built in *order*."""
        loops = {activation: self.open("model", activation, entry) for activation in order}
        _, by_gpa, by_hva = alternate(
            *(loops[activation] for activation in ACTIVATIONS),
            slice_ns=SLICE_NS,
            rounds=rounds,
            a_first=order[0] == "gpa",
            cycle=entry.cycle,
        )
        self.teardown()
        logs = [math.log(h / g) for g, h in zip(by_gpa.cpu_ns, by_hva.cpu_ns, strict=True)]
        return [math.exp((a + b) / 2) for a, b in zip(logs[::2], logs[1::2], strict=True)]


class HotPaths(_Ratio):
    """What the activation may touch."""

    version = "2"
    params = (
        (
            *("send.delivered", "send.merged", "send.masked", "send.to_shadow", "send.and_handle"),
            *("send.after_slot_change", "send.slot_absent", "gpc.check", "gpc.lock_and_check"),
            *("gpc.refresh_valid", "gpc.refresh_stale", "gpc.refresh_invalid"),
            *("gpc.refresh_failing", "shinfo.activate_again", "shinfo.activate_stale"),
            *("shinfo.off_and_on", "vcpu.merge", "vcpu.has_interrupt", "notifier.unrelated_page"),
            "slots.overlay_cycle",
        ),
    )


class Controls(_Ratio):
    """What it cannot touch: a ratio away from 1 is the machine's doing, and taints the rest."""

    version = "1"
    params = (
        (
            *("request.bad_port", "pending.set", "pending.scan", "lock.read", "lock.write"),
            *("lock.srcu", "slots.lookup", "slots.search", "slots.search_branches", "mm.walk"),
            *("notifier.read_first", "notifier.write_locked"),
        ),
    )
