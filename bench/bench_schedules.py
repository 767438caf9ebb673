"""Every schedule of two operations, counted: exact, and the same on every machine."""

try:
    from xenperf.explore.pair import Pair
    from xenperf.explore.tap import Tap
    from xenperf.hypervisor import Activation
    from xenperf.model.patches import KERNELS
except ImportError as missing:  # a commit from before this room, or no greenlet
    WHY_NOT = str(missing)
else:
    WHY_NOT = None

from .common import ACTIVATIONS

NR_PREEMPTIONS = 2


class _Schedules:
    """Counts over all schedules of two operations. A leaf sets its version."""

    param_names = ("against", "activation")
    unit = "schedules"
    timeout = 120
    kernel = "gpa-hva"

    def names(self, against):
        """Return the two operations."""
        return "send", against

    def found(self, against, activation):
        """Explore the pair once and return what was found."""
        if WHY_NOT is not None:
            raise NotImplementedError(f"this commit cannot explore: {WHY_NOT}")
        tap = Tap(patches=KERNELS[self.kernel])
        with Pair(*self.names(against), Activation(activation), tap) as pair:
            return pair.explore(NR_PREEMPTIONS)

    def track_schedules(self, against, activation):
        return self.found(against, activation).nr_schedules

    def track_violations(self, against, activation):
        return len(self.found(against, activation).violations)


class _Sends(_Schedules):
    """Those of a send."""

    def track_refused_sends(self, against, activation):
        return self.found(against, activation).nr_refused_sends


class Schedules(_Sends):
    """A send while memslots change."""

    version = "1"
    params = (("delete", "move", "break_apart"), ACTIVATIONS)


class AtomicSchedules(_Sends):
    """A send while the wished atomic update lays the overlay."""

    version = "1"
    params = (("overlay_at_once",), ACTIVATIONS)
    kernel = "atomic"


class UntoldSchedules(_Schedules):
    """Events that nobody is told the fate of, while the overlay is laid."""

    version = "1"
    params = (("irqfd", "inject"), ACTIVATIONS)

    def names(self, against):
        return against, "break_apart"

    def track_lost_events(self, against, activation):
        return self.found(against, activation).nr_lost_events
