"""What a rank correlation says, in a sentence."""

from typing import Final

from xenperf.report.agreement.costs import RATIOS
from xenperf.report.agreement.model import Agreement, Order
from xenperf.stats.verdict import Verdict

ALPHA: Final = 0.05
NO_ORDER: Final = "no order: too few figures that differ"


def figure(order: Order) -> str:
    """Return the correlation with its interval and p; says so where there is none."""
    found = order.found
    if found is None:
        return f"{NO_ORDER} ({order.nr_pairs} costs)"
    bounds = f"[{found.interval.low:+.2f}, {found.interval.high:+.2f}]"
    p = "p < 0.0001" if found.p_value < 1e-4 else f"p = {found.p_value:.2g}"
    return f"{found.rho:+.2f}, 95 % interval {bounds}, {p}, over {found.nr_pairs} costs"


def meaning(order: Order, found: Agreement) -> str:
    """Return what the correlation means to a reader of the model's figures."""
    rank = order.found
    if rank is None:
        return "nothing can be said about their order"
    of_ratios = order.what == RATIOS
    if rank.p_value >= ALPHA:
        return _by_chance(found) if of_ratios else "which is dearer is not to be read off the model"
    if rank.rho < 0.0:
        return "the order is reversed: it must not be read off the model"
    if of_ratios:
        return "where HVA saves more on the model, it tends to save more on the kernel"
    return "what costs more on the model tends to cost more on the kernel"


def _by_chance(found: Agreement) -> str:
    """Return how many ratios have no order to speak of."""
    nr_same = sum(
        pair.model.verdict is Verdict.SAME or pair.live.verdict is Verdict.SAME
        for pair in found.costs
    )
    said = "by chance such an order is not rare; which cost gains most is not to be read off it"
    if not nr_same:
        return said
    return f"{said}: {nr_same} of {len(found.costs)} ratios are 1 but for noise on either side"
