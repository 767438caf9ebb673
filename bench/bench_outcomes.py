"""What becomes of events and how much work is done: exact counts, equal on every machine."""

from .common import _Outcome


class BreakApart(_Outcome):
    """576 sends while the overlay is taken away and laid again."""

    version = "1"
    name = "break_apart"

    def track_refused_sends(self, activation, backend):
        return self.total(activation, backend, "refused")

    def track_wrong_page_sends(self, activation, backend):
        return self.total(activation, backend, "wrong_page")


class OtherFrameRemap(_Outcome):
    """16 moves of shared_info to another frame, a send at each step."""

    version = "1"
    name = "remap_other_frame"

    def track_refused_sends(self, activation, backend):
        return self.count(activation, backend, "move", "refused")

    def track_swaps(self, activation, backend):
        return self.count(activation, backend, "move", "swaps")

    def track_refreshes(self, activation, backend):
        return self.count(activation, backend, "move", "refreshes")


class UnrelatedSlotChange(_Outcome):
    """16 sends, each after a change of a memslot elsewhere."""

    version = "1"
    name = "unrelated_slot_change"

    def track_slow_sends(self, activation, backend):
        return self.count(activation, backend, "send", "slow_sends")

    def track_shadowed_selectors(self, activation, backend):
        return self.count(activation, backend, "send", "selector_shadowed")


class EventSources(_Outcome):
    """352 events by their source while shared_info is away, and 32 polls."""

    version = "1"
    name = "event_sources"

    def track_delayed_events(self, activation, backend):
        return self.count(activation, backend, "all", "delayed")

    def track_returned_events(self, activation, backend):
        return self.count(activation, backend, "all", "returned")

    def track_lost_events(self, activation, backend):
        return self.count(activation, backend, "all", "lost")

    def track_wrong_page_events(self, activation, backend):
        return self.count(activation, backend, "all", "wrong_page")

    def track_spurious_polls(self, activation, backend):
        return self.total(activation, backend, "spurious")
