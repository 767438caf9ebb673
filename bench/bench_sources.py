"""Events by their source while shared_info is away: irqfd, timer, the guest's ports, polls.

Exact counts of the scenario ``event_sources``, equal on every machine.
"""

from .common import ACTIVATIONS, observed, picked


def setup_cache():
    """Run the scenario by both activations, once for all the classes here."""
    return observed("event_sources")


setup_cache.timeout = 300


class EventSources:
    """352 events of all sources, and 32 polls."""

    version = "2"
    params = (ACTIVATIONS,)
    param_names = ("activation",)
    unit = "events"

    def track_delivered_events(self, found, activation):
        return picked(found, activation, "all.delivered")

    def track_delayed_events(self, found, activation):
        return picked(found, activation, "all.delayed")

    def track_returned_events(self, found, activation):
        return picked(found, activation, "all.returned")

    def track_lost_events(self, found, activation):
        return picked(found, activation, "all.lost")

    def track_wrong_page_events(self, found, activation):
        return picked(found, activation, "all.wrong_page")

    def track_spurious_polls(self, found, activation):
        counts = picked(found, activation)
        polls = [count for key, count in counts.items() if key.endswith(".spurious")]
        return sum(polls) if polls else picked(found, activation, "poll.stale.spurious")


class _Absent:
    """Events of one source while no memslot covers the frame. A leaf sets its version."""

    param_names = ("source", "activation")
    unit = "events"

    def count(self, found, source, activation, fate):
        """Return how many events had one fate."""
        return picked(found, activation, f"{source}.absent.{fate}")

    def track_delivered_events(self, found, source, activation):
        return self.count(found, source, activation, "delivered")


class AbsentTold(_Absent):
    """Whoever raises these learns that it failed."""

    version = "1"
    params = (("send", "irq_line", "guest_send", "ipi"), ACTIVATIONS)

    def track_returned_events(self, found, source, activation):
        return self.count(found, source, activation, "returned")


class AbsentUntold(_Absent):
    """Nobody is told what becomes of these."""

    version = "1"
    params = (
        ("irqfd", "timer_vcpu_stopped", "timer_vcpu_runs", "timer_vcpu_is_read"),
        ACTIVATIONS,
    )

    def track_delayed_events(self, found, source, activation):
        return self.count(found, source, activation, "delayed")

    def track_lost_events(self, found, source, activation):
        return self.count(found, source, activation, "lost")
