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
    """Counts over all schedules of a send and another operation. A leaf sets its version."""

    params = (("delete", "move", "break_apart"), ACTIVATIONS)
    param_names = ("against", "activation")
    unit = "schedules"
    timeout = 120
    kernel = "gpa-hva"

    def found(self, against, activation):
        """Explore the pair once and return what was found."""
        if WHY_NOT is not None:
            raise NotImplementedError(f"this commit cannot explore: {WHY_NOT}")
        tap = Tap(patches=KERNELS[self.kernel])
        with Pair("send", against, Activation(activation), tap) as pair:
            return pair.explore(NR_PREEMPTIONS)

    def track_schedules(self, against, activation):
        return self.found(against, activation).nr_schedules

    def track_refused_sends(self, against, activation):
        return self.found(against, activation).nr_refused_sends

    def track_violations(self, against, activation):
        return len(self.found(against, activation).violations)


class Schedules(_Schedules):
    """A send while memslots change."""

    version = "1"


class AtomicSchedules(_Schedules):
    """A send while the wished atomic update lays the overlay."""

    version = "1"
    params = (("overlay_at_once",), ACTIVATIONS)
    kernel = "atomic"
