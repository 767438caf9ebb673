"""What becomes of events and how much work is done: exact counts, equal on every machine."""

from .common import ACTIVATIONS, observed, picked

SCENARIOS = (
    *("break_apart", "remap_other_frame", "remap_same_frame"),
    *("unrelated_slot_change", "overlay_at_once"),
)


def setup_cache():
    """Run every scenario by both activations, once for all the classes here."""
    return {name: observed(name) for name in SCENARIOS}


setup_cache.timeout = 300


class _Outcome:
    """Exact counts of one scenario, by activation. A leaf names it and sets its version."""

    params = (ACTIVATIONS,)
    param_names = ("activation",)
    unit = "events"
    name = ""

    def count(self, found, activation, count):
        """Return one of the scenario's counts."""
        return picked(found, self.name, activation, count)

    def total(self, found, activation, metric):
        """Return the sum of one metric over all subjects."""
        counts = picked(found, self.name, activation)
        return sum(count for key, count in counts.items() if key.endswith(f".{metric}"))


class BreakApart(_Outcome):
    """576 sends while the overlay is taken away and laid again."""

    version = "2"
    name = "break_apart"

    def track_refused_sends(self, found, activation):
        return self.total(found, activation, "refused")

    def track_wrong_page_sends(self, found, activation):
        return self.total(found, activation, "wrong_page")


class _Work(_Outcome):
    """What a change costs in work."""

    unit = "count"
    subject = "send"

    def track_refused_sends(self, found, activation):
        return self.count(found, activation, f"{self.subject}.refused")

    def track_slow_sends(self, found, activation):
        return self.count(found, activation, f"{self.subject}.slow_sends")

    def track_swaps(self, found, activation):
        return self.count(found, activation, f"{self.subject}.swaps")

    def track_refreshes(self, found, activation):
        return self.count(found, activation, f"{self.subject}.refreshes")

    def track_walks(self, found, activation):
        return self.count(found, activation, f"{self.subject}.gups")

    def track_kicks(self, found, activation):
        return self.count(found, activation, f"{self.subject}.kicks")


class OtherFrameRemap(_Work):
    """16 moves of shared_info to another frame, a send at each step."""

    version = "2"
    name = "remap_other_frame"
    subject = "move"


class SameFrameRemap(_Work):
    """16 new pages over the HVA of shared_info, a send after each."""

    version = "1"
    name = "remap_same_frame"


class UnrelatedSlotChange(_Work):
    """16 sends, each after a change of a memslot elsewhere."""

    version = "2"
    name = "unrelated_slot_change"

    def track_shadowed_selectors(self, found, activation):
        return self.count(found, activation, "send.selector_shadowed")


class OverlayAtOnce(_Outcome):
    """16 rounds of the overlay taken away and laid again in as few publishes as can be."""

    version = "1"
    name = "overlay_at_once"

    def track_refused_sends(self, found, activation):
        return self.count(found, activation, "cycle.refused")

    def track_wrong_page_sends(self, found, activation):
        return self.count(found, activation, "cycle.wrong_page")

    def track_swaps(self, found, activation):
        return self.count(found, activation, "cycle.swaps")

    def track_left_behind(self, found, activation):
        return self.count(found, activation, "pending.left_behind")
